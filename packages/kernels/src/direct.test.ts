import { random } from '@imgcls/random';
import { describe, expect, it } from 'vitest';
import type { Storage } from './buffer.ts';
import type { Conv2dShape } from './conv.ts';
import { directConv2d, directFilter, directInputGradient, directWeightGradient } from './direct.ts';
import { get, inBothStorages, normals, put, relativeError, rounded } from './test/buffers.ts';
import { everyCarrier } from './test/carriers.ts';
import { once } from './test/once.ts';
import { outputSize } from './window.ts';

interface Case extends Conv2dShape {
  storage: Storage;
}

/** Kernel, stride, padding and dilation of both axes at once. */
function square(
  [batch, height, width]: readonly [number, number, number],
  [inChannels, outChannels]: readonly [number, number],
  { kernel = 1, stride = 1, pad = 0, dilation = 1, groups = 1, storage = 'float32' as Storage } = {},
): Case {
  return {
    ...{ batch, height, width, inChannels, outChannels, groups, storage },
    ...{ kernelSize: [kernel, kernel], stride: [stride, stride], dilation: [dilation, dilation] },
    padding: { top: pad, bottom: pad, left: pad, right: pad },
  };
}

const shapes: Case[] = [
  square([1, 1, 1], [1, 1]),
  square([1, 1, 1], [1, 1], { kernel: 3, pad: 1 }),
  square([2, 7, 7], [64, 96]),
  square([2, 9, 7], [24, 40]),
  square([2, 8, 8], [30, 34], { stride: 2 }),
  square([1, 33, 35], [3, 16], { kernel: 7, stride: 2, pad: 3 }),
  square([2, 12, 13], [17, 20], { kernel: 3, stride: 2, pad: 1 }),
  square([1, 10, 11], [33, 65], { kernel: 3, pad: 1 }),
  square([2, 9, 9], [8, 12], { kernel: 3, pad: 2, dilation: 2, groups: 4 }),
  square([1, 13, 11], [6, 6], { kernel: 3, stride: 2, pad: 1, groups: 6 }),
  square([1, 13, 11], [4, 6], { kernel: 2, stride: 3 }),
  square([1, 12, 12], [3, 4], { kernel: 3, stride: 2, pad: 2, dilation: 3 }),
  square([1, 9, 9], [2, 3], { kernel: 3, stride: 4, pad: 0, dilation: 2 }),
  square([1000, 1, 1], [3, 2], { kernel: 1 }),
  square([1, 4, 4], [300, 9], { kernel: 3, pad: 1 }),
  square([1, 60, 60], [5, 7], { kernel: 3, pad: 1 }),
  {
    ...square([2, 6, 8], [5, 6]),
    kernelSize: [2, 3],
    stride: [1, 2],
    padding: { top: 0, bottom: 1, left: 2, right: 0 },
  },
];

const draw = random(5, 'shapes');
const oneOf = <T>(...values: readonly T[]): T => values[draw.int(values.length)]!;
const randomShapes = Array.from({ length: 16 }, (): Conv2dShape => {
  const groups = oneOf(1, 1, 2, 3);
  const pair = (most: number): [number, number] => [1 + draw.int(most), 1 + draw.int(most)];
  return {
    ...{ batch: 1 + draw.int(3), height: 9 + draw.int(9), width: 9 + draw.int(9) },
    ...{ inChannels: groups * (1 + draw.int(20)), outChannels: groups * (1 + draw.int(40)), groups },
    ...{ kernelSize: pair(4), stride: pair(3), dilation: pair(2) },
    padding: { top: draw.int(4), bottom: draw.int(4), left: draw.int(4), right: draw.int(4) },
  };
});
const cases = [...shapes, ...randomShapes].flatMap(inBothStorages);

