import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { carriers } from './test/carriers.ts';

const addon = fileURLToPath(new URL('../build/imgcls-kernels.node', import.meta.url));

/** The package as one file of JavaScript, in a folder from where it finds its binaries. */
const bundle = new URL(`../build/environments-${process.pid}.mjs`, import.meta.url);

beforeAll(() =>
  build({
    entryPoints: [fileURLToPath(new URL('./index.ts', import.meta.url))],
    outfile: fileURLToPath(bundle),
    bundle: true,
    platform: 'node',
    format: 'esm',
  }),
);
afterAll(() => rmSync(bundle));

/** Runs a module in a process of its own. Resolves to what it printed; rejects if it doesn't end well, or in time. */
async function run(code: string): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code], {
    timeout: 50_000,
  });
  return stdout.trim();
}

/** A program that can sum the rows of 1000 times 64 ones. */
const summing = `
import { channelSum, loadKernels } from ${JSON.stringify(bundle)};
const load = async (options) => {
  const kernels = await loadKernels(options);
  const { memory } = kernels;
  const [x, y] = [memory.allocate(4 * 64_000), memory.allocate(4 * 64)];
  memory.floats(x, 64_000).fill(1);
  const sum = () => channelSum(kernels, { rows: 1000, channels: 64 }, { x: { block: x, storage: 'float32' }, y });
  const isRight = () => memory.floats(y, 64).every((value) => value === 1000);
  return { kernels, sum, isRight };
};
`;

describe.each(carriers)('a process with %s', (carrier) => {
  const options = (queued: boolean) => JSON.stringify({ carrier, threads: 3, queued });

  it('ends by itself, with threads and a queue that sleep', async () => {
    expect(
      await run(`${summing}
        for (const queued of [false, true]) {
          const { kernels, sum, isRight } = await load({ ...${options(false)}, queued });
          sum();
          await kernels.finished();
          console.log(isRight());
        }`),
    ).toBe('true\ntrue');
  });

  it('ends when it is told to, in the middle of a queue', async () => {
    expect(
      await run(`${summing}
        const { sum } = await load(${options(true)});
        for (let i = 0; i < 2000; i++) sum();
        console.log('enough');
        process.exit(0);`),
    ).toBe('enough');
  });

  it('waits for what is awaited', async () => {
    expect(
      await run(`${summing}
        const { kernels, sum, isRight } = await load(${options(true)});
        for (let i = 0; i < 2000; i++) sum();
        kernels.finished().then(() => console.log(isRight()));`),
    ).toBe('true');
  });

  it('computes in worker threads at once, which come and go', async () => {
    expect(
      await run(`${summing}
        import { Worker } from 'node:worker_threads';
        const work = ${JSON.stringify(`${summing}
          import { parentPort } from 'node:worker_threads';
          const { kernels, sum, isRight } = await load(${options(true)});
          let right = 0;
          for (let i = 0; i < 300; i++) { sum(); kernels.finish(); right += isRight(); }
          parentPort.postMessage(right);`)};
        const start = () => new Promise((resolve, reject) => {
          const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(work)));
          let result;
          worker.on('message', (message) => { result = message; }).on('error', reject).on('exit', () => resolve(result));
        });
        for (let round = 0; round < 2; round++) console.log(...await Promise.all([start(), start(), start()]));
        const { kernels, sum, isRight } = await load(${options(false)});
        sum();
        console.log(isRight());`),
    ).toBe('300 300 300\n300 300 300\ntrue');
  });
});

describe.skipIf(!existsSync(addon))('the addon', () => {
  it('may be there twice', () => {
    const folder = mkdtempSync(join(tmpdir(), 'imgcls-kernels-'));
    const copy = join(folder, 'copy.node');
    cpSync(addon, copy);
    const require = createRequire(import.meta.url);
    const [one, two] = [require(addon), require(copy)];
    expect(one).not.toBe(two);
    for (const { allocate, view, kernels, call } of [one, two, one]) {
      const address = allocate(1024);
      const numbers = new Float64Array(view(address, 1024));
      // fill(y, float32, size, value), on the first instruction set, with three threads
      numbers.set([kernels().indexOf('fill'), 0, 3, 4, address + 512, 0, 10, 2.5]);
      expect(call(address)).toBeUndefined();
      expect([...new Float32Array(numbers.buffer, 512, 10)]).toEqual(Array(10).fill(2.5));
    }
    rmSync(folder, { recursive: true, force: true });
  });
});
