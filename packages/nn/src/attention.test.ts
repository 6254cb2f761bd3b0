import { memory, tidy, useBackend } from '@imgcls/tensor';
import { randomNormal, reverse, tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { joinHeads, selfAttention, splitHeads } from './attention.ts';
import type { HostTensor } from './host-tensor.ts';
import { seeded } from './scope.ts';
import { loadStateDict, stateShapes } from './state-dict.ts';

beforeAll(() => useBackend('cpu'));

describe('selfAttention()', () => {
  test('has the names and shapes of PyTorch’s MultiheadAttention', () => {
    const layer = selfAttention({ features: 8, heads: 2 });
    expect([...stateShapes(layer)].map(([name, { shape }]) => `${name} ${shape}`)).toEqual([
      'in_proj_weight 24,8',
      'in_proj_bias 24',
      'out_proj.weight 8,8',
      'out_proj.bias 8',
    ]);
  });

  test('computes what PyTorch’s does', () => {
    const layer = selfAttention({ features: 4, heads: 2 });
    const wave = (shape: number[], step: number): HostTensor => {
      const size = shape.reduce((product, length) => product * length, 1);
      return { dtype: 'float32', shape, data: Float32Array.from({ length: size }, (_, i) => Math.sin(i * step)) };
    };
    loadStateDict(
      layer,
      new Map([
        ['in_proj_weight', wave([12, 4], 0.7)],
        ['in_proj_bias', wave([12], 0.3)],
        ['out_proj.weight', wave([4, 4], 1.1)],
        ['out_proj.bias', wave([4], 0.5)],
      ]),
    );
    const x = tensor(
      Float32Array.from({ length: 24 }, (_, i) => Math.cos(i * 0.9)),
      [2, 3, 4],
    );
    const expected = [
      0.982707, -1.272148, 0.935396, 2.691336, 1.584287, -0.681704, -0.02911, 2.693741, 1.102291, -1.210933, 0.778185,
      2.726753, 0.394828, -1.391403, 1.596577, 2.404185, 0.680503, 0.313366, 0.263039, 1.519097, -0.484971, -0.475526,
      1.913418, 1.293558,
    ]; // torch.nn.MultiheadAttention(4, 2, batch_first=True) in float64
    layer(x)
      .dataSync()
      .forEach((value, i) => {
        expect(value).toBeCloseTo(expected[i]!, 5);
      });
  });

  test('does not care for the order of places, and does not leak', () => {
    const layer = seeded(1, () => selfAttention({ features: 6, heads: 3 }));
    const x = randomNormal([1, 5, 6], 0, 1, 'float32', 1);
    const swapped = reverse(x, 1);
    const before = memory().numTensors;
    tidy(() => {
      const [y, z] = [layer(x).arraySync(), layer(swapped).arraySync()] as [number[][][], number[][][]];
      z[0]!.toReversed().forEach((row, i) => {
        row.forEach((value, j) => {
          expect(value).toBeCloseTo(y[0]![i]![j]!, 5);
        });
      });
    });
    expect(memory().numTensors).toBe(before);
  });

  test('refuses features that the heads do not share evenly', () => {
    expect(() => selfAttention({ features: 8, heads: 3 })).toThrow(
      new RangeError('selfAttention: features must be a multiple of heads, got features=8, heads=3'),
    );
  });
});

test('joinHeads() puts together what splitHeads() cuts', () => {
  const x = randomNormal([2, 3, 12], 0, 1, 'float32', 1);
  const { query, key, value } = splitHeads(x, 2);
  expect([query, key, value].map(({ shape }) => shape)).toEqual(Array(3).fill([2, 2, 3, 2]));
  const rows = (x.arraySync() as number[][][]).map((sequence) => sequence.map((row) => row.slice(4, 8)));
  expect(joinHeads(key).arraySync()).toEqual(rows);
});
