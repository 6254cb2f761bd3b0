import { random } from '@imgcls/random';
import { type Tensor, tensor1d } from '@tensorflow/tfjs-core';
import {
  elu,
  gelu,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  logSoftmax,
  relu,
  relu6,
  sigmoid,
  silu,
  softmax,
  tanh,
} from '../src/activation.ts';
import { add, mul, scale } from '../src/arithmetic.ts';
import { attention } from '../src/attention.ts';
import { type Conv2dOptions, conv2d } from '../src/conv.ts';
import { dropout } from '../src/dropout.ts';
import { layerNorm } from '../src/layer-norm.ts';
import { linear } from '../src/linear.ts';
import { binaryCrossEntropy, type CrossEntropyOptions, crossEntropy } from '../src/loss.ts';
import { batchNorm, batchNormTraining } from '../src/norm.ts';
import { avgPool2d, globalAvgPool2d, globalMaxPool2d, maxPool2d } from '../src/pool.ts';
import { concat, flatten, reshape } from '../src/shape.ts';
import { type OperationCase, toTensor } from './check-operation.ts';
import * as reference from './reference.ts';
import { type Grid, grid, map } from './reference.ts';

/** Every operation, in the variants that take a way of their own through the code. */
export function operationCases(): OperationCase[] {
  return [
    ...convolutions(),
    ...poolings(),
    ...normalizations(),
    ...attentions(),
    ...products(),
    ...activations(),
    ...compositions(),
    ...losses(),
    ...binaryLosses(),
    ...shapes(),
    dropoutCase(),
  ];
}

type Sides = readonly [readonly [number, number], readonly [number, number]];

export interface Convolution {
  image: readonly [n: number, h: number, w: number];
  channels: readonly [input: number, output: number];
  kernel: readonly [number, number];
  stride?: readonly [number, number];
  padding?: Sides;
  dilation?: readonly [number, number];
  groups?: number;
  bias?: boolean;
}

export function convolution({
  image,
  channels: [inChannels, outChannels],
  kernel,
  stride = [1, 1],
  padding = none,
  dilation = [1, 1],
  groups = 1,
  bias = false,
}: Convolution): OperationCase {
  const options: Conv2dOptions = { stride, padding, dilation, groups };
  return {
    name: `conv2d ${JSON.stringify({ image, channels: [inChannels, outChannels], kernel, ...options, bias })}`,
    inputs: {
      x: [...image, inChannels],
      weight: [...kernel, inChannels / groups, outChannels],
      ...(bias && { bias: [outChannels] }),
    },
    run: ({ x, weight, bias }) => conv2d(x!, weight!, { bias, ...options }),
    reference: ({ x, weight, bias }) => reference.conv2d(x!, weight!, bias, { stride, padding, dilation, groups }),
  };
}

const none: Sides = [[0, 0], [0, 0]]; // biome-ignore format: one line
const around = (padding: number): Sides => [[padding, padding], [padding, padding]]; // biome-ignore format: one line

