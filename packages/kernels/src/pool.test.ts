import { random } from '@imgcls/random';
import { describe, expect, it } from 'vitest';
import type { Storage } from './buffer.ts';
import type { Kernels } from './kernels.ts';
import { type AvgPoolShape, avgPool, avgPoolGradient, maxPool, maxPoolGradient } from './pool.ts';
import { get, inBothStorages, normals, put, relativeError, rounded, sameBits } from './test/buffers.ts';
import { everyCarrier } from './test/carriers.ts';
import { outputSize } from './window.ts';

type Case = AvgPoolShape & { storage: Storage };

function square(
  [batch, height, width]: readonly [number, number, number],
  channels: number,
  options: { kernel?: number; stride?: number; pad?: number; countIncludePad?: boolean; storage?: Storage } = {},
): Case {
  const { kernel = 2, stride = kernel, pad = 0, countIncludePad = true, storage = 'float32' } = options;
  return {
    ...{ batch, height, width, channels, countIncludePad, storage },
    ...{ kernelSize: [kernel, kernel], stride: [stride, stride] },
    padding: { top: pad, bottom: pad, left: pad, right: pad },
  };
}

const shapes: Case[] = [
  square([1, 1, 1], 1, { kernel: 1 }),
  square([2, 7, 9], 5),
  square([1, 32, 32], 64),
  square([2, 17, 16], 24, { kernel: 3, stride: 2, pad: 1 }),
  square([1, 17, 16], 33, { kernel: 3, stride: 2, pad: 1, countIncludePad: false }),
  square([2, 9, 8], 20, { kernel: 3, stride: 1, pad: 1, countIncludePad: false }),
  square([3, 7, 7], 40, { kernel: 7 }),
  square([1, 100, 90], 17, { kernel: 3, stride: 2, pad: 1 }),
  square([1, 11, 11], 3, { kernel: 2, stride: 3 }),
  square([1_000, 2, 2], 3),
  {
    ...square([2, 10, 11], 18, { countIncludePad: false }),
    ...{ kernelSize: [4, 3], stride: [1, 2], padding: { top: 2, bottom: 1, left: 0, right: 1 } },
  },
  { ...square([2, 90, 80], 3), kernelSize: [90, 80], stride: [90, 80] },
];

const draw = random(1, 'pool');
const randomShapes = Array.from({ length: 10 }, (): Case => {
  const kernelSize: [number, number] = [1 + draw.int(4), 1 + draw.int(4)];
  const [tall, wide] = kernelSize.map((size) => Math.floor(size / 2) + 1) as [number, number];
  const shape = square([1 + draw.int(3), 5 + draw.int(20), 5 + draw.int(20)], 1 + draw.int(70), {
    countIncludePad: draw.int(2) === 0,
  });
  const padding = { top: draw.int(tall), bottom: draw.int(tall), left: draw.int(wide), right: draw.int(wide) };
  return { ...shape, kernelSize, stride: [1 + draw.int(3), 1 + draw.int(3)], padding };
});
const cases = [...shapes, ...randomShapes].flatMap(inBothStorages);

describe.each(await everyCarrier())('$name', ({ kernels }) => {
  it.each(cases)('pooling and its gradients agree with float64 for %j', (shape) => {
    const given = operands(shape);
    const expected = reference(shape, given);
    const got = run(kernels, shape, given);
    const bound = shape.storage === 'bf16' ? 3e-3 : 1e-6;
    for (const name of ['largest', 'dLargest', 'mean', 'dMean'] as const)
      expect(relativeError(got[name], expected[name]), name).toBeLessThan(name === 'largest' ? 1e-12 : bound);
  });

  it('gives the gradient to the first of equal values, row by row', () => {
    const shape = square([1, 2, 4], 1);
    const { dLargest } = run(kernels, shape, { x: [3, 3, 1, 2, 3, 3, 2, 2], dy: [5, 7] });
    expect([...dLargest]).toEqual([5, 0, 0, 7, 0, 0, 0, 0]);
  });

  it.each(['float32', 'bf16'] as const)('passes NaN and infinities, in %s', (storage) => {
    const shape = square([1, 2, 6], 1, { storage });
    const [up, down, nan] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN];
    const got = run(kernels, shape, { x: [1, nan, down, down, 1, up, up, 0, down, down, 0, down], dy: [1, 2, 4] });
    expect([...got.largest]).toEqual([nan, down, up]);
    expect([...got.dLargest].filter((_, i) => i % 6 < 2)).toEqual([0, 1, 0, 0]);
    expect([...got.mean]).toEqual([nan, down, nan]);
  });

  it('gives the same bits on any number of threads', () => {
    const shape = square([3, 61, 50], 40, { kernel: 3, stride: 2, pad: 1 });
    const given = operands(shape);
    const [one, several] = [1, 3].map((threads) => {
      kernels.threads = threads;
      return run(kernels, shape, given);
    });
    for (const name of ['largest', 'dLargest', 'mean', 'dMean'] as const)
      expect(sameBits(one![name], several![name]), name).toBe(true);
  });
});

