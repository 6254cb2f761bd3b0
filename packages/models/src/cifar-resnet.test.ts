import { loadStateDict, namedState, stateDict, summary } from '@imgcls/nn';
import { useBackend } from '@imgcls/tensor';
import { tensor4d } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { cifarResnet, padShortcut } from './cifar-resnet.ts';

beforeAll(() => useBackend('cpu'));

describe('cifarResnet()', () => {
  test.each([
    [20, 19],
    [32, 31],
    [110, 109],
  ])('of depth %i has %i convolutions and a linear layer', (depth, convolutions) => {
    const state = namedState(cifarResnet({ depth }));
    const layouts = Object.values(state).map(({ layout }) => layout);
    expect(layouts.filter((layout) => layout === 'conv').length).toBe(convolutions);
    expect(layouts.filter((layout) => layout === 'linear').length).toBe(1);
  });

  test('halves the image and doubles the channels twice', () => {
    const { rows } = summary(cifarResnet(), [32, 32, 3]);
    const ends = rows.filter(({ path }) => /^layer\d\.2\.bn2$/.test(path)).map(({ outputShape }) => outputShape);
    expect(ends).toEqual([
      [32, 32, 16],
      [16, 16, 32],
      [8, 8, 64],
    ]);
  });

  test('with option B adds a convolution and a normalisation to the two blocks that change shape', () => {
    const names = Object.keys(namedState(cifarResnet({ shortcut: 'B' }))).filter((name) => name.includes('shortcut'));
    expect(names.filter((name) => name.endsWith('weight'))).toEqual([
      'layer2.0.shortcut.0.weight',
      'layer2.0.shortcut.1.weight',
      'layer3.0.shortcut.0.weight',
      'layer3.0.shortcut.1.weight',
    ]);
  });

  test('loads a state dict without num_batches_tracked, as its published checkpoints are', async () => {
    const dict = await stateDict(cifarResnet({ depth: 8 }));
    for (const name of dict.keys()) if (name.endsWith('num_batches_tracked')) dict.delete(name);
    expect(loadStateDict(cifarResnet({ depth: 8 }), dict).missing).toEqual([]);
  });

  test.each([2, 18, 21, 20.5])('refuses the depth %s', (depth) => {
    expect(() => cifarResnet({ depth })).toThrow(
      new RangeError(`cifarResnet: depth must be 6n + 2 (20, 32, 44, 56, …), got ${depth}`),
    );
  });

  test('refuses other shortcuts', () => {
    expect(() => cifarResnet({ shortcut: 'C' as 'A' })).toThrow(
      new RangeError(`cifarResnet: shortcut must be 'A' or 'B', got "C"`),
    );
  });
});

test('padShortcut() takes every second pixel and puts half of the new channels before the old', () => {
  const x = tensor4d([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 3, 1]);
  const y = padShortcut(1, 4, 2)(x);
  expect(y.shape).toEqual([1, 2, 2, 4]);
  expect(Array.from(y.dataSync())).toEqual([0, 1, 0, 0, 0, 3, 0, 0, 0, 7, 0, 0, 0, 9, 0, 0]);
});
