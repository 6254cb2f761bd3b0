import { describe, expect, it } from 'vitest';
import type { Storage } from './buffer.ts';
import type { Kernels } from './kernels.ts';
import { layerNorm, layerNormGradient } from './layer-norm.ts';
import { get, normals, put, relativeError, rounded, sameBits } from './test/buffers.ts';
import { everyCarrier } from './test/carriers.ts';

const epsilon = 1e-3;
const storages: Storage[] = ['float32', 'bf16'];
const cases = storages.flatMap((storage) =>
  [
    [1, 9],
    [1000, 5],
    [300, 3],
    [5, 64],
    [197, 100],
    [70, 768],
  ].map(([rows, columns]) => ({ rows: rows!, columns: columns!, storage })),
);
type Case = (typeof cases)[number];

describe.each(await everyCarrier())('$name', ({ kernels }) => {
  it.each(cases)('layerNorm() and its gradients agree with float64 for %j', (shape) => {
    const given = operands(shape);
    const [got, expected] = [run(kernels, shape, given), reference(shape, given)];
    for (const name of ['y', 'dx', 'dGamma', 'dBeta'] as const) {
      const bound = shape.storage === 'bf16' && (name === 'y' || name === 'dx') ? 4e-3 : 1e-5;
      expect(relativeError(got[name], expected[name]), name).toBeLessThan(bound);
    }
  });

  it('finds a small variance beside a large mean', () => {
    const shape: Case = { rows: 3, columns: 500, storage: 'float32' };
    const given = operands(shape);
    given.x = given.x.map((v) => Math.fround(10_000 + v));
    expect(relativeError(run(kernels, shape, given).y, reference(shape, given).y)).toBeLessThan(2e-4);
  });

  it('keeps NaN to its row', () => {
    const shape: Case = { rows: 3, columns: 20, storage: 'float32' };
    const given = operands(shape);
    given.x[25] = Number.NaN;
    const { y } = run(kernels, shape, given);
    expect([...y.keys()].filter((i) => Number.isNaN(y[i]!))).toEqual(Array.from({ length: 20 }, (_, i) => 20 + i));
  });

  it('gives the same bits on any number of threads', () => {
    const shape: Case = { rows: 901, columns: 130, storage: 'float32' };
    const given = operands(shape);
    const [one, several] = [1, 3].map((threads) => {
      kernels.threads = threads;
      return run(kernels, shape, given);
    });
    for (const name of ['y', 'dx', 'dGamma', 'dBeta'] as const)
      expect(sameBits(one![name], several![name]), name).toBe(true);
  });
});

type Operands = Record<'x' | 'gamma' | 'beta' | 'dy', Float64Array>;
type Results = Record<'y' | 'dx' | 'dGamma' | 'dBeta', Float64Array>;

function operands({ rows, columns, storage }: Case): Operands {
  return {
    x: normals(rows * columns, 1).map((v) => rounded(2 * v + 3, storage)),
    dy: normals(rows * columns, 2).map((v) => rounded(v, storage)),
    gamma: normals(columns, 3).map((v) => Math.fround(v + 1)),
    beta: normals(columns, 4).map(Math.fround),
  };
}

function run(kernels: Kernels, { storage, ...shape }: Case, given: Operands): Results {
  const [x, dy] = [put(kernels, given.x, storage), put(kernels, given.dy, storage)];
  const [gamma, beta] = [put(kernels, given.gamma).block, put(kernels, given.beta).block];
  const [y, dx] = [put(kernels, given.x, storage), put(kernels, given.x, storage)];
  const [dGamma, dBeta] = [put(kernels, given.gamma), put(kernels, given.gamma)];
  layerNorm(kernels, { ...shape, epsilon }, { x, gamma, beta, y });
  const outputs = { dx, dGamma: dGamma.block, dBeta: dBeta.block };
  layerNormGradient(kernels, { ...shape, epsilon }, { x, gamma, dy, ...outputs });
  const [all, each] = [given.x.length, given.gamma.length];
  return {
    y: get(kernels, y, all),
    dx: get(kernels, dx, all),
    dGamma: get(kernels, dGamma, each),
    dBeta: get(kernels, dBeta, each),
  };
}

/** By the definition; dx by the chain rule through the row's mean and variance. */
function reference({ rows, columns }: Case, { x, gamma, beta, dy }: Operands): Results {
  const [y, dx] = [new Float64Array(x.length), new Float64Array(x.length)];
  const [dGamma, dBeta] = [new Float64Array(columns), new Float64Array(columns)];
  const mean = (values: Float64Array): number => values.reduce((sum, v) => sum + v, 0) / columns;
  for (let row = 0; row < rows; row++) {
    const own = x.subarray(row * columns, (row + 1) * columns);
    const centre = mean(own);
    const r = 1 / Math.sqrt(mean(own.map((v) => (v - centre) ** 2)) + epsilon);
    const normal = own.map((v) => (v - centre) * r);
    const g = gamma.map((v, i) => v * dy[row * columns + i]!);
    const [gMean, gSlope] = [mean(g), mean(g.map((v, i) => v * normal[i]!))];
    for (let i = 0; i < columns; i++) {
      const at = row * columns + i;
      y[at] = normal[i]! * gamma[i]! + beta[i]!;
      dx[at] = r * (g[i]! - gMean - normal[i]! * gSlope);
      dGamma[i]! += dy[at]! * normal[i]!;
      dBeta[i]! += dy[at]!;
    }
  }
  return { y, dx, dGamma, dBeta };
}
