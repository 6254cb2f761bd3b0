import { memory, useBackend } from '@imgcls/tensor';
import { ones, tensor4d } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { conv2d } from './conv.ts';
import type { HostTensor } from './host-tensor.ts';
import { constant, kaimingNormal } from './initializers.ts';
import { disposeModule, parameterCount } from './module.ts';
import { seeded } from './scope.ts';
import { loadStateDict } from './state-dict.ts';

beforeAll(() => useBackend('cpu'));

describe('conv2d()', () => {
  test('computes what PyTorch does, from its weights: groups, stride and padding', () => {
    const layer = conv2d({ inChannels: 2, outChannels: 4, kernelSize: 3, stride: 2, padding: 1, groups: 2 });
    loadStateDict(
      layer,
      new Map([
        [
          'weight',
          float32(
            [4, 1, 3, 3],
            Array.from({ length: 36 }, (_, i) => i / 10 - 1.5),
          ),
        ],
        ['bias', float32([4], [0, 1, 2, 3])],
      ]),
    );
    const y = layer(
      tensor4d(
        Array.from({ length: 24 }, (_, i) => i - 10),
        [1, 3, 4, 2],
      ),
    );
    const expected = [20.6, 3.6, -9.8, -23.2, 15.8, 6, 1.3, -3.1, -11.8, 0, 14.2, 29.6, -40.6, -7.2, 29.5, 68.3]; // torch 2
    expect(y.shape).toEqual([1, 2, 2, 4]);
    Array.from(y.dataSync()).forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 4);
    });
  });

  test.each([
    { options: { kernelSize: 3 }, shape: [1, 6, 7, 5] },
    { options: { kernelSize: [1, 3] as [number, number], padding: [0, 1] as [number, number] }, shape: [1, 8, 9, 5] },
    {
      options: {
        kernelSize: 2,
        padding: [
          [0, 1],
          [0, 1],
        ] as [[number, number], [number, number]],
      },
      shape: [1, 8, 9, 5],
    },
    { options: { kernelSize: 3, dilation: 2, padding: 2 }, shape: [1, 8, 9, 5] },
    { options: { kernelSize: 3, stride: [2, 3] as [number, number] }, shape: [1, 3, 3, 5] },
  ])('gives $shape for $options', ({ options, shape }) => {
    expect(conv2d({ inChannels: 3, outChannels: 5, ...options })(ones([1, 8, 9, 3])).shape).toEqual(shape);
  });

  test('starts weight and bias uniform in ±1/√fanIn, fan in being that of a group', () => {
    const layer = seeded(1, () => conv2d({ inChannels: 32, outChannels: 256, kernelSize: 3, groups: 2 }));
    for (const { variable } of [layer.children.weight, layer.children.bias!]) {
      const largest = Math.max(...variable.dataSync().map(Math.abs));
      expect(largest).toBeLessThanOrEqual(Math.fround(1 / 12)); // 1/√(16 · 9)
      expect(largest).toBeGreaterThan(0.98 / 12);
    }
  });

  test('starts as it is told', () => {
    const layer = conv2d({ inChannels: 1, outChannels: 2, kernelSize: 1, weight: constant(3), bias: constant(4) });
    expect(Array.from(layer(ones([1, 1, 1, 1])).dataSync())).toEqual([7, 7]);
    const other = conv2d({ inChannels: 1, outChannels: 2, kernelSize: 1, weight: kaimingNormal(), bias: false });
    expect(parameterCount(other)).toBe(2);
  });

  test('refuses images with other channels or axes', () => {
    const layer = conv2d({ inChannels: 3, outChannels: 2, kernelSize: 1 });
    expect(() => layer(ones([2, 32, 32, 1]))).toThrow(new RangeError('conv2d: expects 3 channels, got [2,32,32,1]'));
    expect(() => layer(ones([32, 32, 3]))).toThrow(new TypeError('conv2d: expects images [N, H, W, C], got [32,32,3]'));
  });

  test('refuses impossible options', () => {
    expect(() => conv2d({ inChannels: 30, outChannels: 32, kernelSize: 3, groups: 4 })).toThrow(
      new RangeError('conv2d: inChannels must be divisible by groups, got inChannels=30, groups=4'),
    );
    expect(() => conv2d({ inChannels: 4, outChannels: 30, kernelSize: 3, groups: 4 })).toThrow(
      new RangeError('conv2d: outChannels must be divisible by groups, got outChannels=30, groups=4'),
    );
    expect(() => conv2d({ inChannels: 0, outChannels: 1, kernelSize: 3 })).toThrow(
      new RangeError('conv2d: inChannels must be a whole number of at least 1, got 0'),
    );
    expect(() => conv2d({ inChannels: 1, outChannels: 1, kernelSize: [3, 1.5] })).toThrow(RangeError);
  });

  test('keeps only its parameters', () => {
    const before = memory().numTensors;
    const layer = conv2d({ inChannels: 1, outChannels: 1, kernelSize: 3 });
    expect(memory().numTensors).toBe(before + 2);
    disposeModule(layer);
    expect(memory().numTensors).toBe(before);
  });
});

const float32 = (shape: number[], values: number[]): HostTensor => ({
  dtype: 'float32',
  shape,
  data: new Float32Array(values),
});
