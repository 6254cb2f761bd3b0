// How long one step of training takes through `fit`, in each precision and on each CPU engine, beside the fastest way PyTorch has.
import { fileURLToPath } from 'node:url';
import { type BackendName, listBackends, useBackend } from '@imgcls/tensor';
import {
  type BenchCase,
  bench,
  memoryKept,
  type Prepared,
  python,
  type Request,
  settle,
  start,
} from './harness/index.ts';
import { type Precision, training, type Workload } from './harness/training.ts';

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

const stockWasm = fileURLToPath(new URL('./harness/stock-wasm.ts', import.meta.url));

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
    ...wasm.filter(present).map((engine) => besideStock(engine, request)),
  ];
});

if ('close' in torch) torch.close();

function besideTorch(workload: Workload, engine: Engine, { quick }: Request): BenchCase {
  return {
    name: nameOf(workload, engine),
    unit: 'ms',
    async prepare(): Promise<Prepared> {
      const ours = await ourStep(workload, engine, quick ? 1 : 3);
      const torch = await fastestTorch(workload, engine.precision, quick);
      return { ...ours, ...torch, repeats: quick ? 2 : 5 };
    },
  };
}

/** tfjs's own backend for WebAssembly, which in Node has one thread, under the same `fit`: what it lacks is composed of what it has. */
function besideStock(engine: Engine, { quick }: Request): BenchCase {
  return {
    name: `${nameOf(workloads[0]!, engine)}, beside stock wasm`,
    unit: 'ms',
    async prepare(): Promise<Prepared> {
      const ours = await ourStep(workloads[0]!, engine, quick ? 1 : 3);
      const stock = await start(process.execPath, [...process.execArgv, stockWasm]);
      const closeBoth = () => {
        ours.close();
        if ('close' in stock) stock.close();
      };
      const step = { ...workloads[0]!, steps: 1 };
      const peer = 'ask' in stock ? () => stock.ask<number>(step) : stock;
      const peerName = 'ask' in stock ? stock.greeting : 'tfjs-backend-wasm';
      return { ours: ours.ours, peer, peerName, close: closeBoth, repeats: quick ? 1 : 3 };
    },
  };
}

function nameOf({ network, batch }: Workload, { name, threads, precision }: Engine): string {
  const on = threads ? `${name} (${threads} ${threads === 1 ? 'thread' : 'threads'})` : name;
  return `${network} ${precision} on ${on}, batch ${batch}`;
}

async function ourStep(workload: Workload, { name, threads, precision }: Engine, steps: number) {
  const choose = () => useBackend(name, threads ? { threads } : {});
  await choose();
  const { step, close } = training(workload, precision);
  const ours = async () => {
    await choose();
    await settle();
    return step(steps);
  };
  return { ours, close };
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
