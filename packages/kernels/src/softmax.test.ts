import { describe, expect, it } from 'vitest';
import type { Storage } from './buffer.ts';
import {
  crossEntropy,
  crossEntropyCoefficients,
  crossEntropyGradient,
  logSoftmax,
  logSoftmaxGradient,
  softmax,
  softmaxGradient,
} from './softmax.ts';
import { get, normals, put, relativeError, rounded, sameBits } from './test/buffers.ts';
import { everyCarrier } from './test/carriers.ts';

const shapes: [rows: number, columns: number][] = [
  [1, 1],
  [3, 2],
  [128, 10],
  [1_000, 7],
  [33, 64],
  [5, 1_000],
];
const storages: Storage[] = ['float32', 'bf16'];
const cases = storages.flatMap((storage) => shapes.map(([rows, columns]) => ({ rows, columns, storage })));

const byRows = (x: Float64Array, columns: number, f: (row: Float64Array, index: number) => ArrayLike<number>) => {
  const y = new Float64Array(x.length);
  for (let i = 0; i < x.length; i += columns) y.set(f(x.subarray(i, i + columns), i / columns), i);
  return y;
};

const logSoftmaxOf = (row: Float64Array): Float64Array => {
  const top = Math.max(...row);
  const logSum = Math.log(row.reduce((sum, v) => sum + Math.exp(v - top), 0));
  return row.map((v) => v - top - logSum);
};

const total = (values: ArrayLike<number>): number => Array.from(values).reduce((sum, v) => sum + v, 0);