function convolutions(): OperationCase[] {
  return [
    convolution({ image: [2, 5, 6], channels: [3, 4], kernel: [3, 3], bias: true }),
    convolution({ image: [2, 5, 6], channels: [3, 4], kernel: [3, 3], padding: around(1) }),
    convolution({ image: [1, 4, 4], channels: [5, 2], kernel: [1, 1], bias: true }),
    convolution({ image: [2, 5, 4], channels: [2, 3], kernel: [1, 1], stride: [2, 2] }),
    convolution({ image: [2, 8, 8], channels: [2, 3], kernel: [3, 3], stride: [2, 2], padding: around(1) }),
    convolution({ image: [1, 9, 7], channels: [2, 2], kernel: [2, 3], stride: [3, 2], padding: [[1, 0], [0, 2]] }), // biome-ignore format: one line
    convolution({ image: [1, 7, 8], channels: [2, 2], kernel: [3, 2], dilation: [2, 3], padding: around(1) }),
    convolution({ image: [1, 9, 9], channels: [1, 2], kernel: [3, 3], stride: [2, 2], dilation: [2, 2], padding: around(2) }), // biome-ignore format: one line
    convolution({ image: [1, 4, 4], channels: [2, 2], kernel: [2, 2], padding: around(3) }), // more padding than the kernel reaches
    convolution({ image: [2, 5, 5], channels: [4, 6], kernel: [3, 3], padding: around(1), groups: 2, bias: true }),
    convolution({ image: [1, 6, 6], channels: [6, 6], kernel: [3, 3], stride: [2, 2], padding: around(1), groups: 3 }),
    convolution({ image: [2, 6, 6], channels: [3, 3], kernel: [3, 3], padding: around(1), groups: 3, bias: true }),
    convolution({ image: [1, 7, 7], channels: [3, 6], kernel: [3, 3], stride: [2, 2], padding: [[0, 1], [1, 0]], groups: 3 }), // biome-ignore format: one line
    convolution({
      image: [1, 8, 8],
      channels: [2, 2],
      kernel: [3, 3],
      dilation: [2, 2],
      padding: around(2),
      groups: 2,
    }),
    convolution({ image: [1, 9, 9], channels: [2, 4], kernel: [3, 3], stride: [2, 2], dilation: [2, 2], padding: around(2), groups: 2 }), // biome-ignore format: one line
    convolution({ image: [2, 4, 5], channels: [1, 2], kernel: [4, 5], bias: true }), // one place
  ];
}

interface Pooling {
  image: readonly [number, number, number, number];
  kernelSize: readonly [number, number];
  stride?: readonly [number, number];
  padding?: Sides;
}

function poolings(): OperationCase[] {
  const variants: Pooling[] = [
    { image: [2, 4, 6, 3], kernelSize: [2, 2] },
    { image: [1, 7, 5, 2], kernelSize: [2, 2] }, // the last row and column are in no window
    { image: [2, 7, 7, 2], kernelSize: [3, 3], stride: [2, 2], padding: around(1) },
    { image: [1, 5, 6, 2], kernelSize: [3, 2], stride: [1, 1], padding: [[1, 0], [0, 1]] }, // biome-ignore format: one line
    { image: [1, 8, 5, 1], kernelSize: [2, 1], stride: [3, 2] },
    { image: [1, 5, 4, 2], kernelSize: [1, 1], stride: [2, 2] },
  ];
  const pools = variants.flatMap(({ image, kernelSize, stride = kernelSize, padding = none }) => {
    const window = { stride, padding, dilation: [1, 1] as const };
    const options = { kernelSize, stride, padding };
    const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    const meanWithPadding = (values: number[]) => (mean(values) * values.length) / (kernelSize[0] * kernelSize[1]);
    const text = JSON.stringify({ image, ...options });
    return [
      {
        name: `maxPool2d ${text}`,
        inputs: { x: image },
        run: ({ x }: Tensors) => maxPool2d(x!, options),
        reference: ({ x }: Grids) => reference.pool2d(x!, kernelSize, window, (values) => Math.max(...values)),
      },
      {
        name: `avgPool2d ${text}`,
        inputs: { x: image },
        run: ({ x }: Tensors) => avgPool2d(x!, options),
        reference: ({ x }: Grids) => reference.pool2d(x!, kernelSize, window, meanWithPadding),
      },
      {
        name: `avgPool2d without padding in the mean ${text}`,
        inputs: { x: image },
        run: ({ x }: Tensors) => avgPool2d(x!, { ...options, countIncludePad: false }),
        reference: ({ x }: Grids) => reference.pool2d(x!, kernelSize, window, mean),
      },
    ];
  });
  const overAll = (x: Grid, summary: (values: number[]) => number): Grid => {
    const [n, h, w, c] = x.shape as [number, number, number, number];
    const { data } = reference.pool2d(x, [h, w], { stride: [1, 1], padding: none, dilation: [1, 1] }, summary);
    return { shape: [n, c], data };
  };
  return [
    ...pools,
    {
      name: 'globalAvgPool2d',
      inputs: { x: [2, 3, 4, 5] },
      run: ({ x }) => globalAvgPool2d(x!),
      reference: ({ x }) => overAll(x!, (values) => values.reduce((a, b) => a + b, 0) / values.length),
    },
    {
      name: 'globalMaxPool2d',
      inputs: { x: [2, 3, 4, 5] },
      run: ({ x }) => globalMaxPool2d(x!),
      reference: ({ x }) => overAll(x!, (values) => Math.max(...values)),
    },
  ];
}

