// How long one step of training takes through `fit`, in each precision and on each CPU engine, beside the fastest way PyTorch has.
import type { Batch } from '@imgcls/data';
import { createModel } from '@imgcls/models';
import { disposeModule } from '@imgcls/nn';
import { random } from '@imgcls/random';
import { type BackendName, listBackends, useBackend } from '@imgcls/tensor';
import { fit, type Optimizer, sgd } from '@imgcls/train';
import { type BenchCase, bench, memoryKept, type Prepared, python, type Request, settle } from './harness/index.ts';

type Precision = 'float32' | 'bf16';

interface Workload {
  network: string;
  batch: number;
  size: number;
  classes: number;
}

const workloads: readonly Workload[] = [
  { network: 'resnet9', batch: 128, size: 32, classes: 10 },
  { network: 'airbench94', batch: 1000, size: 32, classes: 10 },
  { network: 'resnet18', batch: 16, size: 224, classes: 1000 },
  { network: 'resnet50', batch: 16, size: 224, classes: 1000 },
  { network: 'mobilenet_v2', batch: 16, size: 224, classes: 1000 },
];

interface Engine {
  name: BackendName;
  threads?: number;
  precision: Precision;
}

const torch = await python(new URL('./train-step.py', import.meta.url), memoryKept);

await bench('train-step', async (request) => {
  const usable = new Set((await listBackends()).filter((backend) => backend.usable).map((backend) => backend.name));
  const native: Engine[] = (['float32', 'bf16'] as const).map((precision) => ({ name: 'native', precision }));
  const wasm: Engine[] = [2, 1].map((threads) => ({ name: 'wasm', threads, precision: 'float32' }));
  const others: Engine[] = [{ name: 'tensorflow', precision: 'float32' }];
  const present = (engine: Engine) => usable.has(engine.name);
  return [
    ...workloads.flatMap((workload) => native.filter(present).map((engine) => besideTorch(workload, engine, request))),
    ...[...wasm, ...others].filter(present).map((engine) => besideTorch(workloads[0]!, engine, request)),
  ];
});

if ('close' in torch) torch.close();

function besideTorch(workload: Workload, { name, threads, precision }: Engine, { quick }: Request): BenchCase {
  const { network, batch } = workload;
  const on = threads ? `${name} (${threads} ${threads === 1 ? 'thread' : 'threads'})` : name;
  return {
    name: `${network} ${precision} on ${on}, batch ${batch}`,
    unit: 'ms',
    async prepare(): Promise<Prepared> {
      await useBackend(name, threads ? { threads } : {});
      const { step, close } = training(workload, precision);
      const ours = async () => {
        await useBackend(name, threads ? { threads } : {});
        await settle();
        return step(quick ? 1 : 3);
      };
      const { peer, peerName } = await fastestTorch(workload, precision, quick);
      return { ours, peer, peerName, close, repeats: quick ? 2 : 5 };
    },
  };
}

/** A step on random images, from one update of the weights to the next, over several that follow each other in one epoch of `fit`. */
function training({ network, batch, size, classes }: Workload, precision: Precision) {
  const model = createModel(network, { numClasses: classes, imageSize: size, seed: 1 });
  const inner = sgd({ learningRate: 0.01, momentum: 0.9, nesterov: true, weightDecay: 5e-4 });
  let updates: number[] = [];
  const optimizer: Optimizer = {
    ...inner,
    update(parameters, gradients) {
      inner.update(parameters, gradients);
      updates.push(performance.now());
    },
  };
  const images = randomBatch(batch, size, classes);
  const step = async (steps: number) => {
    updates = [];
    const train = Array.from({ length: steps + 1 }, () => images); // the first brings caches and threads back from whatever ran before
    for await (const epoch of fit(model, { train, optimizer, epochs: 1, precision })) {
      const { loss } = epoch.train;
      if (!Number.isFinite(loss)) throw new Error(`train-step: the loss of ${network} is ${loss}`);
    }
    return (updates.at(-1)! - updates[0]!) / steps;
  };
  const close = () => {
    disposeModule(model);
    inner.dispose();
  };
  return { step, close };
}

function randomBatch(batch: number, size: number, classes: number): Batch {
  const draw = random(1, 'images');
  return {
    images: Float32Array.from({ length: batch * size * size * 3 }, () => draw.normal()),
    shape: [batch, size, size, 3],
    labels: Int32Array.from({ length: batch }, (_, i) => i % classes),
    indices: Int32Array.from({ length: batch }, (_, i) => i),
  };
}

/** Compiled or not, whichever takes less for this network. */
async function fastestTorch(workload: Workload, precision: Precision, quick: boolean) {
  if ('missing' in torch) return { peer: torch, peerName: 'PyTorch' };
  const step = (compiled: boolean, steps: number) => torch.ask<number>({ ...workload, precision, compiled, steps });
  const eager = await step(false, 3);
  const compiled = quick ? Number.POSITIVE_INFINITY : await step(true, 3);
  const best = compiled < eager;
  const mode = quick
    ? 'eager'
    : best
      ? `compiled (eager: ${eager.toFixed(0)} ms)`
      : `eager (compiled: ${compiled.toFixed(0)} ms)`;
  return { peer: () => step(best, quick ? 1 : 3), peerName: `${torch.greeting}, ${precision}, ${mode}` };
}
