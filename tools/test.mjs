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
  await setUpTensorflow();
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

/** An extra, for which this machine may lack Python or the network: then the tests say that they do without. It is kept from run to run. */
async function setUpTensorflow() {
  console.log('\n━━ tensorflow ━━');
  const add = [...onSource, 'packages/imgcls/src/cli.ts', 'engines', 'add', 'tensorflow'];
  const { code, output } = await node(add, { quiet: true, timeoutMs: 240_000 });
  console.log(code === 0 ? output.trim() : `not tested: ${output.trim().split('\n').at(-1)}`);
}