type Tensors = Readonly<Record<string, Tensor>>;
type Grids = Readonly<Record<string, Grid>>;

function normalizations(): OperationCase[] {
  const epsilon = 1e-3;
  const mean = grid([3], (c) => c - 0.5);
  const variance = grid([3], (c) => c / 2 + 0.5);
  const training = (name: string, shape: readonly number[], affine: boolean): OperationCase => ({
    name,
    inputs: { x: shape, ...(affine && { gamma: [shape.at(-1)!], beta: [shape.at(-1)!] }) },
    run({ x, gamma, beta }) {
      const { y, mean, variance } = batchNormTraining(x!, { gamma, beta, epsilon });
      return [y, mean, variance];
    },
    reference({ x, ...affine }) {
      const statistics = reference.moments(x!);
      return [reference.batchNorm(x!, { ...statistics, ...affine, epsilon }), statistics.mean, statistics.variance];
    },
  });
  return [
    {
      name: 'batchNorm with given statistics',
      inputs: { x: [2, 3, 2, 3], gamma: [3], beta: [3] },
      run: ({ x, gamma, beta }) =>
        batchNorm(x!, { gamma, beta, mean: toTensor(mean), variance: toTensor(variance), epsilon }),
      reference: ({ x, gamma, beta }) =>
        reference.batchNorm(x!, { gamma: gamma!, beta: beta!, mean, variance, epsilon }),
    },
    {
      name: 'batchNorm without scale and offset',
      inputs: { x: [4, 3] },
      run: ({ x }) => batchNorm(x!, { mean: toTensor(mean), variance: toTensor(variance), epsilon }),
      reference: ({ x }) => reference.batchNorm(x!, { mean, variance, epsilon }),
    },
    {
      name: 'layerNorm on sequences',
      inputs: { x: [2, 3, 5], gamma: [5], beta: [5] },
      run: ({ x, gamma, beta }) => layerNorm(x!, { gamma, beta, epsilon }),
      reference: ({ x, gamma, beta }) => reference.layerNorm(x!, { gamma: gamma!, beta: beta!, epsilon }),
    },
    {
      name: 'layerNorm without scale and offset',
      inputs: { x: [4, 33] },
      run: ({ x }) => layerNorm(x!, { epsilon }),
      reference: ({ x }) => reference.layerNorm(x!, { epsilon }),
    },
    training('batchNormTraining on images', [3, 4, 5, 2], true),
    training('batchNormTraining on rows', [6, 4], true),
    training('batchNormTraining without scale and offset', [2, 3, 3, 2], false),
    training('batchNormTraining on one image', [1, 4, 4, 3], true),
  ];
}

function attentions(): OperationCase[] {
  return [
    {
      name: 'attention of a sequence to another',
      inputs: { query: [2, 2, 3, 4], key: [2, 2, 5, 4], value: [2, 2, 5, 3] },
      run: ({ query, key, value }) => attention(query!, key!, value!),
      reference: ({ query, key, value }) => reference.attention(query!, key!, value!, 1 / 2),
    },
    {
      name: 'attention of more places than fit a block, each with a head of its own',
      inputs: { query: [1, 2, 70, 3], key: [1, 2, 17, 3], value: [1, 2, 17, 1] },
      run: ({ query, key, value }) => attention(query!, key!, value!, { scale: 1 }),
      reference: ({ query, key, value }) => reference.attention(query!, key!, value!, 1),
    },
    {
      name: 'attention with a scale and a bias',
      inputs: { query: [1, 3, 2, 5], key: [1, 3, 4, 5], value: [1, 3, 4, 1], bias: [2, 4] },
      run: ({ query, key, value, bias }) => attention(query!, key!, value!, { scale: 0.3, bias }),
      reference: ({ query, key, value, bias }) => reference.attention(query!, key!, value!, 0.3, bias),
    },
  ];
}

