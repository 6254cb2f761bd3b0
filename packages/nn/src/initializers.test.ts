import { random } from '@imgcls/random';
import { describe, expect, test } from 'vitest';
import {
  constant,
  dirac,
  type Initializer,
  initialize,
  kaimingNormal,
  kaimingUniform,
  normal,
  uniform,
  xavierNormal,
  xavierUniform,
} from './initializers.ts';

const CONV = [3, 3, 16, 64]; // fan in 144, fan out 576
const LINEAR = [64, 200]; // fan in 64, fan out 200

const draw = (initializer: Initializer, shape: readonly number[]) => initializer(shape, random(1));

function moments(values: Float32Array) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const std = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  return { mean, std, largest: values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) };
}

describe.each<{ name: string; initializer: Initializer; shape: number[]; std: number; bound?: number }>([
  { name: 'uniform(0.3)', initializer: uniform(0.3), shape: [10_000], std: 0.3 / Math.sqrt(3), bound: 0.3 },
  { name: 'normal(0.3)', initializer: normal(0.3), shape: [10_000], std: 0.3 },
  { name: 'kaimingNormal()', initializer: kaimingNormal(), shape: CONV, std: Math.sqrt(2 / 144) },
  { name: 'kaimingNormal() of a linear layer', initializer: kaimingNormal(), shape: LINEAR, std: Math.sqrt(2 / 64) },
  {
    name: 'kaimingNormal(fanOut)',
    initializer: kaimingNormal({ mode: 'fanOut' }),
    shape: CONV,
    std: Math.sqrt(2 / 576),
  },
  {
    name: 'kaimingUniform()',
    initializer: kaimingUniform(),
    shape: CONV,
    std: Math.sqrt(2 / 144),
    bound: Math.sqrt(6 / 144),
  },
  {
    name: 'kaimingUniform(√5), PyTorch’s default',
    initializer: kaimingUniform({ negativeSlope: Math.sqrt(5) }),
    shape: CONV,
    std: 1 / Math.sqrt(3 * 144),
    bound: 1 / 12,
  },
  { name: 'xavierNormal()', initializer: xavierNormal(), shape: LINEAR, std: Math.sqrt(2 / 264) },
  {
    name: 'xavierUniform()',
    initializer: xavierUniform(),
    shape: CONV,
    std: Math.sqrt(2 / 720),
    bound: Math.sqrt(6 / 720),
  },
])('$name', ({ initializer, shape, std, bound }) => {
  const values = draw(initializer, shape);
  const got = moments(values);

  test('has as many values as the shape', () => {
    expect(values.length).toBe(shape.reduce((size, n) => size * n, 1));
  });

  test('has mean 0 and the standard deviation of its formula', () => {
    expect(Math.abs(got.mean)).toBeLessThan((4 * std) / Math.sqrt(values.length)); // four standard errors
    expect(Math.abs(got.std / std - 1)).toBeLessThan(0.03);
  });

  test('reaches its bound and no further', () => {
    if (bound === undefined)
      expect(got.largest).toBeGreaterThan(3 * std); // normal: no bound
    else {
      expect(got.largest).toBeLessThanOrEqual(Math.fround(bound));
      expect(got.largest).toBeGreaterThan(bound * 0.99);
    }
  });

  test('draws the same from the same stream', () => {
    expect(draw(initializer, shape)).toEqual(values);
  });
});

test('constant() is the same everywhere', () => {
  expect(draw(constant(0.5), [2, 2])).toEqual(new Float32Array([0.5, 0.5, 0.5, 0.5]));
});

describe('dirac()', () => {
  test('is 1 at the centre from each channel to itself, else 0', () => {
    const values = draw(dirac(), [3, 3, 2, 3]);
    const ones = [...values.entries()].filter(([, value]) => value !== 0);
    const at = (tap: number, i: number, o: number) => (tap * 2 + i) * 3 + o;
    expect(ones).toEqual([
      [at(4, 0, 0), 1],
      [at(4, 1, 1), 1],
    ]);
  });

  test('leaves the output channels beyond the input to another initialiser', () => {
    const values = draw(dirac(constant(7)), [1, 1, 2, 4]); // [in, out]
    expect(Array.from(values)).toEqual([1, 0, 7, 7, 0, 1, 7, 7]);
  });

  test('passes through what it can when there are fewer output channels', () => {
    expect(Array.from(draw(dirac(), [1, 1, 3, 2]))).toEqual([1, 0, 0, 1, 0, 0]);
  });

  test('refuses shapes that are no convolution', () => {
    expect(() => draw(dirac(), [2, 2])).toThrow(new RangeError('dirac: needs the shape of a convolution, got [2,2]'));
  });
});

test('initialisers that need fans refuse other shapes', () => {
  expect(() => draw(kaimingNormal(), [8])).toThrow(
    new RangeError('initializer: needs the shape of a linear layer or a convolution, got [8]'),
  );
});

test('initialize() says what to do when there is no backend yet', () => {
  expect(() => initialize([2], constant(0))).toThrow('no backend is in use yet');
});
