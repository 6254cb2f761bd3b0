// How many images a second one training step gets through, on every engine here, beside PyTorch and stock tfjs.
import { resnet9, simpleCnn } from '@imgcls/models';
import { type Module, namedParameters, seeded, training } from '@imgcls/nn';
import { random } from '@imgcls/random';
import {
  type BackendName,
  type BackendVerdict,
  crossEntropy,
  gradients,
  listBackends,
  useBackend,
} from '@imgcls/tensor';
import { sgd } from '@imgcls/train';
import { dispose, randomNormal, tensor1d } from '@tensorflow/tfjs-core';
import { type BenchCase, bench, type Prepared, python, type Request, rate } from './harness/index.ts';
import { stockStep } from './harness/stock.ts';
import { stepByHand } from './harness/tensorflow.ts';

type Network = 'two-conv' | 'resnet9';

const networks: Record<Network, () => Module> = {
  'two-conv': () => simpleCnn({ channels: [32, 64], hidden: [], dropout: 0 }),
  resnet9,
};

/** Images a step: fewer where a step would take minutes. Each peer works on as many. */
const batchSizes: Record<Network, Record<BackendName, number>> = {
  'two-conv': { native: 64, tensorflow: 64, webgpu: 64, webgl: 64, wasm: 64, cpu: 8 },
  resnet9: { native: 128, tensorflow: 128, webgpu: 128, webgl: 128, wasm: 32, cpu: 1 },
};

const torch = await python(new URL('./engines.py', import.meta.url));

await bench('engines', async (request) => {
  const engines: BackendName[] = [];
  for (const verdict of await listBackends()) {
    const reason = whyLeftOut(verdict, request);
    if (reason) console.log(`${verdict.name} is left out: ${reason}`);
    else engines.push(verdict.name);
  }
  const names = Object.keys(networks) as Network[];
  const small = names.filter((network) => !request.quick || network === 'two-conv');
  return [
    ...names.flatMap((network) => engines.map((name) => besideTorch(network, name, request))),
    ...small.map((network) => besideStock(network, 'wasm', 'cpu', request)),
    ...(engines.includes('tensorflow')
      ? [
          besideStock('two-conv', 'tensorflow', 'cpu', request),
          besideStock('resnet9', 'tensorflow', 'tensorflow', request),
          besideHand(request),
        ]
      : []),
  ];
});

if ('close' in torch) torch.close();

function whyLeftOut({ name, usable, reason, nextStep }: BackendVerdict, { quick, asked }: Request): string | undefined {
  if (!usable) return `${reason}; ${nextStep}`;
  if (asked.some((part) => part.includes(name))) return undefined;
  if (name === 'cpu' && quick) return 'it takes too long for the quick form';
  return reason;
}

function besideTorch(network: Network, backend: BackendName, { quick }: Request): BenchCase {
  const batch = batchSizes[network][backend];
  const seconds = quick ? 0.2 : 1;
  const peer = 'ask' in torch ? () => torch.ask<number>({ network, batch, seconds }) : torch;
  const peerName = 'ask' in torch ? torch.greeting : 'PyTorch';
  return {
    name: `${network} on ${backend}, batch ${batch}`,
    unit: 'images/s',
    async prepare() {
      const { step, close } = await ourStep(network, backend, batch);
      return {
        ours: () => rate(step, batch, seconds),
        peer,
        peerName,
        close,
        repeats: backend === 'cpu' ? 1 : quick ? 2 : 5,
      };
    },
  };
}

/** The stock `cpu` backend is what Node has without imgcls. It takes seconds for an image, so the batch is small: for both. */
function besideStock(
  network: Network,
  backend: BackendName,
  stockBackend: 'cpu' | 'tensorflow',
  { quick }: Request,
): BenchCase {
  const slow = stockBackend === 'cpu';
  const batch = slow ? (network === 'resnet9' ? 1 : 4) : batchSizes[network][backend];
  const ourBatch = backend === 'tensorflow' ? batchSizes[network][backend] : batch; // an op of TensorFlow takes as long for 4 images as for many
  return {
    name: `${network} on ${backend}, batch ${ourBatch}, beside stock ${stockBackend}, batch ${batch}`,
    unit: 'images/s',
    async prepare(): Promise<Prepared> {
      const ours = await ourStep(network, backend, ourBatch);
      const stock = await stockStep(network, batch, stockBackend);
      return {
        ours: () => rate(ours.step, ourBatch, 1),
        peer: () => rate(stock.step, batch, slow ? 0 : 1),
        peerName: `tfjs 4.22.0, backend ${stockBackend}`,
        close: () => {
          ours.close();
          stock.close();
        },
        repeats: slow && network === 'resnet9' ? 0 : quick ? 1 : slow ? 3 : 5,
      };
    },
  };
}

/** The least that a step can take on TensorFlow: its ops, with nothing of tfjs between them. */
function besideHand({ quick }: Request): BenchCase {
  const batch = batchSizes.resnet9.tensorflow;
  return {
    name: `resnet9 on tensorflow beside ops called by hand, batch ${batch}`,
    unit: 'images/s',
    async prepare(): Promise<Prepared> {
      const ours = await ourStep('resnet9', 'tensorflow', batch);
      const hand = await stepByHand(batch);
      return {
        ours: () => rate(ours.step, batch, 1),
        peer: () => rate(hand.step, batch, 1),
        peerName: "TensorFlow's ops by hand",
        close: () => {
          ours.close();
          hand.close();
        },
        repeats: quick ? 1 : 5,
      };
    },
  };
}

/** One step of SGD with momentum on random images; it is done when the loss and the last of the weights can be read. */
async function ourStep(network: Network, backend: BackendName, batch: number) {
  await useBackend(backend);
  const model = seeded(1, networks[network]);
  const parameters = namedParameters(model);
  const optimizer = sgd({ learningRate: 0.01, momentum: 0.9 });
  const images = randomNormal([batch, 32, 32, 3], 0, 1, 'float32', 1);
  const labels = tensor1d(
    Int32Array.from({ length: batch }, (_, i) => i % 10),
    'int32',
  );
  const step = async () => {
    await useBackend(backend);
    const run = () => gradients(() => crossEntropy(model(images), labels), parameters);
    const { value, gradients: slopes } = training(random(1), run);
    optimizer.update(parameters, slopes);
    const loss = (await value.data())[0]!;
    await Object.values(parameters).at(-1)!.data();
    dispose([value, slopes]);
    if (!Number.isFinite(loss)) throw new Error(`engines: the loss of ${network} on ${backend} is ${loss}`);
  };
  return { step, close: () => dispose([parameters, images, labels]) };
}
