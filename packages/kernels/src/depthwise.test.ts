import { random } from '@imgcls/random';
import { describe, expect, it } from 'vitest';
import type { Storage } from './buffer.ts';
import type { Conv2dShape } from './conv.ts';
import { depthwiseConv2d, depthwiseInputGradient, depthwiseWeightGradient } from './depthwise.ts';
import type { Kernels } from './kernels.ts';
import {
  get,
  inBothStorages,
  isRepeated,
  normals,
  put,
  relativeError,
  repeat,
  rounded,
  sameBits,
} from './test/buffers.ts';
import { everyCarrier } from './test/carriers.ts';
import { outputSize } from './window.ts';

type Case = Conv2dShape & { storage: Storage };

function square(
  [batch, height, width]: readonly [number, number, number],
  channels: number,
  { kernel = 3, stride = 1, pad = 1, dilation = 1, times = 1, storage = 'float32' as Storage } = {},
): Case {
  return {
    ...{ batch, height, width, inChannels: channels, outChannels: times * channels, groups: channels, storage },
    ...{ kernelSize: [kernel, kernel], stride: [stride, stride], dilation: [dilation, dilation] },
    padding: { top: pad, bottom: pad, left: pad, right: pad },
  };
}

const shapes: Case[] = [
  square([1, 1, 1], 1, { kernel: 1, pad: 0 }),
  square([2, 1, 1], 5),
  square([2, 7, 7], 96),
  square([1, 15, 14], 24, { stride: 2 }),
  square([1, 14, 15], 33, { stride: 2 }),
  square([2, 9, 8], 40, { kernel: 5, pad: 2 }),
  square([1, 11, 10], 17, { dilation: 3, pad: 3 }),
  square([1, 11, 12], 19, { stride: 2, dilation: 2, pad: 2 }),
  square([2, 6, 7], 10, { times: 3 }),
  square([1, 8, 8], 1, { times: 4, stride: 2 }),
  square([1, 9, 9], 6, { kernel: 2, stride: 3, pad: 0 }),
  square([1_000, 2, 2], 3),
  square([1, 60, 61], 48),
  { ...square([2, 8, 9], 20), kernelSize: [2, 5], stride: [2, 1], padding: { top: 0, bottom: 1, left: 3, right: 1 } },
];

const draw = random(1, 'depthwise');
const below = (most: number): number => 1 + draw.int(most);
const randomShapes = Array.from({ length: 12 }, (): Case => {
  const shape = square([below(3), 8 + below(9), 8 + below(9)], below(70));
  return {
    ...shape,
    ...{ outChannels: shape.inChannels * below(2), kernelSize: [below(5), below(5)], stride: [below(3), below(3)] },
    dilation: [below(2), below(2)],
    padding: { top: draw.int(4), bottom: draw.int(4), left: draw.int(4), right: draw.int(4) },
  };
});
const cases = [...shapes, ...randomShapes].flatMap(inBothStorages);

describe.each(await everyCarrier())('$name', ({ kernels }) => {
  it.each(cases)('a depthwise convolution and its gradients agree with float64 for %j', (shape) => {
    const given = operands(shape);
    const expected = reference(shape, given);
    const got = run(kernels, shape, given);
    const bound = shape.storage === 'bf16' ? 3e-3 : 1e-6;
    expect(relativeError(got.y, expected.y)).toBeLessThan(bound);
    expect(relativeError(got.dx, expected.dx)).toBeLessThan(bound);
    expect(relativeError(got.dWeight, expected.dWeight)).toBeLessThan(1e-6);
  });

  it.each([
    square([2, 9, 9], 40),
    square([1, 12, 12], 24, { stride: 2, storage: 'bf16' }),
    square([2, 5, 5], 3, { times: 2 }),
  ])('adds bias and residual, and activates, for %j', (shape) => {
    const given = operands(shape);
    const bias = normals(shape.outChannels, 5).map(Math.fround);
    const [x, y] = [put(kernels, given.x, shape.storage), put(kernels, given.dy, shape.storage)];
    const [weight, residual] = [put(kernels, given.weight).block, put(kernels, given.dy, shape.storage).block];
    const operation = { bias: put(kernels, bias).block, residual, activation: 'relu6' } as const;
    depthwiseConv2d(kernels, shape, { x, weight, y, ...operation });
    const expected = reference(shape, given).y.map((value, i) =>
      Math.min(6, Math.max(0, value + bias[i % bias.length]! + given.dy[i]!)),
    );
    const bound = shape.storage === 'bf16' ? 3e-3 : 1e-6;
    expect(relativeError(get(kernels, y, expected.length), expected)).toBeLessThan(bound);
  });

  it.each([square([3, 40, 41], 48), square([2, 11, 11], 7, { stride: 2, storage: 'bf16' })])(
    'tells the moments of what it wrote, for %j',
    (shape) => {
      const given = operands(shape);
      const channels = shape.outChannels;
      const y = put(kernels, given.dy, shape.storage);
      const [mean, variance] = [put(kernels, new Float64Array(channels)), put(kernels, new Float64Array(channels))];
      const statistics = { mean: mean.block, variance: variance.block };
      const weight = put(kernels, given.weight).block;
      depthwiseConv2d(kernels, shape, { x: put(kernels, given.x, shape.storage), weight, y, statistics });
      const written = get(kernels, y, given.dy.length);
      const expected = moments(written, channels);
      expect(relativeError(get(kernels, mean, channels), expected.mean)).toBeLessThan(1e-5);
      expect(relativeError(get(kernels, variance, channels), expected.variance)).toBeLessThan(1e-6);
    },
  );

  it.each(['float32', 'bf16'] as const)('writes past the caches what it writes into them, in %s', (storage) => {
    const bytes = (storage === 'bf16' ? 2 : 4) * 40 * 40 * 64;
    const times = Math.ceil(2 ** 24 / bytes);
    const shape = square([1, 40, 40], 64, { storage });
    const given = operands(shape);
    const weight = put(kernels, given.weight).block;
    const one = {
      x: put(kernels, given.x, storage),
      y: put(kernels, given.dy, storage),
      dx: put(kernels, given.x, storage),
    };
    const x = repeat(kernels, one.x, bytes, times);
    const many = { x, y: repeat(kernels, x, bytes, times), dx: repeat(kernels, x, bytes, times) };
    for (const [batch, { x, y, dx }] of [[1, one] as const, [times, many] as const]) {
      depthwiseConv2d(kernels, { ...shape, batch }, { x, weight, y });
      depthwiseInputGradient(kernels, { ...shape, batch }, { dy: x, weight, dx });
    }
    expect(isRepeated(kernels, many.y, one.y, bytes, times)).toBe(true);
    expect(isRepeated(kernels, many.dx, one.dx, bytes, times)).toBe(true);
    for (const { block } of Object.values(many)) kernels.memory.release(block);
  });

  it('keeps NaN to the pixels that see it', () => {
    const shape = square([1, 8, 8], 5);
    const given = operands(shape);
    given.x[5 * (8 * 2 + 4) + 1] = Number.NaN; // row 2, column 4, channel 1
    const { y } = run(kernels, shape, given);
    const touched = [...y.keys()].filter((i) => Number.isNaN(y[i]!));
    expect(touched).toEqual([1, 2, 3].flatMap((row) => [3, 4, 5].map((column) => 5 * (8 * row + column) + 1)));
  });

  it('gives the same bits on any number of threads', () => {
    for (const shape of [square([3, 50, 40], 40), square([2, 50, 40], 24, { stride: 2, storage: 'bf16' })]) {
      const given = operands(shape);
      const [one, several] = [1, 3].map((threads) => {
        kernels.threads = threads;
        return run(kernels, shape, given);
      });
      for (const name of ['y', 'dx', 'dWeight'] as const) expect(sameBits(one![name], several![name]), name).toBe(true);
    }
  });
});

