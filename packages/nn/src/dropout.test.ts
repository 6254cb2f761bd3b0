import { random } from '@imgcls/random';
import { useBackend } from '@imgcls/tensor';
import { ones } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { dropout, stochasticDepth } from './dropout.ts';
import { training } from './scope.ts';
import { sequential } from './sequential.ts';

beforeAll(() => useBackend('cpu'));

describe('dropout()', () => {
  test('does nothing in evaluation', () => {
    const x = ones([8]);
    expect(dropout(0.5)(x)).toBe(x);
  });

  test('drops its share in training and keeps the mean', () => {
    const values = Array.from(training(random(1), () => dropout(0.25)(ones([10_000]))).dataSync());
    expect(new Set(values)).toEqual(new Set([0, Math.fround(4 / 3)]));
    const dropped = values.filter((value) => value === 0).length / values.length;
    expect(Math.abs(dropped - 0.25)).toBeLessThan(4 * Math.sqrt((0.25 * 0.75) / 10_000)); // four standard deviations
  });

  test('drops the same for the same seed, and differently in each layer', () => {
    const run = (seed: number) => Array.from(training(random(seed), () => dropout(0.5)(ones([64]))).dataSync());
    expect(run(1)).toEqual(run(1));
    expect(run(1)).not.toEqual(run(2));
    const twice = training(random(1), () => sequential(dropout(0.5), dropout(0.5))(ones([1000]))).dataSync();
    expect(twice.filter((value) => value > 0).length).toBeLessThan(400); // a quarter of them, were they the same a half
  });

  test.each([-0.1, 1, Number.NaN])('refuses the rate %s', (rate) => {
    expect(() => dropout(rate)).toThrow(new RangeError(`dropout: rate must be in [0, 1), got ${rate}`));
  });
});

describe('stochasticDepth()', () => {
  test('does nothing in evaluation, nor at rate 0', () => {
    const x = ones([8, 2]);
    expect(stochasticDepth(0.5)(x)).toBe(x);
    expect(training(random(1), () => stochasticDepth(0)(x))).toBe(x);
  });

  test('drops whole examples in training and keeps the mean', () => {
    const rows = training(random(1), () => stochasticDepth(0.2)(ones([4000, 1, 3]))).arraySync() as number[][][];
    expect(new Set(rows.map((row) => row.join()))).toEqual(new Set(['0,0,0', '1.25,1.25,1.25']));
    const dropped = rows.filter((row) => row[0]![0] === 0).length / rows.length;
    expect(Math.abs(dropped - 0.2)).toBeLessThan(4 * Math.sqrt((0.2 * 0.8) / 4000)); // four standard deviations
  });

  test.each([-0.1, 1])('refuses the rate %s', (rate) => {
    expect(() => stochasticDepth(rate)).toThrow(new RangeError(`stochasticDepth: rate must be in [0, 1), got ${rate}`));
  });
});