describe.each(await everyCarrier())('$name', ({ kernels }) => {
  it.each(cases)('directConv2d() and its gradients agree with float64 for %j', (shape) => {
    const { x, weight, dy } = operands(shape);
    const expected = reference(shape);
    const got = run(shape, x, weight, dy);
    const bound = shape.storage === 'bf16' ? 3e-3 : 1e-6;
    expect(relativeError(got.y, expected.y)).toBeLessThan(bound);
    expect(relativeError(got.dx, expected.dx)).toBeLessThan(bound);
    expect(relativeError(got.dWeight, expected.dWeight)).toBeLessThan(1e-6);
  });

  it.each([
    square([2, 5, 6], [7, 40], { kernel: 3, pad: 1 }),
    square([2, 5, 6], [6, 40], { groups: 2, storage: 'bf16' }),
    square([1, 3, 3], [2000, 5]),
  ])('directConv2d() adds bias and residual, activates, and tells the moments before that, for %j', (shape) => {
    const { x, weight, dy: residual } = operands(shape);
    const { outChannels, storage } = shape;
    const bias = normals(outChannels, 'bias').map((value) => Math.fround(100 + value));
    const sums = reference(shape).y.map((value, i) => value + bias[i % outChannels]!);
    const y = put(kernels, new Float64Array(sums.length), storage);
    const statistics = { mean: put(kernels, bias).block, variance: put(kernels, bias).block };
    const inputs = { x: put(kernels, x, storage), weight: put(kernels, weight).block, bias: put(kernels, bias).block };
    const rest = { residual: put(kernels, residual, storage).block, activation: 'relu6', statistics } as const;
    directConv2d(kernels, shape, { ...inputs, ...rest, y });
    const expected = sums.map((value, i) => Math.min(6, Math.max(0, value + residual[i]!)));
    expect(relativeError(get(kernels, y, sums.length), expected)).toBeLessThan(storage === 'bf16' ? 3e-3 : 1e-6);

    const stored = sums.map((value) => rounded(value, storage));
    const { mean, variance } = moments(stored, outChannels);
    const float32 = (block: typeof statistics.mean) => get(kernels, { block, storage: 'float32' }, outChannels);
    const bound = storage === 'bf16' ? 1e-2 : 2e-5; // one rounding apart, in few values, is one part in 256
    expect(relativeError(float32(statistics.mean), mean)).toBeLessThan(bound);
    expect(relativeError(float32(statistics.variance), variance)).toBeLessThan(bound);
  });

  it.each([
    square([2, 9, 11], [300, 71], { storage: 'bf16' }),
    square([3, 20, 20], [34, 90], { groups: 2, storage: 'bf16' }),
    square([2, 15, 15], [8, 19], { kernel: 3, stride: 2, pad: 1, storage: 'bf16' }),
    square([1, 1, 1], [16, 40], { storage: 'bf16' }),
  ])('directConv2d() tells the moments of what it stores, far from 0, for %j', (shape) => {
    const { x, weight } = operands(shape);
    const { outChannels, storage } = shape;
    const bias = normals(outChannels, 'bias').map((value) => Math.fround(1000 * value));
    const y = put(kernels, new Float64Array(reference(shape).y.length), storage);
    const statistics = { mean: put(kernels, bias).block, variance: put(kernels, bias).block };
    const inputs = { x: put(kernels, x, storage), weight: put(kernels, weight).block, bias: put(kernels, bias).block };
    directConv2d(kernels, shape, { ...inputs, statistics, y });
    const { mean, variance } = moments(Float64Array.from(get(kernels, y, reference(shape).y.length)), outChannels);
    const float32 = (block: typeof statistics.mean) => get(kernels, { block, storage: 'float32' }, outChannels);
    expect(relativeError(float32(statistics.mean), mean)).toBeLessThan(1e-6);
    if (shape.height > 1) expect(relativeError(float32(statistics.variance), variance)).toBeLessThan(2e-5);
    else expect([...float32(statistics.variance)]).toEqual([...variance]);
  });

  it.each([
    { ...square([2, 5, 6], [7, 40], { kernel: 3, pad: 1 }), activation: 'relu6' as const, high: 6 },
    { ...square([2, 9, 9], [24, 72], { groups: 2 }), activation: 'relu' as const, high: Number.POSITIVE_INFINITY },
    { ...square([1, 3, 3], [700, 33]), activation: 'relu6' as const, high: 6 },
  ])('directConv2d() adds bias and residual and activates as it writes, for %j', ({ activation, high, ...shape }) => {
    const { x, weight, dy: residual } = operands(shape);
    const bias = normals(shape.outChannels, 'bias');
    residual[5] = Number.NaN;
    const y = put(kernels, new Float64Array(residual.length));
    const inputs = { x: put(kernels, x), weight: put(kernels, weight).block, bias: put(kernels, bias).block };
    directConv2d(kernels, shape, { ...inputs, residual: put(kernels, residual).block, activation, y });
    const got = [...get(kernels, y, residual.length)];
    const expected = reference(shape).y.map((sum, i) =>
      Math.min(high, Math.max(0, sum + bias[i % shape.outChannels]! + residual[i]!)),
    );
    expect(got[5]).toBeNaN();
    for (const values of [got, expected]) values[5] = 0;
    expect(relativeError(Float64Array.from(got), expected)).toBeLessThan(1e-6);
  });

  it('directFilter() changes nothing but the time', () => {
    for (const shape of [shapes[7]!, shapes[8]!]) {
      const { x, weight } = operands(shape);
      const inputs = { x: put(kernels, x), weight: put(kernels, weight).block };
      const size = shape.batch * shape.outChannels * outputSize(shape)[0] * outputSize(shape)[1];
      const [plain, prepared] = [inputs.weight, directFilter(kernels, shape, inputs.weight)].map((weight) => {
        const y = put(kernels, new Float64Array(size));
        directConv2d(kernels, shape, { ...inputs, weight, y });
        return [...get(kernels, y, size)];
      });
      expect(prepared).toEqual(plain);
    }
  });

  it('directConv2d() keeps NaN to the pixels that see it', () => {
    const shape = square([1, 8, 8], [3, 5], { kernel: 3, pad: 1 });
    const { x, weight, dy } = operands(shape);
    const withNan = x.with(3 * (8 * 2 + 4) + 1, Number.NaN); // row 2, column 4
    const { y } = run(shape, withNan, weight, dy);
    const touched = [...y.keys()].filter((i) => Number.isNaN(y[i]!)).map((i) => Math.floor(i / 5));
    const rows = [1, 2, 3].flatMap((row) => [3, 4, 5].map((column) => 8 * row + column));
    expect([...new Set(touched)]).toEqual(rows);
  });

  it.each([
    square([4, 28, 28], [40, 70], { kernel: 3, stride: 2, pad: 1 }),
    square([6, 20, 20], [64, 33]),
    square([1, 5, 5], [1500, 40], { storage: 'bf16' }),
  ])('directConv2d() and its gradients give the same bits on 1 and 3 threads for %j', (shape) => {
    const { x, weight, dy } = operands(shape);
    const results = [1, 3].map((threads) => {
      kernels.threads = threads;
      return run(shape, x, weight, dy);
    });
    expect(results[0]).toEqual(results[1]);
  });

  function run(shape: Case, x: Float64Array, weight: Float64Array, dy: Float64Array): Results {
    const { storage } = shape;
    const inputs = { x: put(kernels, x, storage), weight: put(kernels, weight).block, dy: put(kernels, dy, storage) };
    const y = put(kernels, new Float64Array(dy.length), storage);
    const dx = put(kernels, new Float64Array(x.length), storage);
    const dWeight = put(kernels, new Float64Array(weight.length));
    directConv2d(kernels, shape, { ...inputs, y });
    directInputGradient(kernels, shape, { ...inputs, dx });
    directWeightGradient(kernels, shape, { ...inputs, dWeight: dWeight.block });
    return {
      y: get(kernels, y, dy.length),
      dx: get(kernels, dx, x.length),
      dWeight: get(kernels, dWeight, weight.length),
    };
  }
});

