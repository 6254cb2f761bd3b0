// What do all threads bring over one, on a quiet machine and beside a process that keeps a core busy: never less than one thread alone?
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadKernels, matmul } from '@imgcls/kernels';
import { type BenchCase, bench, rate } from './harness/index.ts';

/** Rows of a product with 256 columns and a depth of 256, from some microseconds of work to milliseconds. */
const sizes = [28, 112, 448, 1792, 14_336];

/** What keeps a core busy, and ends with this process, however that ends. */
const untilOrphaned = 'const parent = process.ppid; while (process.ppid === parent);';

const kernels = await loadKernels({ carrier: 'native' });
const { memory, threads } = kernels;

await bench('threads', ({ quick }) =>
  (quick ? [448] : sizes).flatMap((rows) => [false, true].map((busy) => product(rows, busy))),
);

function product(m: number, busy: boolean): BenchCase {
  return {
    name: `${m} × 256 × 256, ${busy ? 'beside a busy process' : 'alone'}`,
    unit: 'ms',
    prepare: async () => {
      const neighbour = busy ? spawn(process.execPath, ['--eval', untilOrphaned], { stdio: 'ignore' }) : undefined;
      if (busy) await sleep(500); // until it has started
      const [a, b, y] = [m * 256, 256 * 256, m * 256].map((values) => memory.allocate(4 * values));
      memory.floats(a!, m * 256).fill(0.5);
      memory.floats(b!, 256 * 256).fill(0.25);
      const [left, right, to] = [a!, b!, y!].map((block) => ({ block, storage: 'float32' }) as const);
      const time = async (count: number) => {
        kernels.threads = count;
        const step = async () => matmul(kernels, { m, n: 256, k: 256 }, { a: left!, b: right!, y: to! });
        return 1000 / (await rate(step, 1, 0.5));
      };
      return {
        ours: () => time(threads),
        peer: () => time(1),
        peerName: `one thread, of ${threads}`,
        close: () => {
          neighbour?.kill();
          for (const block of [a, b, y]) memory.release(block!);
        },
      };
    },
  };
}
