import { random } from '@imgcls/random';
import { describe, expect, it } from 'vitest';
import type { ElementType } from './element.ts';
import type { Kernels } from './kernels.ts';
import { argReduce, type Reduction, reduce } from './reduce.ts';
import { stridesOf } from './strides.ts';
import { everyCarrier } from './test/carriers.ts';
import { getElements, held, putElements } from './test/elements.ts';

const size = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);

const join: Record<Reduction, (a: number, b: number) => number> = {
  sum: (a, b) => a + b,
  mean: (a, b) => a + b,
  prod: (a, b) => a * b,
  max: Math.max,
  min: Math.min,
  any: (a, b) => a || b,
  all: (a, b) => a && b,
};
const start: Record<Reduction, number> = {
  sum: 0,
  mean: 0,
  prod: 1,
  max: Number.NEGATIVE_INFINITY,
  min: Number.POSITIVE_INFINITY,
  any: 0,
  all: 1,
};

interface Job {
  values: ArrayLike<number>;
  shape: readonly number[];
  axes: readonly number[];
}

/** The reduction in float64, from the first value to the last. */
function reference(reduction: Reduction, { values, shape, axes }: Job): number[] {
  const kept = shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
  const [from, to] = [stridesOf(shape), stridesOf(kept)];
  const results = new Array<number>(size(kept)).fill(start[reduction]);
  for (let i = 0; i < values.length; i++) {
    let at = 0;
    for (let axis = 0; axis < shape.length; axis++)
      if (!axes.includes(axis)) at += (Math.floor(i / from[axis]!) % shape[axis]!) * to[axis]!;
    results[at] = join[reduction](results[at]!, values[i]!);
  }
  const count = axes.reduce((product, axis) => product * shape[axis]!, 1);
  return reduction === 'mean' ? results.map((sum) => sum / count) : results;
}

function run(
  kernels: Kernels,
  reduction: Reduction,
  { values, shape, axes }: Job,
  from: ElementType,
  to: ElementType,
): number[] {
  const results = size(shape.filter((_, axis) => !axes.includes(axis)));
  const [x, y] = [putElements(kernels, values, from), putElements(kernels, new Array<number>(results).fill(0), to)];
  reduce(kernels, reduction, { shape, axes }, { x, y });
  const got = [...getElements(kernels, y, results)];
  for (const { block } of [x, y]) kernels.memory.release(block);
  return got;
}

const cases: [shape: number[], axes: number[]][] = [
  [[], []],
  [[7], [0]],
  [[1], [0]],
  [[40000], [0]],
  [[200001], [0]],
  [[3, 5], []],
  [[3, 5], [0]],
  [[3, 5], [1]],
  [
    [3, 5],
    [0, 1],
  ],
  [[1000, 10], [1]],
  [[4099, 3], [0]],
  [
    [7, 31, 33, 3],
    [0, 1, 2],
  ],
  [
    [2, 61, 63, 64],
    [0, 1, 2],
  ],
  [[1000, 129], [0]],
  [[130, 1037], [0]],
  [[9, 2500], [1]],
  [
    [5, 7, 7, 19],
    [1, 2],
  ],
  [
    [5, 1, 1, 600],
    [1, 2],
  ],
  [
    [3, 4, 5, 6],
    [0, 3],
  ],
  [
    [3, 4, 5, 6],
    [1, 3],
  ],
  [
    [2, 3, 2, 3, 2, 3],
    [0, 2, 5],
  ],
  [[0, 3], [0]],
  [[3, 0], [0]],
];

