import { random } from '@imgcls/random';
import { describe, expect, it } from 'vitest';
import type { Storage } from './buffer.ts';
import { type MatmulShape, matmul } from './matmul.ts';
import { get, inBothStorages, normals, put, relativeError, rounded } from './test/buffers.ts';
import { everyCarrier } from './test/carriers.ts';
import { once } from './test/once.ts';

interface Case extends Required<MatmulShape> {
  aTransposed?: boolean;
  bTransposed?: boolean;
  bShared?: boolean;
  storage?: Storage;
}

const shapes: Case[] = [
  { batch: 1, m: 1, n: 1, k: 1 },
  { batch: 1, m: 3, n: 10, k: 0 },
  { batch: 1, m: 1, n: 1000, k: 2048 },
  { batch: 1, m: 1, n: 37, k: 5003 },
  { batch: 1, m: 128, n: 10, k: 512 },
  { batch: 1, m: 512, n: 10, k: 128, aTransposed: true },
  { batch: 1, m: 128, n: 512, k: 10, bTransposed: true },
  { batch: 1, m: 31, n: 65, k: 4000, bTransposed: true },
  { batch: 1, m: 17, n: 33, k: 5001, aTransposed: true },
  { batch: 1, m: 300, n: 550, k: 150 },
  { batch: 1, m: 130, n: 530, k: 1024, aTransposed: true, bTransposed: true },
  { batch: 1, m: 1000, n: 10, k: 33 },
  { batch: 1000, m: 1, n: 3, k: 5 },
  { batch: 5, m: 50, n: 50, k: 17, bTransposed: true },
  { batch: 7, m: 9, n: 130, k: 70, bShared: true },
  { batch: 3, m: 513, n: 64, k: 64, bShared: true },
];

const draw = random(7, 'shapes');
const randomShapes = Array.from(
  { length: 12 },
  (): Case => ({
    batch: 1 + draw.int(3),
    m: 1 + draw.int(90),
    n: 1 + draw.int(90),
    k: 1 + draw.int(300),
    aTransposed: draw.int(2) > 0,
    bTransposed: draw.int(2) > 0,
    bShared: draw.int(2) > 0,
  }),
);
const cases = [...shapes, ...randomShapes].flatMap(inBothStorages);

describe.each(await everyCarrier())('$name', ({ kernels }) => {
  function run(shape: Case, a: Float64Array, b: Float64Array): Float64Array {
    const { batch, m, n, storage, aTransposed, bTransposed, bShared } = shape;
    const y = put(kernels, new Float64Array(batch * m * n), storage);
    matmul(kernels, shape, {
      a: { ...put(kernels, a, storage), transposed: aTransposed },
      b: { ...put(kernels, b, storage), transposed: bTransposed, shared: bShared },
      y,
    });
    return get(kernels, y, batch * m * n);
  }

  it.each(cases)('matmul() agrees with float64 for %j', (shape) => {
    const { a, b } = operands(shape);
    const expected = reference(shape);
    const got = run(shape, a, b);
    if (shape.k === 0) expect([...got]).toEqual([...expected]);
    else expect(relativeError(got, expected)).toBeLessThan(shape.storage === 'bf16' ? 3e-3 : 1e-6);
  });

  it('matmul() scales, adds a bias by column and a residual, and applies the activation, in this order', () => {
    const y = put(kernels, [100, 100, 100, 100]);
    matmul(
      kernels,
      { m: 2, n: 2, k: 1 },
      {
        ...{ a: put(kernels, [1, 2]), b: put(kernels, [3, -4]), y, scale: 0.5, activation: 'relu' },
        ...{ bias: put(kernels, [10, 20]).block, residual: put(kernels, [0, 0, -100, 1]).block },
      },
    );
    expect([...get(kernels, y, 4)]).toEqual([11.5, 18, 0, 17]);
  });

  it.each([
    { batch: 1, m: 75, n: 41, k: 300 },
    { batch: 1, m: 40, n: 64, k: 32 },
    { batch: 1, m: 1, n: 41, k: 300 },
  ])('matmul() finishes float32 from bfloat16, for %j', (shape) => {
    const { m, n } = shape;
    const { a, b } = operands({ ...shape, storage: 'bf16' });
    const bias = normals(n, 'bias').map(Math.fround);
    const y = put(kernels, new Float64Array(m * n));
    const inputs = { a: put(kernels, a, 'bf16'), b: put(kernels, b, 'bf16'), bias: put(kernels, bias).block };
    matmul(kernels, shape, { ...inputs, y, activation: 'relu' });
    const expected = reference({ ...shape, storage: 'bf16' }).map((sum, i) => Math.max(0, sum + bias[i % n]!));
    expect(relativeError(get(kernels, y, m * n), expected)).toBeLessThan(1e-6);
  });

  it.each([
    { batch: 1, m: 40, n: 70, k: 3000 },
    { batch: 1, m: 1, n: 701, k: 300 },
    { batch: 1, m: 40, n: 70, k: 150 },
    { batch: 1, m: 40, n: 64, k: 64 },
  ])('matmul() adds to what was there when the residual is y itself, for %j', (shape) => {
    const { m, n } = shape;
    const { a, b } = operands(shape);
    const before = normals(m * n, 'before').map(Math.fround);
    const y = put(kernels, before);
    matmul(kernels, shape, { a: put(kernels, a), b: put(kernels, b), y, residual: y.block });
    const expected = reference(shape).map((value, i) => value + before[i]!);
    expect(relativeError(get(kernels, y, m * n), expected)).toBeLessThan(1e-6);
  });

  it('matmul() keeps NaN and infinity to the rows and columns they are in', () => {
    const shape = { batch: 1, m: 20, n: 40, k: 30 };
    const { a, b } = operands(shape);
    a[3 * 30 + 5] = Number.NaN; // row 3
    b[7 * 40 + 39] = Number.POSITIVE_INFINITY; // column 39
    const got = run(shape, a, b);
    expect([...got.keys()].filter((i) => !Number.isFinite(got[i]!))).toEqual(
      [...got.keys()].filter((i) => Math.floor(i / 40) === 3 || i % 40 === 39),
    );
  });

  it.each([shapes[2]!, shapes[7]!, shapes[9]!, { ...shapes[15]!, storage: 'bf16' } as const])(
    'matmul() gives the same bits on 1 and 3 threads for %j',
    (shape) => {
      const { a, b } = operands(shape);
      const results = [1, 3].map((threads) => {
        kernels.threads = threads;
        return [...run(shape, a, b)];
      });
      expect(results[0]).toEqual(results[1]);
    },
  );
});

/** Computed once for all carriers. */
const operands = once(({ batch, m, n, k, bShared, storage = 'float32' }: Case) => {
  const stored = (value: number): number => rounded(value, storage);
  return { a: normals(batch * m * k, 'a').map(stored), b: normals((bShared ? 1 : batch) * k * n, 'b').map(stored) };
});

const reference = once((shape: Case): Float64Array => {
  const { batch, m, n, k, aTransposed, bTransposed, bShared } = shape;
  const { a, b } = operands(shape);
  const y = new Float64Array(batch * m * n);
  for (let s = 0; s < batch; s++) {
    const [left, right] = [s * m * k, bShared ? 0 : s * k * n];
    for (let i = 0; i < m; i++)
      for (let l = 0; l < k; l++) {
        const value = a[left + (aTransposed ? l * m + i : i * k + l)]!;
        for (let j = 0; j < n; j++)
          y[(s * m + i) * n + j]! += value * b[right + (bTransposed ? j * k + l : l * n + j)]!;
      }
  }
  return y;
});
