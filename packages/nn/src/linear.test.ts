import { useBackend } from '@imgcls/tensor';
import { ones, randomNormal, reshape, tensor2d, tensor4d } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import type { HostTensor } from './host-tensor.ts';
import { linear } from './linear.ts';
import { namedParameters } from './module.ts';
import { seeded } from './scope.ts';
import { flatten, identity, sequential } from './sequential.ts';
import { loadStateDict } from './state-dict.ts';

beforeAll(() => useBackend('cpu'));

describe('linear()', () => {
  test('multiplies by the weight, which is [out, in] on disk, and adds the bias', () => {
    const layer = linear({ inFeatures: 3, outFeatures: 2 });
    loadStateDict(
      layer,
      dict({
        weight: [
          [2, 3],
          [1, 2, 3, 10, 20, 30],
        ],
        bias: [[2], [0.5, -0.5]],
      }),
    );
    expect(Array.from(layer(tensor2d([[1, 0, 2]])).dataSync())).toEqual([7.5, 69.5]);
  });

  test('takes each row of features, whatever the axes before', () => {
    const layer = linear({ inFeatures: 3, outFeatures: 2 });
    const rows = randomNormal([8, 3]);
    const y = layer(reshape(rows, [2, 1, 4, 3]));
    expect(y.shape).toEqual([2, 1, 4, 2]);
    expect(y.dataSync()).toEqual(layer(rows).dataSync());
  });

  test('starts uniform in ±1/√inFeatures', () => {
    const layer = seeded(1, () => linear({ inFeatures: 400, outFeatures: 300 }));
    for (const { variable } of [layer.children.weight, layer.children.bias!]) {
      const largest = Math.max(...variable.dataSync().map(Math.abs));
      expect(largest).toBeLessThanOrEqual(Math.fround(1 / 20));
      expect(largest).toBeGreaterThan(0.98 / 20);
    }
  });

  test('refuses other numbers of features, and images', () => {
    const layer = linear({ inFeatures: 3, outFeatures: 2 });
    expect(() => layer(ones([1, 4]))).toThrow(new RangeError('linear: expects 3 features, got [1,4]'));
    expect(() => layer(ones([1, 2, 2, 5]))).toThrow(
      new TypeError('linear: expects features [N, in], got [1,2,2,5]; put flatten() before it'),
    );
    expect(() => layer(ones([3]))).toThrow(TypeError);
    expect(() => linear({ inFeatures: 0, outFeatures: 2 })).toThrow(RangeError);
  });
});

describe('flatten()', () => {
  test('orders features by channel, so that a linear layer behind it has PyTorch’s weights', () => {
    const head = sequential(flatten(), linear({ inFeatures: 12, outFeatures: 2 }));
    const weight = Array.from({ length: 24 }, (_, i) => i / 10 - 1);
    loadStateDict(head, dict({ '1.weight': [[2, 12], weight], '1.bias': [[2], [0.5, -0.5]] }));
    const images = tensor4d(
      Array.from({ length: 12 }, (_, i) => i - 10),
      [1, 2, 3, 2],
    );
    const [first, second] = head(images).dataSync();
    expect(first).toBeCloseTo(33.6, 4); // torch 2: nn.Flatten and nn.Linear on the images as NCHW
    expect(second).toBeCloseTo(-32.2, 4);
  });

  test('leaves rows of features as they are', () => {
    const rows = tensor2d([
      [1, 2],
      [3, 4],
    ]);
    expect(Array.from(flatten()(rows).dataSync())).toEqual([1, 2, 3, 4]);
    expect(flatten()(rows).shape).toEqual([2, 2]);
  });
});

test('sequential() names its modules by number, or as it is told', () => {
  const layer = () => linear({ inFeatures: 2, outFeatures: 2, bias: false });
  expect(Object.keys(namedParameters(sequential(layer(), layer())))).toEqual(['0.weight', '1.weight']);
  expect(Object.keys(namedParameters(sequential({ b: layer(), a: layer() })))).toEqual(['b.weight', 'a.weight']);
});

test('sequential() of nothing, and identity(), give back their input', () => {
  const x = ones([2]);
  expect(sequential()(x)).toBe(x);
  expect(identity()(x)).toBe(x);
});

const dict = (entries: Record<string, [shape: number[], values: number[]]>): Map<string, HostTensor> =>
  new Map(
    Object.entries(entries).map(([name, [shape, values]]) => [
      name,
      { dtype: 'float32', shape, data: new Float32Array(values) },
    ]),
  );
