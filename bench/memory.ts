// How much memory a process takes at most that trains, beside PyTorch.
import { type BenchCase, bench, buildPackages, fresh, peakMegabytes } from './harness/index.ts';

const workloads = [
  { network: 'resnet9', batch: 128, size: 32, classes: 10 },
  { network: 'resnet18', batch: 16, size: 224, classes: 1000 },
  { network: 'mobilenet_v2', batch: 16, size: 224, classes: 1000 },
] as const;

await buildPackages();
const missing = await fresh.missing();

await bench('memory', ({ quick }) => workloads.slice(0, quick ? 1 : undefined).map(besidePyTorch));

function besidePyTorch({ network, batch, size, classes }: (typeof workloads)[number]): BenchCase {
  return {
    name: `${network}, batch ${batch}`,
    unit: 'MB',
    prepare: () => ({
      ours: () => fresh.node(training(network, batch, size, classes)),
      peer: missing ?? (() => fresh.python('memory.py', network, String(batch), String(size), String(classes))),
      peerName: 'PyTorch, eager, channels_last, fused SGD',
      repeats: 0,
    }),
  };
}

/** Five steps; then the most that was ever resident. */
function training(network: string, batch: number, size: number, classes: number): string {
  return `
import { createModel } from '@imgcls/models';
import { useBackend } from '@imgcls/tensor';
import { fit, sgd } from '@imgcls/train';
await useBackend('native');
const images = {
  images: new Float32Array(${batch * size * size * 3}).map((_, i) => Math.sin(i)),
  shape: [${batch}, ${size}, ${size}, 3],
  labels: Int32Array.from({ length: ${batch} }, (_, i) => i % ${classes}),
  indices: new Int32Array(${batch}),
};
const optimizer = sgd({ learningRate: 0.01, momentum: 0.9, nesterov: true, weightDecay: 5e-4 });
const model = createModel('${network}', { numClasses: ${classes}, seed: 1 });
for await (const _ of fit(model, { train: Array(5).fill(images), optimizer, epochs: 1 }));
${peakMegabytes}
`;
}
