// Where does the time of a training step go: in which kernels, how often called, and how much of it passes while none runs?
import { parseArgs } from 'node:util';
import { Kernels, loadKernels, matmul } from '@imgcls/kernels';
import { useBackend } from '@imgcls/tensor';
import { machine } from './harness/machine.ts';
import { type Precision, training, warmUp } from './harness/training.ts';

interface Spent {
  calls: number;
  ms: number;
}

const steps = 10;
const {
  values,
  positionals: [network = 'resnet9', precision = 'float32'],
} = parseArgs({
  allowPositionals: true,
  options: {
    backend: { type: 'string', default: 'native' },
    batch: { type: 'string', default: '16' },
    size: { type: 'string', default: '224' },
    classes: { type: 'string', default: '1000' },
  },
});
const workload = { network, batch: Number(values.batch), size: Number(values.size), classes: Number(values.classes) };

await useBackend(values.backend as 'native' | 'wasm');
console.log(
  `profile of ${network}, ${precision}, batch ${workload.batch}, ${workload.size} × ${workload.size}, on ${machine()}`,
);
console.log(
  `the product of two matrices of 2048 × 2048: ${(await productRate(precision as Precision)).toFixed(0)} GFLOP/s`,
);
const recorded = training(workload, precision as Precision);
const recordedMs = await recorded.step(steps);
recorded.close();
const { step, close } = training(workload, precision as Precision, false);
await step(1);
const spent = watchKernels();
const ms = await step(steps);
close();
console.log(`${ms.toFixed(1)} ms a step, ${recordedMs.toFixed(1)} ms recorded; without a recording:`);
print(ms, spent);

/** Of a large product of matrices of this storage, the best of several: what kernels of this kind can do at most here. */
async function productRate(storage: Precision): Promise<number> {
  const kernels = await loadKernels(values.backend === 'wasm' ? { carrier: 'wasm' } : {});
  const n = 2048;
  const matrix = () => ({ block: kernels.memory.allocate(4 * n * n), storage });
  const operands = { a: matrix(), b: matrix(), y: matrix() };
  const times = Array.from({ length: 6 }, () => {
    const start = performance.now();
    matmul(kernels, { m: n, n, k: n }, operands);
    return performance.now() - start;
  });
  return (2 * n ** 3) / Math.min(...times) / 1e6;
}

/** From now on keeps count of the time in each kernel. */
function watchKernels(): ReadonlyMap<string, Spent> {
  const spent = new Map<string, Spent>();
  const { call } = Kernels.prototype;
  Kernels.prototype.call = function (name, ...given) {
    const start = performance.now();
    call.call(this, name, ...given);
    const { calls, ms } = spent.get(name) ?? { calls: 0, ms: 0 };
    spent.set(name, { calls: calls + 1, ms: ms + performance.now() - start });
  };
  return spent;
}

/** A line for each kernel, the longest first. `step` runs more steps than it times, so those are a part of what was counted. */
function print(ms: number, spent: ReadonlyMap<string, Spent>): void {
  const counted = steps + warmUp;
  const line = (name: string, calls: string, each: number) =>
    console.log(
      `${name.padEnd(34)} ${calls.padStart(6)} ${each.toFixed(1).padStart(8)} ms ${((100 * each) / ms).toFixed(1).padStart(6)} %`,
    );
  line('step', '', ms);
  const kernels = [...spent].sort(([, a], [, b]) => b.ms - a.ms);
  for (const [name, one] of kernels) line(name, (one.calls / counted).toFixed(0), one.ms / counted);
  line('in no kernel', '', ms - kernels.reduce((sum, [, one]) => sum + one.ms, 0) / counted);
}
