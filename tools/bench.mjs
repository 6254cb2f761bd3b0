// `pnpm bench NAME [case…] [--quick] [--json]` measures; `pnpm bench` lists what there is to measure.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { node, onSource, root } from './process.mjs';

const benches = readdirSync(join(root, 'bench'))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -'.ts'.length));

const [name, ...args] = process.argv.slice(2);
if (name === undefined) {
  console.log('pnpm bench NAME [case…] [--quick] [--json]\n');
  for (const bench of benches) console.log(`${bench.padEnd(12)} ${question(bench)}`);
} else if (benches.includes(name)) {
  process.exitCode = (await node([...onSource, join(root, 'bench', `${name}.ts`), ...args])).code;
} else {
  console.error(`bench: there is no ${name}; there are ${benches.join(', ')}`);
  process.exitCode = 2;
}

/**
 * The comment that a bench begins with.
 * @param {string} bench
 */
function question(bench) {
  const [first = ''] = readFileSync(join(root, 'bench', `${bench}.ts`), 'utf8').split('\n', 1);
  return first.replace(/^\/\/ /, '');
}