type Operands = Record<'x' | 'dy', ArrayLike<number>>;
type Results = Record<'largest' | 'dLargest' | 'mean' | 'dMean', Float64Array>;

function operands(shape: Case): Operands {
  const { batch, height, width, channels, storage } = shape;
  const [rows, columns] = outputSize({ ...shape, dilation: [1, 1] });
  return {
    x: normals(batch * height * width * channels, 1).map((v) => rounded(v, storage)),
    dy: normals(batch * rows * columns * channels, 2).map((v) => rounded(v, storage)),
  };
}

function run(kernels: Kernels, shape: Case, given: Operands): Results {
  const [x, dy] = [put(kernels, given.x, shape.storage), put(kernels, given.dy, shape.storage)];
  const like = (values: ArrayLike<number>) => put(kernels, new Float64Array(values.length), shape.storage);
  const [largest, dLargest, mean, dMean] = [like(given.dy), like(given.x), like(given.dy), like(given.x)];
  maxPool(kernels, shape, { x, y: largest });
  maxPoolGradient(kernels, shape, { x, dy, dx: dLargest });
  avgPool(kernels, shape, { x, y: mean });
  avgPoolGradient(kernels, shape, { dy, dx: dMean });
  const [inputs, outputs] = [given.x.length, given.dy.length];
  return {
    largest: get(kernels, largest, outputs),
    dLargest: get(kernels, dLargest, inputs),
    mean: get(kernels, mean, outputs),
    dMean: get(kernels, dMean, inputs),
  };
}

/** By the definition, window by window. */
function reference(shape: Case, { x, dy }: Operands): Results {
  const { height, width, channels, kernelSize, stride, padding, countIncludePad } = shape;
  const [rows, columns] = outputSize({ ...shape, dilation: [1, 1] });
  const [largest, mean] = [new Float64Array(dy.length), new Float64Array(dy.length)];
  const [dLargest, dMean] = [new Float64Array(x.length), new Float64Array(x.length)];
  for (let i = 0; i < dy.length; i++) {
    const [c, column] = [i % channels, Math.floor(i / channels) % columns];
    const [row, n] = [Math.floor(i / channels / columns) % rows, Math.floor(i / channels / columns / rows)];
    const seen: number[] = [];
    for (let a = 0; a < kernelSize[0]; a++)
      for (let b = 0; b < kernelSize[1]; b++) {
        const [r, s] = [row * stride[0] + a - padding.top, column * stride[1] + b - padding.left];
        if (r >= 0 && r < height && s >= 0 && s < width) seen.push(((n * height + r) * width + s) * channels + c);
      }
    const first = seen.reduce((best, at) => (x[at]! > x[best]! ? at : best));
    const count = countIncludePad ? kernelSize[0] * kernelSize[1] : seen.length;
    largest[i] = x[first]!;
    mean[i] = seen.reduce((sum, at) => sum + x[at]!, 0) / count;
    dLargest[first]! += dy[i]!;
    for (const at of seen) dMean[at]! += dy[i]! / count;
  }
  return { largest, dLargest, mean, dMean };
}