describe.each(await everyCarrier())('$name', ({ kernels }) => {
  const draw = random(2);
  const normals = (count: number, type: ElementType): number[] =>
    Array.from({ length: count }, () => held(draw.normal(), type));
  const integers = (count: number, bound: number): number[] =>
    Array.from({ length: count }, () => draw.int(2 * bound) - bound);

  describe.each(cases)('of %j along %j', (shape, axes) => {
    it.each(['sum', 'mean'] as const)('%s is right to the last places', (reduction) => {
      for (const type of ['float32', 'bf16'] as const) {
        const values = normals(size(shape), type);
        const job = { values, shape, axes };
        const [expected, magnitude] = [
          reference(reduction, job),
          reference(reduction, { ...job, values: values.map(Math.abs) }),
        ];
        const got = run(kernels, reduction, job, type, 'float32');
        for (const [i, value] of got.entries())
          if (Number.isFinite(expected[i]))
            expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(2e-7 * magnitude[i]!);
          else expect(value).toBe(expected[i]);
      }
    });

    it.each(['max', 'min'] as const)('%s is exact', (reduction) => {
      for (const type of ['float32', 'bf16', 'int32'] as const) {
        const values = type === 'int32' ? integers(size(shape), 2 ** 30) : normals(size(shape), type);
        if (type === 'int32' && size(shape) === 0) continue; // no integer is -∞
        expect(run(kernels, reduction, { values, shape, axes }, type, type)).toEqual(
          reference(reduction, { values, shape, axes }),
        );
      }
    });

    it('sum of integers and of truth values is exact', () => {
      const job = { values: integers(size(shape), 1000), shape, axes };
      expect(run(kernels, 'sum', job, 'int32', 'int32')).toEqual(reference('sum', job));
      const truths = { ...job, values: integers(size(shape), 1).map((value) => value + 1) };
      expect(run(kernels, 'sum', truths, 'bool', 'int32')).toEqual(reference('sum', truths));
    });

    it('any and all', () => {
      for (const rare of [0, 1]) {
        const values = Array.from({ length: size(shape) }, () => (draw.uniform() < 0.05 ? 1 - rare : rare));
        const job = { values, shape, axes };
        for (const reduction of ['any', 'all'] as const)
          expect(run(kernels, reduction, job, 'bool', 'bool')).toEqual(reference(reduction, job));
      }
    });

    it('is the same for any number of threads', () => {
      const job = { values: normals(size(shape), 'float32'), shape, axes };
      const all = kernels.threads;
      const several = run(kernels, 'sum', job, 'float32', 'float32');
      kernels.threads = 1;
      expect(run(kernels, 'sum', job, 'float32', 'float32')).toEqual(several);
      kernels.threads = all;
    });
  });

  it('prod does not overflow on its way', () => {
    const job = { values: [1e30, 1e30, 1e-30, 1e-30, 2], shape: [5], axes: [0] };
    expect(run(kernels, 'prod', job, 'float32', 'float32')[0]).toBeCloseTo(2, 5);
    const whole = { values: [1, 2, 3, 4, -5, 6], shape: [2, 3], axes: [1] };
    expect(run(kernels, 'prod', whole, 'int32', 'int32')).toEqual([6, -120]);
  });

  it('a long sum of equal values does not drift', () => {
    const job = { values: new Float32Array(3_000_000).fill(0.1), shape: [3_000_000], axes: [0] };
    const [got] = run(kernels, 'sum', job, 'float32', 'float32');
    expect(Math.abs(got! / (Math.fround(0.1) * 3e6) - 1)).toBeLessThan(2 ** -22);
  });

  it('NaN and infinity pass', () => {
    const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
    for (const count of [3, 40, 1000]) {
      const values = new Array<number>(count).fill(1);
      const one = (at: number, value: number): Job => ({ values: values.with(at, value), shape: [count], axes: [0] });
      for (const at of [0, 1, count - 1])
        for (const reduction of ['sum', 'max', 'min', 'mean', 'prod'] as const) {
          expect(run(kernels, reduction, one(at, nan), 'float32', 'float32')).toEqual([nan]);
          expect(run(kernels, reduction, one(at, infinity), 'float32', 'float32')).toEqual([
            reduction === 'min' ? 1 : infinity,
          ]);
        }
    }
  });

  it.each(['argMax', 'argMin'] as const)('%s is the first of equals', (reduction) => {
    for (const [shape, axis] of [
      [[1], 0],
      [[17], 0],
      [[1000], 0],
      [[9, 10], 1],
      [[3, 40, 21], 1],
      [[5, 33], 0],
      [[64, 1000], 1],
    ] as const)
      for (const type of ['float32', 'bf16', 'int32', 'bool'] as const) {
        const values = type === 'bool' ? integers(size(shape), 1).map((value) => value + 1) : integers(size(shape), 8);
        const [outer, rows, columns] = [size(shape.slice(0, axis)), shape[axis]!, size(shape.slice(axis + 1))];
        const expected = Array.from({ length: outer * columns }, (_, i) => {
          const at = (row: number): number => values[(Math.floor(i / columns) * rows + row) * columns + (i % columns)]!;
          let best = 0;
          for (let row = 1; row < rows; row++)
            if (reduction === 'argMax' ? at(row) > at(best) : at(row) < at(best)) best = row;
          return best;
        });
        const [x, y] = [
          putElements(kernels, values, type),
          putElements(
            kernels,
            expected.map(() => 0),
            'int32',
          ),
        ];
        argReduce(kernels, reduction, { shape, axis }, { x, y: y.block });
        expect([...getElements(kernels, y, expected.length)]).toEqual(expected);
        for (const { block } of [x, y]) kernels.memory.release(block);
      }
  });

  it('argMax passes over NaN, but for the first value', () => {
    for (const [values, place] of [
      [[1, Number.NaN, 3], 2],
      [[Number.NaN, 5, 3], 0],
    ] as const) {
      const [x, y] = [putElements(kernels, values, 'float32'), putElements(kernels, [9], 'int32')];
      argReduce(kernels, 'argMax', { shape: [3], axis: 0 }, { x, y: y.block });
      expect([...getElements(kernels, y, 1)]).toEqual([place]);
      for (const { block } of [x, y]) kernels.memory.release(block);
    }
  });
});
