// How many milliseconds the operations of a CNN take, forwards and backwards, on the fastest engine here, beside PyTorch.
import { random } from '@imgcls/random';
import {
  add,
  avgPool2d,
  batchNormTraining,
  conv2d,
  crossEntropy,
  gelu,
  gradients,
  linear,
  maxPool2d,
  relu,
  sgdUpdate,
  type Tensor,
  useBackend,
} from '@imgcls/tensor';
import { dispose, mul, sum, tensor, tensor1d, tidy, type Variable, variable, zeros } from '@tensorflow/tfjs-core';
import { type BenchCase, bench, python, type Request, rate } from './harness/index.ts';

/** An operation of some inputs, by shape; the same names and shapes as in operations.py. */
interface Operation {
  shapes: readonly (readonly number[])[];
  run(inputs: readonly Variable[]): Tensor;
}

const image = [32, 32, 32, 64]; // N, H, W, C
const labels = Int32Array.from({ length: 512 }, (_, i) => i % 100);

const operations: Record<string, Operation> = {
  'conv2d 3x3 64→64': { shapes: [image, [3, 3, 64, 64]], run: ([x, weight]) => conv2d(x!, weight!, { padding: 1 }) },
  'conv2d 3x3 64→128 stride 2': {
    shapes: [image, [3, 3, 64, 128]],
    run: ([x, weight]) => conv2d(x!, weight!, { padding: 1, stride: 2 }),
  },
  'conv2d 1x1 64→256': { shapes: [image, [1, 1, 64, 256]], run: ([x, weight]) => conv2d(x!, weight!) },
  'conv2d 3x3 depthwise': {
    shapes: [image, [3, 3, 1, 64]],
    run: ([x, weight]) => conv2d(x!, weight!, { padding: 1, groups: 64 }),
  },
  'batch norm': { shapes: [image, [64], [64]], run: ([x, gamma, beta]) => batchNormTraining(x!, { gamma, beta }).y },
  'max pool 2': { shapes: [image], run: ([x]) => maxPool2d(x!, { kernelSize: 2 }) },
  'average pool 2': { shapes: [image], run: ([x]) => avgPool2d(x!, { kernelSize: 2 }) },
  relu: { shapes: [image], run: ([x]) => relu(x!) },
  gelu: { shapes: [image], run: ([x]) => gelu(x!) },
  add: { shapes: [image, image], run: ([a, b]) => add(a!, b!) },
  'linear 512→512': { shapes: [[512, 512], [512, 512], [512]], run: ([x, weight, bias]) => linear(x!, weight!, bias!) },
  'cross-entropy of 100 classes': {
    shapes: [[512, 100]],
    run: ([logits]) => crossEntropy(logits!, tensor1d(labels, 'int32')),
  },
};

const torch = await python(new URL('./operations.py', import.meta.url));

await bench('operations', async (request) => {
  const { name, device } = await useBackend();
  console.log(`ours on ${name}: ${device}`);
  return [
    ...Object.entries(operations).map(([name, operation]) => slopes(name, operation, request)),
    momentumUpdate(request),
  ];
});

if ('close' in torch) torch.close();

/** Runs the operation, and differentiates Σ output · weight along every input. */
function slopes(name: string, { shapes, run }: Operation, request: Request): BenchCase {
  return besideTorch(name, request, () => {
    const inputs = shapes.map((shape) => draw(shape));
    const named = Object.fromEntries(inputs.map((input, i) => [String(i), input]));
    const weight = tidy(() => draw(run(inputs).shape));
    const step = async () => {
      const { value, gradients: slopes } = gradients(() => sum(mul(run(inputs), weight)), named);
      await Promise.all([value, ...Object.values(slopes)].map((result) => result.data()));
      dispose([value, slopes]);
    };
    return { step, close: () => dispose([inputs, weight]) };
  });
}

/** SGD with momentum and weight decay over the tensors of a small network: 20 layers of 3×3 convolutions and their norms. */
function momentumUpdate(request: Request): BenchCase {
  return besideTorch('sgd with momentum, 60 tensors', request, () => {
    const shapes = Array.from({ length: 20 }, () => [[3, 3, 64, 64], [64], [64]]).flat();
    const parameters = shapes.map((shape) => draw(shape));
    const slopes = shapes.map((shape) => draw(shape));
    const velocity = shapes.map((shape) => tidy(() => variable(zeros(shape))));
    const options = { learningRate: 1e-3, momentum: 0.9, weightDecay: 1e-4 };
    const step = async () => {
      sgdUpdate(parameters, slopes, { velocity }, options);
      await parameters.at(-1)!.data();
    };
    return { step, close: () => dispose([parameters, slopes, velocity]) };
  });
}

function besideTorch(
  name: string,
  { quick }: Request,
  build: () => { step: () => Promise<void>; close: () => void },
): BenchCase {
  const seconds = quick ? 0.05 : 0.5;
  return {
    name,
    unit: 'ms',
    prepare() {
      const { step, close } = build();
      const ours = async () => 1000 / (await rate(step, 1, seconds));
      const repeats = quick ? 2 : 5;
      if ('missing' in torch) return { ours, peer: torch, peerName: 'PyTorch', close, repeats };
      return { ours, peer: () => torch.ask<number>({ name, seconds }), peerName: torch.greeting, close, repeats };
    },
  };
}

function draw(shape: readonly number[]): Variable {
  const stream = random(1);
  const values = Float32Array.from({ length: shape.reduce((product, n) => product * n, 1) }, () => stream.normal());
  return tidy(() => variable(tensor(values, [...shape])));
}
