// How much memory a process takes at most that trains, beside PyTorch. It fails if a step after the third asks the system for more.
import { type BenchCase, bench, buildPackages, fresh, peakMegabytes } from './harness/index.ts';

const workloads = [
  { network: 'resnet9', batch: 128, size: 32, classes: 10 },
  { network: 'resnet18', batch: 16, size: 224, classes: 1000 },
  { network: 'mobilenet_v2', batch: 16, size: 224, classes: 1000 },
] as const;

await buildPackages();
const missing = await fresh.missing();

await bench('memory', ({ quick }) =>
  workloads
    .slice(0, quick ? 1 : undefined)
    .flatMap((workload) => [false, true].map((compiled) => besidePyTorch(workload, compiled))),
);

type Workload = (typeof workloads)[number];

function besidePyTorch(workload: Workload, compiled: boolean): BenchCase {
  const { network, batch, size, classes } = workload;
  return {
    name: `${network}, batch ${batch}${compiled ? ', recorded' : ''}`,
    unit: 'MB',
    prepare: () => ({
      ours: () => fresh.node(training(workload, compiled)),
      peer: missing ?? (() => fresh.python('memory.py', network, String(batch), String(size), String(classes))),
      peerName: 'PyTorch, eager, channels_last, fused SGD',
      repeats: 0,
    }),
  };
}

/** Six steps; then the most that was ever resident. */
function training({ network, batch, size, classes }: Workload, compiled: boolean): string {
  return `
import { createModel } from '@imgcls/models';
import { memory, useBackend } from '@imgcls/tensor';
import { fit, sgd } from '@imgcls/train';
await useBackend('native');
const images = {
  images: new Float32Array(${batch * size * size * 3}).map((_, i) => Math.sin(i)),
  shape: [${batch}, ${size}, ${size}, 3],
  labels: Int32Array.from({ length: ${batch} }, (_, i) => i % ${classes}),
  indices: new Int32Array(${batch}),
};
const inner = sgd({ learningRate: 0.01, momentum: 0.9, nesterov: true, weightDecay: 5e-4 });
const allocated = [];
const update = (...given) => (inner.update(...given), allocated.push(memory().bytesAllocated));
const model = createModel('${network}', { numClasses: ${classes}, seed: 1 });
for await (const _ of fit(model, { train: Array(6).fill(images), optimizer: { ...inner, update }, epochs: 1, compiled: ${compiled} }));
if (allocated[2] !== allocated.at(-1)) throw new Error('bytes from the system after each step: ' + allocated.join(', '));
${peakMegabytes}
`;
}
