// `pnpm examples [--quick] [NAME…]`: runs the tutorials on source. Each states a target and fails if it misses it.

import { node, onSource, repositoryFiles } from './process.mjs';

const args = process.argv.slice(2);
const names = args.filter((arg) => !arg.startsWith('--'));
const programs = repositoryFiles(/^examples\/\d\d-[^/]+\.ts$/)
  .filter((file) => !file.endsWith('.test.ts'))
  .filter((file) => names.length === 0 || names.some((name) => file.includes(name)));
if (programs.length === 0) throw new Error(`examples: no example is named like ${names.join(' or ')}; see examples/`);

const failed: string[] = [];
for (const program of programs) {
  console.log(`\n── ${program} ──`);
  const { code } = await node([...onSource, program, ...args.filter((arg) => arg.startsWith('--'))]);
  if (code !== 0) failed.push(program);
}
console.log(
  failed.length === 0 ? `\nAll ${programs.length} examples met their targets.` : `\nFailed: ${failed.join(', ')}`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