function products(): OperationCase[] {
  const pairs: [string, readonly number[], readonly number[]][] = [
    ['of equal shapes', [2, 3, 4], [2, 3, 4]],
    ['with a channel vector', [2, 3, 2, 4], [4]],
    ['with a scalar', [2, 3], []],
    ['stretching both', [2, 1, 3], [4, 1]],
    ['with a column', [3, 4], [3, 1]],
  ];
  return [
    {
      name: 'linear',
      inputs: { x: [3, 5], weight: [5, 4], bias: [4] },
      run: ({ x, weight, bias }) => linear(x!, weight!, bias),
      reference: ({ x, weight, bias }) => reference.linear(x!, weight!, bias),
    },
    {
      name: 'linear without bias, one row',
      inputs: { x: [1, 3], weight: [3, 2] },
      run: ({ x, weight }) => linear(x!, weight!),
      reference: ({ x, weight }) => reference.linear(x!, weight!, undefined),
    },
    ...pairs.flatMap(([text, a, b]) => [
      {
        name: `add ${text}`,
        inputs: { a, b },
        run: ({ a, b }: Tensors) => add(a!, b!),
        reference: ({ a, b }: Grids) => reference.broadcast(a!, b!, (x, y) => x + y),
      },
      {
        name: `mul ${text}`,
        inputs: { a, b },
        run: ({ a, b }: Tensors) => mul(a!, b!),
        reference: ({ a, b }: Grids) => reference.broadcast(a!, b!, (x, y) => x * y),
      },
    ]),
    {
      name: 'add of a tensor to itself, used again',
      inputs: { a: [2, 3] },
      run({ a }) {
        const twice = add(a!, a!);
        return add(mul(twice, a!), twice);
      },
      reference: ({ a }) => map(a!, (x) => 2 * x * x + 2 * x),
    },
    {
      name: 'scale',
      inputs: { x: [3, 2] },
      run: ({ x }) => scale(x!, -0.125),
      reference: ({ x }) => map(x!, (value) => value * -0.125),
    },
  ];
}

const σ = (x: number) => 1 / (1 + Math.exp(-x));
const clamp = (x: number, low: number, high: number) => Math.min(Math.max(x, low), high);
const elementwise: [(x: Tensor) => Tensor, (x: number) => number, string?][] = [
  [relu, (x) => Math.max(x, 0)],
  [relu6, (x) => clamp(x, 0, 6)],
  [(x) => leakyRelu(x, 0.1), (x) => (x > 0 ? x : 0.1 * x), 'leakyRelu'],
  [elu, (x) => (x > 0 ? x : Math.expm1(x))],
  [gelu, (x) => (x * (1 + reference.erf(x / Math.SQRT2))) / 2],
  [silu, (x) => x * σ(x)],
  [sigmoid, σ],
  [tanh, Math.tanh],
  [hardSigmoid, (x) => clamp(x / 6 + 0.5, 0, 1)],
  [hardSwish, (x) => x * clamp(x / 6 + 0.5, 0, 1)],
];

function activations(): OperationCase[] {
  const rowwise: [(x: Tensor) => Tensor, (x: Grid) => Grid][] = [
    [softmax, (x) => map(reference.logSoftmax(x), Math.exp)],
    [logSoftmax, reference.logSoftmax],
  ];
  return [
    ...elementwise.map(([f, definition, name = f.name]) => ({
      name,
      inputs: { x: [4, 10] },
      spread: name === 'gelu' ? 1 : 3, // beyond 6 in relu6, beyond 3 in hardSigmoid; erf's series is exact for small x
      run: ({ x }: Tensors) => f(x!),
      reference: ({ x }: Grids) => map(x!, definition),
    })),
    ...rowwise.flatMap(([f, definition]) =>
      [
        [3, 5],
        [2, 2, 4],
      ].map((shape) => ({
        name: `${f.name} of [${shape}]`,
        inputs: { x: shape },
        spread: 3,
        run: ({ x }: Tensors) => f(x!),
        reference: ({ x }: Grids) => definition(x!),
      })),
    ),
  ];
}

