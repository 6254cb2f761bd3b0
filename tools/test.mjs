// `npm test`, `pnpm ok`: everything that must hold. `pnpm test PATTERN…`: the tests whose file name contains a pattern, alone.
import { bin, node, onSource } from './process.mjs';

const patterns = process.argv.slice(2);
const vitest = [bin('vitest'), 'run', ...patterns];

if (patterns.length > 0) process.exitCode = (await node(vitest)).code;
else process.exitCode = await everything();

async function everything() {
  /** @type {[name: string, args: string[]][]} */
  const steps = [
    ['check', [...onSource, 'tools/check/index.ts']],
    ['test', vitest],
    ['doctest', [...onSource, 'tools/doctest/index.ts']],
    ['packtest', [...onSource, 'tools/packtest/index.ts', '--quick']],
  ];
  const results = [];
  for (const [name, args] of steps) {
    console.log(`\n━━ ${name} ━━`);
    const start = performance.now();
    const { code } = await node(args);
    results.push({ name, passed: code === 0, seconds: (performance.now() - start) / 1000 });
  }
  console.log('\n━━ summary ━━');
  for (const { name, passed, seconds } of results)
    console.log(`${passed ? '✓' : '✗'} ${name.padEnd(10)} ${seconds.toFixed(0).padStart(4)} s`);
  const failed = results.filter(({ passed }) => !passed).length;
  console.log(`\n${results.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}
