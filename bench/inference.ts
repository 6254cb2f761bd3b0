// How long a prediction takes, on each CPU engine, beside onnxruntime-node and PyTorch on the same machine.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createModel } from '@imgcls/models';
import { disposeModule } from '@imgcls/nn';
import { random } from '@imgcls/random';
import { compiled, listBackends, normalize, useBackend } from '@imgcls/tensor';
import {
  type BenchCase,
  bench,
  type Missing,
  memoryKept,
  onnxRuntime,
  type Prepared,
  python,
  settle,
} from './harness/index.ts';

const networks = ['resnet18', 'resnet50', 'mobilenet_v2'];
const batches = [1, 32];
const size = 224;

const torch = await python(new URL('./inference.py', import.meta.url), memoryKept);
const onnx = await onnxRuntime();
const folder = mkdtempSync(join(tmpdir(), 'imgcls-bench-'));

await bench('inference', async ({ quick }) => {
  const usable = (await listBackends()).filter(({ name, usable }) => usable && (name === 'native' || name === 'wasm'));
  return networks.flatMap((network) =>
    batches.flatMap((batch) =>
      usable.flatMap(({ name }) => {
        const steps = quick ? 1 : batch === 1 ? 10 : 2;
        const ours = () => ourPredictions(network, batch, steps, name as 'native' | 'wasm');
        const repeats = quick ? 2 : 7;
        const beside = (peerName: string, peer: () => Promise<Peer | Missing>): BenchCase => ({
          name: `${network} on ${name}, batch ${batch}, beside ${peerName}`,
          unit: 'ms',
          async prepare(): Promise<Prepared> {
            const [{ predict, close }, other] = [await ours(), await peer()];
            return 'missing' in other
              ? { ours: predict, close, repeats, peerName, peer: other }
              : { ours: predict, close, repeats, peerName: other.name, peer: other.predict };
          },
        });
        return [
          beside('onnxruntime-node', () => onnxPredictions(network, batch, steps)),
          beside('PyTorch', () => torchPredictions(network, batch, steps)),
        ];
      }),
    ),
  );
});

if ('close' in torch) torch.close();
rmSync(folder, { recursive: true });

interface Peer {
  name: string;
  predict: () => Promise<number>;
}

function pixels(batch: number): Float32Array {
  const draw = random(1, 'images');
  return Float32Array.from({ length: batch * size * size * 3 }, () => draw.normal());
}

async function ourPredictions(network: string, batch: number, steps: number, backend: 'native' | 'wasm') {
  await useBackend(backend);
  const model = createModel(network, { numClasses: 1000, imageSize: size, seed: 1 });
  const images = normalize(pixels(batch), [batch, size, size, 3]);
  const logitsOf = compiled(model); // as PyTorch's is frozen, and ONNX Runtime's a graph
  const run = async () => {
    const logits = logitsOf(images);
    await logits.data();
    logits.dispose();
  };
  for (let i = 0; i < 3; i += 1) await run(); // as PyTorch's runs before it is measured
  const predict = async () => {
    await useBackend(backend);
    await settle();
    return timed(steps, run);
  };
  const close = () => {
    logitsOf.dispose();
    disposeModule(model);
    images.dispose();
  };
  return { predict, close };
}

async function torchPredictions(network: string, batch: number, steps: number): Promise<Peer | Missing> {
  if ('missing' in torch) return torch;
  return { name: torch.greeting, predict: () => torch.ask<number>({ network, batch, steps }) };
}

/** The network that PyTorch exports: it has the same layers, and batch normalization folded. */
async function onnxPredictions(network: string, batch: number, steps: number): Promise<Peer | Missing> {
  if ('missing' in onnx) return onnx;
  if ('missing' in torch) return { missing: `its model is exported by PyTorch: ${torch.missing}` };
  const file = join(folder, `${network}.onnx`);
  await torch.ask({ network, export: file });
  const session = await onnx.InferenceSession.create(file);
  const images = new onnx.Tensor('float32', pixels(batch), [batch, 3, size, size]);
  const predict = () => timed(steps, async () => void (await session.run({ images })));
  return { name: `onnxruntime-node ${onnx.version}`, predict };
}

/** Milliseconds of one run, of several that follow each other, after as many that bring caches and threads back. */
async function timed(steps: number, run: () => Promise<void>): Promise<number> {
  for (let i = 0; i < steps; i += 1) await run();
  const started = performance.now();
  for (let i = 0; i < steps; i += 1) await run();
  return (performance.now() - started) / steps;
}
