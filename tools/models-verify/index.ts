/*
 * pnpm models:verify FOLDER [--backend NAME] [PATTERN …]
 *
 * Compares the networks of the catalogue with the reference results in a folder of JSON files (see verify.ts for what they
 * hold), prints a line for each, and fails if one of them differs by more than rounding explains. With patterns, only the
 * files whose path contains one of them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { useBackend } from '@imgcls/tensor';
import { type Finding, type Reference, verify } from './verify.ts';

const { values: options, positionals } = parseArgs({
  options: { backend: { type: 'string' } },
  allowPositionals: true,
});
const [folder, ...patterns] = positionals;
if (!folder) {
  console.error('usage: pnpm models:verify FOLDER [--backend NAME] [PATTERN …]');
  process.exit(2);
}

const { name, device } = await useBackend(options.backend as Parameters<typeof useBackend>[0]);
console.log(`on ${name} (${device})`);

const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.json') && patterns.every((pattern) => file.includes(pattern)))
  .sort();
let failures = 0;
for (const file of files) {
  const started = performance.now();
  const findings = await check(join(folder, file));
  const passed = findings.every(({ error, tolerance }) => error <= tolerance);
  if (!passed) failures++;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(
    [passed ? 'ok  ' : 'FAIL', relative('.', file).padEnd(32), ...findings.map(describe), `${seconds} s`].join('  '),
  );
}
console.log(`${files.length - failures} of ${files.length} are the networks of the references`);
process.exitCode = failures > 0 || files.length === 0 ? 1 : 0;

async function check(path: string): Promise<Finding[]> {
  try {
    return await verify(JSON.parse(readFileSync(path, 'utf8')) as Reference);
  } catch (error) {
    return [{ what: (error as Error).message.slice(0, 200), error: Number.POSITIVE_INFINITY, tolerance: 0 }];
  }
}

function describe({ what, error, tolerance }: Finding): string {
  const size = error === 0 || Number.isInteger(error) ? `${error}` : error.toExponential(1);
  return `${what} ${size}${error <= tolerance ? '' : ` > ${tolerance}`}`;
}
