// How long it takes from the start of a process to its first training step, and how long the packages to load, beside PyTorch.
import { type BenchCase, bench, buildPackages, fresh } from './harness/index.ts';

await buildPackages();
const missing = await fresh.missing();

await bench('start-up', () => [
  besidePyTorch('first step in a fresh process', () => whole(() => fresh.node(firstStep())), 'first-step'),
  ...['@imgcls/kernels', '@imgcls/train'].map((name) =>
    besidePyTorch(`import ${name}`, () => fresh.node(importing(name)), 'import'),
  ),
]);

function besidePyTorch(name: string, ours: () => Promise<number>, what: 'first-step' | 'import'): BenchCase {
  const python = () => fresh.python('start-up.py', what);
  const peer = what === 'first-step' ? () => whole(python) : python;
  return { name, unit: 'ms', prepare: () => ({ ours, peer: missing ?? peer, peerName: 'PyTorch, eager' }) };
}

/** The milliseconds that a process takes, from its start to its end. */
async function whole(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

function importing(name: string): string {
  return `
const start = performance.now();
await import('${name}');
console.log(performance.now() - start);
`;
}

function firstStep(): string {
  return `
import { createModel } from '@imgcls/models';
import { useBackend } from '@imgcls/tensor';
import { fit, sgd } from '@imgcls/train';
await useBackend();
const images = {
  images: new Uint8Array(64 * 28 * 28).map((_, i) => i),
  shape: [64, 28, 28, 1],
  labels: Int32Array.from({ length: 64 }, (_, i) => i % 10),
  indices: new Int32Array(64),
};
const model = createModel('simple_cnn', { numClasses: 10, inputChannels: 1, imageSize: 28, seed: 1 });
for await (const { train } of fit(model, { train: [images], optimizer: sgd({ learningRate: 0.01 }), epochs: 1 }))
  console.log(train.loss);
`;
}
