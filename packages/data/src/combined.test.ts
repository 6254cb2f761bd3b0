import { random } from '@imgcls/random';
import { describe, expect, it } from 'vitest';
import { adjustBrightness, adjustContrast, adjustHue, adjustSaturation, colorJitter } from './color.ts';
import { randomApply, randomChoice, randomOrder } from './combined.ts';
import { horizontalFlip } from './crop.ts';
import { descriptionOf } from './description.ts';
import { realized } from './from-module.ts';
import type { Image } from './image.ts';
import type { Transform } from './loader.ts';
import { randomChannelPermutation, randomPhotometricDistort } from './photometric.ts';

const draw = random(7);
const image: Image = {
  data: Uint8Array.from({ length: 3 * 6 * 5 }, () => draw.int(256)),
  height: 6,
  width: 5,
  channels: 3,
};
const add =
  (n: number): Transform =>
  (one) => ({ ...one, data: one.data.map((value) => value + n) });
const times =
  (n: number): Transform =>
  (one) => ({ ...one, data: one.data.map((value) => value * n) });
const one: Image = { data: Uint8Array.of(1), height: 1, width: 1, channels: 1 };
const outcomes = (transform: Transform, n = 600): Map<number, number> => {
  const counts = new Map<number, number>();
  for (let i = 0; i < n; i++) {
    const value = transform(one, random(1, i)).data[0]!;
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return counts;
};

describe('randomApply()', () => {
  it('applies all in their order, or none, as often as it is told', () => {
    const counts = outcomes(randomApply([add(1), times(10)], { probability: 0.3 }));
    expect([...counts.keys()].sort()).toEqual([1, 20]);
    expect(counts.get(20)! / 600).toBeCloseTo(0.3, 1);
    expect(outcomes(randomApply([add(1)], { probability: 0 }))).toEqual(new Map([[1, 600]]));
  });

  it('refuses no transforms and no probability', () => {
    expect(() => randomApply([])).toThrow(
      new RangeError('randomApply: there must be at least one transform, got none'),
    );
    expect(() => randomApply([add(1)], { probability: 2 })).toThrow(/^randomApply: probability must be in \[0, 1\]/);
  });
});

describe('randomChoice()', () => {
  it('applies one, by weight', () => {
    const counts = outcomes(randomChoice([add(1), add(2), add(3)], { weights: [1, 0, 3] }));
    expect([...counts.keys()].sort()).toEqual([2, 4]);
    expect(counts.get(4)! / 600).toBeCloseTo(0.75, 1);
    expect([...outcomes(randomChoice([add(1), add(2)])).keys()].sort()).toEqual([2, 3]);
  });

  it.each([[[1]], [[0, 0]], [[1, -1]], [[1, Number.NaN]]])('refuses the weights %o for two', (weights) => {
    expect(() => randomChoice([add(1), add(2)], { weights })).toThrow(/^randomChoice: weights must be 2 numbers >= 0/);
  });
});

describe('randomOrder()', () => {
  it('applies all, in every order', () => {
    expect([...outcomes(randomOrder([add(1), times(10)])).keys()].sort()).toEqual([11, 20]);
  });
});

describe('randomChannelPermutation()', () => {
  it('keeps pixels together, in all six orders', () => {
    const pixel: Image = { data: Uint8Array.of(1, 2, 3), height: 1, width: 1, channels: 3 };
    const seen = new Set<string>();
    for (let i = 0; i < 100; i++) seen.add(randomChannelPermutation()(pixel, random(i)).data.join(''));
    expect([...seen].sort()).toEqual(['123', '132', '213', '231', '312', '321']);
  });
});

describe('randomPhotometricDistort()', () => {
  it('does all that torchvision does, in its order, with numbers drawn in its order', () => {
    const drawn = [0, 0.5, 0, 0.25, 0, 0.75, 0, 1, 0.9, 0]; // each: that it happens, and how much; contrast comes last
    const scripted = { ...random(1), uniform: () => drawn.shift()!, permutation: () => Int32Array.of(2, 0, 1) };
    const changed = randomPhotometricDistort()(image, scripted);
    const light = adjustBrightness(image, 1);
    const expected = adjustContrast(adjustHue(adjustSaturation(light, 1.25), 0.05), 0.75);
    expect(drawn).toEqual([]);
    expect(changed.data).toEqual(expected.data.map((_, i) => expected.data[i - (i % 3) + [2, 0, 1][i % 3]!]!));
  });

  it('leaves images as they are with probability 0', () => {
    expect(randomPhotometricDistort({ probability: 0 })(image, random(1))).toEqual(image);
  });

  it('refuses ranges out of order', () => {
    expect(() => randomPhotometricDistort({ hue: [-0.6, 0] })).toThrow(
      /^randomPhotometricDistort: hue must be in order/,
    );
    expect(() => randomPhotometricDistort({ contrast: [2, 1] })).toThrow(/contrast must be in order .* got 2 and 1$/);
    expect(() => randomPhotometricDistort({ probability: 1.5 })).toThrow(/probability must be in order/);
  });
});

it('transforms made of others cross to workers, unless one of them is a function of nowhere', async () => {
  const nested = randomOrder([
    randomApply([colorJitter({ hue: 0.1 }), randomChannelPermutation()], { probability: 0.8 }),
    randomChoice([horizontalFlip(), randomPhotometricDistort()], { weights: [1, 2] }),
  ]);
  const again = await realized(structuredClone(descriptionOf(nested)!));
  for (let i = 0; i < 20; i++) expect(again(image, random(3, i))).toEqual(nested(image, random(3, i)));
  expect(descriptionOf(randomOrder([horizontalFlip(), add(1)]))).toBeUndefined();
});
