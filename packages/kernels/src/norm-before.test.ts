import { describe, expect, it } from 'vitest';
import type { Activation } from './activation.ts';
import type { Buffer, Storage } from './buffer.ts';
import { type Conv2dShape, conv2dInputGradient } from './conv.ts';
import type { Kernels } from './kernels.ts';
import { batchNormGradient } from './norm.ts';
import { get, inBothStorages, normals, put, relativeError, rounded } from './test/buffers.ts';
import { everyCarrier } from './test/carriers.ts';
import { outputSize } from './window.ts';

const EPSILON = 1e-5;

type Case = Conv2dShape & Activation & { storage: Storage; y?: true };

/** Kernel, stride and padding of both axes at once. */
function square(
  [batch, height, width]: readonly [number, number, number],
  channels: number,
  { kernel = 1, stride = 1 } = {},
): Conv2dShape {
  const pad = (kernel - 1) / 2;
  return {
    ...{ batch, height, width, inChannels: channels, outChannels: channels, groups: channels },
    ...{ kernelSize: [kernel, kernel], stride: [stride, stride], dilation: [1, 1] },
    padding: { top: pad, bottom: pad, left: pad, right: pad },
  };
}

const cases = [
  { ...square([2, 13, 15], 40, { kernel: 3 }), activation: 'relu6' as const },
  { ...square([1, 14, 14], 72, { kernel: 5, stride: 2 }), activation: 'hardSwish' as const },
  { ...square([2, 9, 9], 17, { kernel: 3 }), activation: 'relu' as const, y: true as const },
  { ...square([3, 20, 21], 64, { kernel: 3, stride: 2 }), activation: 'silu' as const },
  { ...square([1, 1, 1], 3), activation: 'leakyRelu' as const, slope: 0.1 },
  { ...square([5, 7, 7], 144, { kernel: 3 }) },
  { ...square([2, 56, 56], 24, { kernel: 3 }), activation: 'relu6' as const },
].flatMap(inBothStorages);

describe.each(await everyCarrier())('$name', ({ kernels }) => {
  it.each(cases)('conv2dInputGradient() meets the norm before it, for %j', (shape) => {
    const data = operands(shape);
    const plain = inputGradient(kernels, shape, data);
    const { dz, sums } = met(kernels, shape, data);
    const expected = throughActivation(shape, data, plain);
    expect(relativeError(dz, expected)).toBeLessThan(shape.storage === 'bf16' ? 5e-3 : 1e-6);
    const stored = sumsOf(shape, data, dz); // of what it wrote
    const scale = shape.inChannels;
    for (const [first, last] of [
      [0, scale],
      [scale, 2 * scale],
    ])
      expect(relativeError(sums.slice(first, last), stored.slice(first, last))).toBeLessThan(2e-6);
  });

  it.each(cases.filter(({ batch }) => batch > 1))(
    'conv2dInputGradient() gives the same bits on 1 and 3 threads for %j',
    (shape) => {
      const data = operands(shape);
      const [one, three] = [1, 3].map((threads) => {
        kernels.threads = threads;
        return met(kernels, shape, data);
      });
      expect(one).toEqual(three);
    },
  );

  it('conv2dInputGradient() refuses the norm before a convolution that does not meet norms', () => {
    const shape = { ...square([1, 4, 4], 4), groups: 1, storage: 'float32' as const };
    expect(() => met(kernels, shape, operands(shape))).toThrow(/only a depthwise convolution/);
  });

  it('batchNormGradient() takes sums that were gathered before', () => {
    const rows = 300;
    const channels = 20;
    const shape = { ...square([rows, 1, 1], channels), storage: 'float32' as const };
    const data = operands(shape);
    const { x, dy } = data;
    const vectors = blocks(kernels, data);
    const gradients = [undefined, put(kernels, sumsOf(shape, data, dy)).block].map((sums) => {
      const [dx, dGamma, dBeta] = [dy, data.gamma, data.gamma].map((like) => put(kernels, like)) as [
        Buffer,
        Buffer,
        Buffer,
      ];
      batchNormGradient(
        kernels,
        { rows, channels, epsilon: EPSILON, constantStatistics: false },
        { ...vectors, x: put(kernels, x), dy: put(kernels, dy), dx, dGamma: dGamma.block, dBeta: dBeta.block, sums },
      );
      return [get(kernels, dx, dy.length), get(kernels, dGamma, channels), get(kernels, dBeta, channels)] as const;
    });
    for (const i of [0, 1, 2] as const) expect(relativeError(gradients[1]![i], gradients[0]![i])).toBeLessThan(1e-6);
  });
});