/** What some backends compute in one pass: a normalisation, an addition and an activation. */
function compositions(): OperationCase[] {
  const epsilon = 0.1;
  const image = [2, 3, 3, 4];
  const normalize = (x: Tensor) => batchNormTraining(x, { epsilon }).y;
  const normalized = (x: Grid) => reference.batchNorm(x, { ...reference.moments(x), epsilon });
  const sum = (a: Grid, b: Grid) => reference.broadcast(a, b, (a, b) => a + b);
  const mean = grid([4], (c) => c / 4);
  const variance = grid([4], (c) => 1 + c / 4);
  const window = { stride: [1, 1] as const, padding: around(1), dilation: [1, 1] as const, groups: 1 };
  const pairs = { stride: [2, 2] as const, padding: none, dilation: [1, 1] as const };
  return [
    ...elementwise.flatMap(([f, definition, name = f.name]): OperationCase[] => [
      {
        name: `batchNormTraining, ${name}`,
        inputs: { x: image },
        run: ({ x }) => f(normalize(x!)),
        reference: ({ x }) => map(normalized(x!), definition),
      },
      {
        name: `batchNormTraining, add, ${name}`,
        inputs: { x: image, residual: image },
        run: ({ x, residual }) => f(add(normalize(x!), residual!)),
        reference: ({ x, residual }) => map(sum(normalized(x!), residual!), definition),
      },
      {
        name: `conv2d, batchNormTraining, ${name}`,
        inputs: { x: image, weight: [3, 3, 4, 4] },
        run: ({ x, weight }) => f(normalize(conv2d(x!, weight!, { padding: 1 }))),
        reference: ({ x, weight }) => map(normalized(reference.conv2d(x!, weight!, undefined, window)), definition),
      },
      {
        name: `conv2d, batchNorm, add, ${name}`,
        inputs: { x: image, weight: [3, 3, 4, 4], bias: [4], residual: image },
        spread: 0.5, // erf's series is exact for small x
        run({ x, weight, bias, residual }) {
          const statistics = { mean: toTensor(mean), variance: toTensor(variance), epsilon };
          return f(add(residual!, batchNorm(conv2d(x!, weight!, { bias, padding: 1 }), statistics)));
        },
        reference({ x, weight, bias, residual }) {
          const y = reference.conv2d(x!, weight!, bias, window);
          return map(sum(residual!, reference.batchNorm(y, { mean, variance, epsilon })), definition);
        },
      },
    ]),
    ...[...elementwise, [(x: Tensor) => x, (x: number) => x, 'nothing'] as (typeof elementwise)[number]].map(
      ([f, definition, name = f.name]): OperationCase => ({
        name: `batchNormTraining, ${name}, maxPool2d`,
        inputs: { x: [2, 5, 6, 4] },
        run: ({ x }) => maxPool2d(f(normalize(x!)), { kernelSize: 2 }),
        reference: ({ x }) =>
          reference.pool2d(map(normalized(x!), definition), [2, 2], pairs, (values) => Math.max(...values)),
      }),
    ),
    {
      name: 'a normalisation pooled and read besides',
      inputs: { x: [2, 4, 4, 3] },
      run({ x }) {
        const y = relu(normalize(x!));
        return [maxPool2d(y, { kernelSize: 2 }), mul(y, y)];
      },
      reference({ x }) {
        const y = map(normalized(x!), (value) => Math.max(value, 0));
        return [reference.pool2d(y, [2, 2], pairs, (values) => Math.max(...values)), map(y, (value) => value * value)];
      },
    },
    {
      name: 'a residual block: both branches normalised, and their sum read twice',
      inputs: { x: image, residual: image },
      run({ x, residual }) {
        const y = relu(add(normalize(x!), normalize(residual!)));
        return add(y, normalize(y));
      },
      reference({ x, residual }) {
        const y = map(sum(normalized(x!), normalized(residual!)), (value) => Math.max(value, 0));
        return sum(y, normalized(y));
      },
    },
    {
      name: 'a normalisation read before and after its activation',
      inputs: { x: image },
      run({ x }) {
        const y = normalize(x!);
        return add(mul(y, y), add(tanh(y), relu(y)));
      },
      reference: ({ x }) => map(normalized(x!), (y) => y * y + Math.tanh(y) + Math.max(y, 0)),
    },
  ];
}

