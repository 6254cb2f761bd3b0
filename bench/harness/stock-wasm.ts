// A process of its own: answers {…workload, steps} with the milliseconds of one step of `fit` on
// @tensorflow/tfjs-backend-wasm, by what imgcls composes of the operations of any backend.
import { createInterface } from 'node:readline';
import { version_wasm } from '@tensorflow/tfjs-backend-wasm';
import { copyRegisteredKernels, findBackendFactory, registerBackend, setBackend } from '@tensorflow/tfjs-core';
import { training, type Workload } from './training.ts';

// Under another name than that of our backend, which has kernels of its own.
registerBackend('stock-wasm', findBackendFactory('wasm'));
copyRegisteredKernels('wasm', 'stock-wasm');
await setBackend('stock-wasm');

console.log(JSON.stringify(`tfjs-backend-wasm ${version_wasm} with composed kernels, 1 thread`));
let current: ReturnType<typeof training> | undefined;
for await (const line of createInterface({ input: process.stdin })) {
  const { steps, ...workload } = JSON.parse(line) as Workload & { steps: number };
  current ??= training(workload, 'float32');
  console.log(JSON.stringify(await current.step(steps)));
}