type Data = ReturnType<typeof operands>;

function operands(shape: Conv2dShape & { storage: Storage }) {
  const { batch, height, width, inChannels, outChannels, groups, kernelSize, storage } = shape;
  const [outHeight, outWidth] = outputSize(shape);
  const size = batch * height * width * inChannels;
  const stored = (value: number): number => rounded(value, storage);
  return {
    x: normals(size, 'x').map((value) => stored(3 + 2 * value)),
    y: normals(size, 'y').map((value) => stored(Math.max(0, value))),
    weight: normals((kernelSize[0] * kernelSize[1] * inChannels * outChannels) / groups, 'w').map(Math.fround),
    dy: normals(batch * outHeight * outWidth * outChannels, 'dy').map(stored),
    mean: normals(inChannels, 'mean').map((value) => Math.fround(3 + value / 8)),
    variance: normals(inChannels, 'variance').map((value) => Math.fround(4 + value / 2)),
    gamma: normals(inChannels, 'gamma').map(Math.fround),
    beta: normals(inChannels, 'beta').map(Math.fround),
  };
}

const blocks = (kernels: Kernels, { mean, variance, gamma, beta }: Data) => ({
  mean: put(kernels, mean).block,
  variance: put(kernels, variance).block,
  gamma: put(kernels, gamma).block,
  beta: put(kernels, beta).block,
});

const inputs = (kernels: Kernels, { storage }: Case, data: Data) => ({
  dy: put(kernels, data.dy, storage),
  weight: put(kernels, data.weight).block,
});

/** The gradient that meets nothing. */
function inputGradient(kernels: Kernels, shape: Case, data: Data): Float64Array {
  const dx = put(kernels, data.x, shape.storage);
  conv2dInputGradient(kernels, shape, { ...inputs(kernels, shape, data), dx });
  return get(kernels, dx, data.x.length);
}

function met(kernels: Kernels, shape: Case, data: Data): { dz: Float64Array; sums: Float64Array } {
  const { storage, inChannels, y, activation = 'none', slope } = shape;
  const dx = put(kernels, data.x, storage);
  const sums = put(kernels, new Float64Array(2 * inChannels).fill(Number.NaN));
  const norm = { x: put(kernels, data.x, storage), y: y && put(kernels, data.y, storage), sums: sums.block };
  const before = { ...blocks(kernels, data), ...norm, epsilon: EPSILON, activation, ...(slope && { slope }) };
  conv2dInputGradient(kernels, shape, { ...inputs(kernels, shape, data), before, dx });
  return { dz: get(kernels, dx, data.x.length), sums: get(kernels, sums, 2 * inChannels) };
}

/** What becomes of a gradient. */
function throughActivation(shape: Case, data: Data, dx: Float64Array): Float64Array {
  return Float64Array.from(dx, (value, i) => {
    const c = i % shape.inChannels;
    const scale = data.gamma[c]! / Math.sqrt(data.variance[c]! + EPSILON);
    const z = shape.y ? data.y[i]! : (data.x[i]! - data.mean[c]!) * scale + data.beta[c]!;
    return value * slopeAt(shape, z);
  });
}

function slopeAt({ activation, slope }: Case, z: number): number {
  const sigmoid = 1 / (1 + Math.exp(-z));
  switch (activation) {
    case 'relu':
      return z > 0 ? 1 : 0;
    case 'relu6':
      return z > 0 && z < 6 ? 1 : 0;
    case 'leakyRelu':
      return z > 0 ? 1 : slope!;
    case 'silu':
      return sigmoid * (1 + z * (1 - sigmoid));
    case 'hardSwish':
      return z <= -3 ? 0 : z >= 3 ? 1 : (2 * z + 3) / 6;
    default:
      return 1;
  }
}

/** Of dz, and of dz · (x - mean), by channel. */
function sumsOf({ inChannels }: Conv2dShape, { x, mean }: Data, dz: Float64Array): Float64Array {
  const sums = new Float64Array(2 * inChannels);
  dz.forEach((value, i) => {
    const c = i % inChannels;
    sums[c]! += value;
    sums[inChannels + c]! += value * (x[i]! - mean[c]!);
  });
  return sums;
}