function losses(): OperationCase[] {
  const labels = [2, 0, 3, 2];
  const soft = grid([4, 5], (i) => [0.5, 0.25, 0, 0.25, 0][i % 5]!);
  const weights = [0.5, 1, 2, 0.25, 3];
  const targetKinds = { indices: labels, probabilities: soft };
  return Object.entries(targetKinds).flatMap(([kind, targets]) =>
    [0, 0.2].flatMap((labelSmoothing) =>
      [undefined, weights].flatMap((classWeights) =>
        (['mean', 'sum', 'none'] as const).map((reduction) => ({
          name: `crossEntropy of ${kind} ${JSON.stringify({ labelSmoothing, classWeights, reduction })}`,
          inputs: { logits: [4, 5] },
          spread: 3,
          run({ logits }: Tensors) {
            const options: CrossEntropyOptions = {
              labelSmoothing,
              classWeights: classWeights && tensor1d(classWeights),
            };
            const y = Array.isArray(targets) ? tensor1d(targets, 'int32') : toTensor(targets as Grid);
            return reduction === 'none'
              ? crossEntropy(logits!, y, { ...options, reduction })
              : crossEntropy(logits!, y, { ...options, reduction });
          },
          reference({ logits }: Grids) {
            const terms = { targets, labelSmoothing, ...(classWeights && { classWeights }) };
            const { losses, divisor } = reference.crossEntropy(logits!, terms);
            if (reduction === 'none') return losses;
            const sum = losses.data.reduce((a, b) => a + b, 0);
            return grid([], () => (reduction === 'mean' ? sum / divisor : sum));
          },
        })),
      ),
    ),
  );
}

function binaryLosses(): OperationCase[] {
  const targets = grid([4, 5], (i) => [1, 0, 0.25, 0, 1, 1, 0][i % 7]!);
  return [0, 0.2].flatMap((labelSmoothing) =>
    [undefined, [0.5, 1, 2, 0.25, 3]].map((positiveWeights) => ({
      name: `binaryCrossEntropy ${JSON.stringify({ labelSmoothing, positiveWeights })}`,
      inputs: { logits: [4, 5] },
      spread: 3,
      run: ({ logits }: Tensors) =>
        binaryCrossEntropy(logits!, toTensor(targets), {
          labelSmoothing,
          positiveWeights: positiveWeights && tensor1d(positiveWeights),
        }),
      reference: ({ logits }: Grids) =>
        reference.binaryCrossEntropy(logits!, targets, { labelSmoothing, ...(positiveWeights && { positiveWeights }) }),
    })),
  );
}

function shapes(): OperationCase[] {
  return [
    {
      name: 'flatten',
      inputs: { x: [2, 3, 2, 2] },
      run: ({ x }) => flatten(x!),
      reference: ({ x }) => ({ ...x!, shape: [2, 12] }),
    },
    {
      name: 'reshape with an open length',
      inputs: { x: [2, 6] },
      run: ({ x }) => reshape(x!, [3, -1, 2]),
      reference: ({ x }) => ({ ...x!, shape: [3, 2, 2] }),
    },
    ...[0, 2, -1].map((axis) => ({
      name: `concat along axis ${axis}`,
      inputs: Object.fromEntries([1, 3, 2].map((size, i) => [`x${i}`, [2, 2, 2].with(axis, size)])),
      run: (x: Tensors) => concat(Object.values(x), axis),
      reference: (x: Grids) => reference.concat(Object.values(x), (axis + 3) % 3),
    })),
  ];
}

function dropoutCase(): OperationCase {
  return {
    name: 'dropout',
    inputs: { x: [5, 8] },
    run: ({ x }) => dropout(x!, { rate: 0.25, random: random(3) }),
    reference({ x }) {
      const stream = random(3);
      return reference.dropout(x!, 0.25, [stream.uint32(), stream.uint32()]);
    },
  };
}
