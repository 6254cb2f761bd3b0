// What emulate.mjs puts in the place of Vitest, which needs binaries of its own for each platform; these parts of it are JavaScript alone.
import {
  ASYMMETRIC_MATCHERS_OBJECT,
  chai,
  customMatchers,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
} from '@vitest/expect';
import { startTests } from '@vitest/runner';

export { afterAll, afterEach, beforeAll, beforeEach, describe, it } from '@vitest/runner';

for (const plugin of [JestExtend, JestChaiExpect, JestAsymmetricMatchers]) chai.use(plugin);
export const expect = Object.assign(
  (value, message) => chai.expect(value, message),
  chai.expect,
  globalThis[ASYMMETRIC_MATCHERS_OBJECT],
);
chai.expect.extend(expect, customMatchers);

/** Runs the tests in modules, and prints what fails. Resolves to whether some ran and none failed. */
export async function runTests(modules) {
  const counts = { pass: 0, fail: 0 };
  const config = {
    ...{
      root: '/',
      setupFiles: [],
      testNamePattern: /native/,
      allowOnly: false,
      maxConcurrency: 1,
      retry: 0,
      tags: [],
    },
    ...{ sequence: { seed: 0, hooks: 'stack', setupFiles: 'list' }, testTimeout: 600_000, hookTimeout: 600_000 },
  };
  const onAfterRunTask = ({ fullTestName, result }) => {
    if (result && result.state in counts) counts[result.state]++;
    for (const { message } of result?.errors ?? []) console.error(`✗ ${fullTestName}: ${message}`);
  };
  for (const module of modules) {
    const start = performance.now();
    const before = counts.pass;
    const [file] = await startTests([{ filepath: module }], {
      config,
      onAfterRunTask,
      importFile: (path) => import(path),
    });
    for (const { message } of file.result?.errors ?? []) {
      counts.fail++;
      console.error(`✗ ${module}: ${message}`);
    }
    console.log(`${module}: ${counts.pass - before} passed (${((performance.now() - start) / 1000).toFixed(0)} s)`);
  }
  console.log(`${process.platform}-${process.arch}: ${counts.pass} tests passed, ${counts.fail} failed`);
  return counts.pass > 0 && counts.fail === 0;
}