describe.each(await everyCarrier())('$name', ({ kernels }) => {
  it.each(cases)('softmax(), logSoftmax() and their gradients agree with float64 for %j', ({ storage, ...shape }) => {
    const { rows, columns } = shape;
    const values = (seed: number, scale: number) =>
      normals(rows * columns, seed).map((v) => rounded(scale * v, storage));
    const [given, dyGiven] = [values(1, 5), values(2, 1)];
    const [x, dy] = [put(kernels, given, storage), put(kernels, dyGiven, storage)];
    const result = () => put(kernels, new Float64Array(given.length), storage);
    const [y, dx, logY, logDx] = [result(), result(), result(), result()];
    softmax(kernels, shape, { x, y });
    logSoftmax(kernels, shape, { x, y: logY });
    softmaxGradient(kernels, shape, { dy, y, dx });
    logSoftmaxGradient(kernels, shape, { dy, y: logY, dx: logDx });

    const [bound, length] = [storage === 'bf16' ? 4e-3 : 1e-6, given.length];
    const expected = byRows(given, columns, (row) => logSoftmaxOf(row).map(Math.exp));
    expect(relativeError(get(kernels, y, length), expected)).toBeLessThan(bound);
    if (columns === 1) expect([...get(kernels, logY, length)]).toEqual(Array(rows).fill(0));
    else expect(relativeError(get(kernels, logY, length), byRows(given, columns, logSoftmaxOf))).toBeLessThan(bound);

    // From the outputs as they were stored: their own rounding is not the gradient's.
    const [p, logP] = [get(kernels, y, length), get(kernels, logY, length)];
    const softmaxSlope = byRows(dyGiven, columns, (row, r) => {
      const own = p.subarray(r * columns, (r + 1) * columns);
      const common = total(row.map((v, i) => v * own[i]!));
      return row.map((v, i) => (v - common) * own[i]!);
    });
    const logSlope = byRows(dyGiven, columns, (row, r) =>
      row.map((v, i) => v - Math.exp(logP[r * columns + i]!) * total(row)),
    );
    if (columns > 1) {
      expect(relativeError(get(kernels, dx, length), softmaxSlope)).toBeLessThan(bound);
      expect(relativeError(get(kernels, logDx, length), logSlope)).toBeLessThan(bound);
    }
  });

  it('softmax() neither overflows nor hides NaN and infinity', () => {
    const [nan, up, down] = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    const y = put(kernels, [...[1e30, 0, -1e30], ...[0, nan, 1], ...[up, 0, 1], ...[down, 0, 0]]);
    softmax(kernels, { rows: 4, columns: 3 }, { x: y, y });
    const [large, unknown, infinite, impossible] = [0, 3, 6, 9].map((i) => [...get(kernels, y, 12)].slice(i, i + 3));
    expect(large).toEqual([1, 0, 0]);
    expect(unknown).toEqual([nan, nan, nan]);
    expect(infinite![0]).toBeNaN();
    expect(impossible).toEqual([0, 0.5, 0.5]);
  });

  it.each(cases)('crossEntropy() and its gradient agree with float64 for %j', ({ storage, ...shape }) => {
    const { rows, columns } = shape;
    const given = normals(rows * columns, 1).map((v) => rounded(3 * v, storage));
    const weights = normals(rows * columns, 2).map((v) => Math.fround(Math.abs(v) / rows));
    const logits = put(kernels, given, storage);
    const coefficients = put(kernels, weights).block;
    for (const perExample of [true, false]) {
      const losses = Float64Array.from({ length: rows }, (_, r) => {
        const logP = logSoftmaxOf(given.subarray(r * columns, (r + 1) * columns));
        return -total(logP.map((v, i) => v * weights[r * columns + i]!));
      });
      const dyGiven = perExample ? normals(rows, 3).map(Math.fround) : Float64Array.of(1.5);
      const [loss, dLogits] = [put(kernels, dyGiven), put(kernels, given, storage)];
      const dy = put(kernels, dyGiven).block;
      crossEntropy(kernels, { ...shape, perExample }, { logits, coefficients, loss: loss.block });
      crossEntropyGradient(kernels, { ...shape, perExample }, { logits, coefficients, dy, dLogits });
      const expected = perExample ? losses : Float64Array.of(total(losses));
      const got = get(kernels, loss, expected.length);
      if (columns > 1) expect(relativeError(got, expected)).toBeLessThan(1e-6);
      const slope = byRows(given, columns, (row, r) => {
        const own = weights.subarray(r * columns, (r + 1) * columns);
        return logSoftmaxOf(row).map((v, i) => (Math.exp(v) * total(own) - own[i]!) * dyGiven[perExample ? r : 0]!);
      });
      const bound = storage === 'bf16' ? 4e-3 : 2e-6;
      if (columns > 1) expect(relativeError(get(kernels, dLogits, given.length), slope)).toBeLessThan(bound);
    }
  });

  it('crossEntropy() leaves out classes that do not count, impossible ones too', () => {
    const logits = put(kernels, [0, 0, Number.NEGATIVE_INFINITY]);
    const loss = put(kernels, [0]);
    const coefficients = put(kernels, [1, 0, 0]).block;
    crossEntropy(kernels, { rows: 1, columns: 3, perExample: false }, { logits, coefficients, loss: loss.block });
    expect(get(kernels, loss, 1)[0]).toBeCloseTo(Math.LN2, 6);
  });

  it('crossEntropyCoefficients() weighs as PyTorch does', () => {
    const [rows, columns] = [3, 4];
    const targets = kernels.memory.allocate(4 * rows);
    kernels.memory.ints(targets, rows).set([2, 0, 2]);
    const weights = [1, 2, 4, 8];
    const coefficients = put(kernels, new Float64Array(rows * columns));
    const compute = (labelSmoothing: number, mean: boolean, classWeights?: number[]) => {
      const of = { targets, classWeights: classWeights && put(kernels, classWeights).block };
      const shape = { rows, columns, labelSmoothing, mean };
      crossEntropyCoefficients(kernels, shape, { ...of, coefficients: coefficients.block });
      return [...get(kernels, coefficients, rows * columns)].map((v) => Number(v.toFixed(6)));
    };
    expect(compute(0, false)).toEqual([0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0]);
    expect(compute(0.4, true)[0]).toBeCloseTo(0.1 / 3, 6);
    expect(compute(0.4, true)[2]).toBeCloseTo(0.7 / 3, 6);
    expect(compute(0.4, true, weights).slice(4, 8)).toEqual(
      [0.7, 0.2, 0.4, 0.8].map((v) => Number((v / 9).toFixed(6))),
    );
    kernels.memory.ints(targets, rows)[1] = 4;
    expect(() => compute(0, true)).toThrow('cross_entropy_coefficients: a class index lies outside of the classes');
  });

  it('gives the same bits on any number of threads', () => {
    const [rows, columns] = [3_000, 11];
    const given = normals(rows * columns, 1);
    const [one, several] = [1, 3].map((threads) => {
      kernels.threads = threads;
      const [logits, loss] = [put(kernels, given), put(kernels, [0])];
      const coefficients = put(kernels, given.map(Math.abs)).block;
      crossEntropy(kernels, { rows, columns, perExample: false }, { logits, coefficients, loss: loss.block });
      return get(kernels, loss, 1);
    });
    expect(sameBits(one!, several!)).toBe(true);
  });
});