type Operands = Record<'x' | 'weight' | 'dy', Float64Array>;
type Results = Record<'y' | 'dx' | 'dWeight', Float64Array>;

function operands(shape: Case): Operands {
  const { batch, height, width, inChannels, outChannels, kernelSize, storage } = shape;
  const [outHeight, outWidth] = outputSize(shape);
  const stored = (value: number): number => rounded(value, storage);
  return {
    x: normals(batch * height * width * inChannels, 1).map(stored),
    weight: normals(kernelSize[0] * kernelSize[1] * outChannels, 2).map(Math.fround),
    dy: normals(batch * outHeight * outWidth * outChannels, 3).map(stored),
  };
}

function run(kernels: Kernels, shape: Case, given: Operands): Results {
  const { storage } = shape;
  const inputs = {
    x: put(kernels, given.x, storage),
    weight: put(kernels, given.weight).block,
    dy: put(kernels, given.dy, storage),
  };
  const y = put(kernels, new Float64Array(given.dy.length), storage);
  const dx = put(kernels, new Float64Array(given.x.length), storage);
  const dWeight = put(kernels, new Float64Array(given.weight.length));
  depthwiseConv2d(kernels, shape, { ...inputs, y });
  depthwiseInputGradient(kernels, shape, { ...inputs, dx });
  depthwiseWeightGradient(kernels, shape, { ...inputs, dWeight: dWeight.block });
  return {
    y: get(kernels, y, given.dy.length),
    dx: get(kernels, dx, given.x.length),
    dWeight: get(kernels, dWeight, given.weight.length),
  };
}

/** By the definition: each product of an output and a tap, once. */
function reference(shape: Case, { x, weight, dy }: Operands): Results {
  const { batch, height, width, inChannels, outChannels, kernelSize, stride, dilation, padding } = shape;
  const [outHeight, outWidth] = outputSize(shape);
  const y = new Float64Array(dy.length);
  const dx = new Float64Array(x.length);
  const dWeight = new Float64Array(weight.length);
  for (let n = 0; n < batch; n++)
    for (let i = 0; i < outHeight; i++)
      for (let j = 0; j < outWidth; j++)
        for (let a = 0; a < kernelSize[0]; a++)
          for (let b = 0; b < kernelSize[1]; b++) {
            const row = i * stride[0] + a * dilation[0] - padding.top;
            const column = j * stride[1] + b * dilation[1] - padding.left;
            if (row < 0 || row >= height || column < 0 || column >= width) continue;
            for (let o = 0; o < outChannels; o++) {
              const to = ((n * outHeight + i) * outWidth + j) * outChannels + o;
              const c = Math.floor((o * inChannels) / outChannels);
              const from = ((n * height + row) * width + column) * inChannels + c;
              const w = (a * kernelSize[1] + b) * outChannels + o;
              y[to]! += x[from]! * weight[w]!;
              dx[from]! += dy[to]! * weight[w]!;
              dWeight[w]! += dy[to]! * x[from]!;
            }
          }
  return { y, dx, dWeight };
}

function moments(values: Float64Array, channels: number): { mean: Float64Array; variance: Float64Array } {
  const share = channels / values.length;
  const mean = new Float64Array(channels);
  const variance = new Float64Array(channels);
  values.forEach((v, i) => {
    mean[i % channels]! += v * share;
  });
  values.forEach((v, i) => {
    variance[i % channels]! += (v - mean[i % channels]!) ** 2 * share;
  });
  return { mean, variance };
}
