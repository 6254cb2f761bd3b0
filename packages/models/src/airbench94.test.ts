import { namedState, stateDict } from '@imgcls/nn';
import { random } from '@imgcls/random';
import { crossEntropy, tidy, useBackend } from '@imgcls/tensor';
import { conv2d, randomNormal, type Tensor4D, tensor1d, tensor4d } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { airbench94 } from './airbench94.ts';
import { createModel } from './catalogue.ts';
import { symmetricEigen, whiteningFilters } from './whitening.ts';

beforeAll(() => useBackend('wasm'));

describe('airbench94()', () => {
  test('starts each convolution as the identity on the channels of its input', async () => {
    const dict = await stateDict(createModel('airbench94', { channels: [32, 32, 40] }));
    const at = (name: string, inputs: number, out: number, input: number, tap: number) =>
      (dict.get(name)!.data as Float32Array)[(out * inputs + input) * 9 + tap]!;
    for (const out of [0, 7, 23])
      for (const input of [0, 7, 23])
        for (const tap of [0, 4, 8])
          expect(at('group1.conv1.weight', 24, out, input, tap)).toBe(out === input && tap === 4 ? 1 : 0);
    const drawn = Array.from({ length: 24 * 9 }, (_, i) => Math.abs(at('group1.conv1.weight', 24, 30, 0, i)));
    expect(Math.max(...drawn)).toBeLessThanOrEqual(1 / Math.sqrt(24 * 9));
    expect(Math.min(...drawn)).toBeGreaterThan(0);
    expect(Array.from(dict.get('whiten.bias')!.data as Float32Array)).toEqual(new Array(24).fill(0));
  });

  test('begins near the loss of guessing', async () => {
    const model = createModel('airbench94', { seed: 1 });
    const images = randomNormal([16, 32, 32, 3], 0, 1, 'float32', 1) as Tensor4D;
    namedState(model)['whiten.weight']!.variable.assign(await whiteningFilters(images));
    const labels = tensor1d(
      Array.from({ length: 16 }, (_, i) => i % 10),
      'int32',
    );
    const loss = tidy(() => crossEntropy(model(images), labels).dataSync()[0]!);
    expect(Math.abs(loss - Math.log(10))).toBeLessThan(0.15);
  });

  test('takes images of other sizes', () => {
    expect(airbench94({ channels: [8, 8, 8] })(tensor4d(new Float32Array(9 * 41 * 3), [1, 9, 41, 3])).shape).toEqual([
      1, 10,
    ]);
  });
});

describe('whiteningFilters()', () => {
  /** Noise whose neighbouring pixels and channels are correlated. */
  const images = (): Tensor4D => {
    const source = random(1);
    const values = new Float32Array(20 * 12 * 12 * 3);
    for (let i = 0; i < values.length; i++)
      values[i] = 0.7 * (values[i - 1] ?? 0) + 0.5 * (values[i - 3] ?? 0) * 0.5 + source.normal();
    return tensor4d(values, [20, 12, 12, 3]);
  };

  test('has outputs that are uncorrelated with mean square 1', async () => {
    const x = images();
    const filters = await whiteningFilters(x, { epsilon: 0 });
    expect(filters.shape).toEqual([2, 2, 3, 24]);
    const outputs = Array.from(conv2d(x, filters, 1, 'valid').dataSync());
    const n = outputs.length / 24;
    for (let i = 0; i < 12; i++)
      for (let j = 0; j <= i; j++) {
        let sum = 0;
        for (let k = 0; k < n; k++) sum += outputs[k * 24 + i]! * outputs[k * 24 + j]!;
        expect(sum / n).toBeCloseTo(i === j ? 1 : 0, 3);
      }
  });

  test('has each filter twice, with both signs, and the strongest direction first', async () => {
    const filters = Array.from((await whiteningFilters(images())).dataSync());
    const length = (o: number) => Math.hypot(...filters.filter((_, i) => i % 24 === o));
    for (let tap = 0; tap < 12; tap++)
      for (let i = 0; i < 12; i++) expect(filters[tap * 24 + 12 + i]).toBe(-filters[tap * 24 + i]!);
    for (let i = 1; i < 12; i++) expect(length(i)).toBeGreaterThan(length(i - 1)); // 1/√eigenvalue grows
  });

  test('bounds the filters of directions without variation by epsilon', async () => {
    const flat = tensor4d(new Float32Array(2 * 4 * 4).fill(0.5), [2, 4, 4, 1]);
    const filters = Array.from((await whiteningFilters(flat, { epsilon: 0.01 })).dataSync());
    const lengths = [0, 1, 2, 3].map((o) => Math.hypot(...filters.filter((_, i) => i % 8 === o)));
    expect(lengths[0]).toBeCloseTo(1 / Math.sqrt(1 + 0.01), 5); // the mean: 4 · 0.5² = 1
    for (const length of lengths.slice(1)) expect(length).toBeCloseTo(10, 5);
  });
});

describe('symmetricEigen()', () => {
  test('has the eigenvalues of a matrix whose own are known', () => {
    const [first, second, third] = symmetricEigen([
      [2, -1, 0],
      [-1, 2, -1],
      [0, -1, 2],
    ]);
    expect(first!.value).toBeCloseTo(2 + Math.SQRT2, 12);
    expect(second!.value).toBeCloseTo(2, 12);
    expect(third!.value).toBeCloseTo(2 - Math.SQRT2, 12);
  });

  test('has orthonormal vectors that make up the matrix again', () => {
    const source = random(2);
    const n = 12;
    const drawn = Array.from({ length: n }, () => Array.from({ length: n }, () => source.normal()));
    const matrix = drawn.map((row, i) => row.map((value, j) => value + drawn[j]![i]!));
    const eigen = symmetricEigen(matrix);
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        const dot = eigen[i]!.vector.reduce((sum, value, k) => sum + value * eigen[j]!.vector[k]!, 0);
        expect(dot).toBeCloseTo(i === j ? 1 : 0, 10);
        const entry = eigen.reduce((sum, { value, vector }) => sum + value * vector[i]! * vector[j]!, 0);
        expect(entry).toBeCloseTo(matrix[i]![j]!, 10);
      }
  });
});