interface Results {
  y: Float64Array;
  dx: Float64Array;
  dWeight: Float64Array;
}

/** Computed once for all carriers. */
const operands = once((shape: Case) => {
  const { batch, height, width, inChannels, outChannels, groups, kernelSize, storage } = shape;
  const [outHeight, outWidth] = outputSize(shape);
  const stored = (value: number): number => rounded(value, storage);
  return {
    x: normals(batch * height * width * inChannels, 'x').map(stored),
    weight: normals((kernelSize[0] * kernelSize[1] * inChannels * outChannels) / groups, 'w').map(Math.fround),
    dy: normals(batch * outHeight * outWidth * outChannels, 'dy').map(stored),
  };
});

/** By the definition: each product of an output, a tap and a channel, once. */
const reference = once((shape: Case): Results => {
  const { x, weight, dy } = operands(shape);
  const { batch, height, width, inChannels, outChannels, groups, kernelSize, stride, dilation, padding } = shape;
  const [outHeight, outWidth] = outputSize(shape);
  const [inGroup, outGroup] = [inChannels / groups, outChannels / groups];
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
              const from = ((n * height + row) * width + column) * inChannels + Math.floor(o / outGroup) * inGroup;
              for (let c = 0; c < inGroup; c++) {
                const w = ((a * kernelSize[1] + b) * inGroup + c) * outChannels + o;
                y[to]! += x[from + c]! * weight[w]!;
                dx[from + c]! += dy[to]! * weight[w]!;
                dWeight[w]! += dy[to]! * x[from + c]!;
              }
            }
          }
  return { y, dx, dWeight };
});

/** Means and biased variances by channel. */
function moments(y: Float64Array, channels: number): { mean: Float64Array; variance: Float64Array } {
  const mean = new Float64Array(channels);
  const variance = new Float64Array(channels);
  const rows = y.length / channels;
  y.forEach((value, i) => {
    mean[i % channels]! += value / rows;
  });
  y.forEach((value, i) => {
    variance[i % channels]! += (value - mean[i % channels]!) ** 2 / rows;
  });
  return { mean, variance };
}
