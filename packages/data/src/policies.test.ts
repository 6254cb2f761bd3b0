import { random } from '@imgcls/random';
import { describe, expect, it } from 'vitest';
import type { Image } from './image.ts';
import { augMix, autoAugment, dirichlet, randAugment, trivialAugmentWide } from './policies.ts';

const image: Image = {
  data: Uint8Array.from({ length: 12 * 10 * 3 }, (_, i) => (i * 7) % 256),
  height: 12,
  width: 10,
  channels: 3,
};

describe.each([
  ['randAugment', randAugment()],
  ['trivialAugmentWide', trivialAugmentWide()],
  ['autoAugment', autoAugment('cifar10')],
  ['augMix', augMix()],
] as const)('%s()', (_, transform) => {
  it('is the same for the same random numbers, keeps the size, and changes most images', () => {
    const results = Array.from({ length: 30 }, (_, i) => transform(image, random(i)));
    expect(results).toEqual(Array.from({ length: 30 }, (_, i) => transform(image, random(i))));
    for (const { height, width, channels } of results) expect([height, width, channels]).toEqual([12, 10, 3]);
    expect(results.filter(({ data }) => data.some((value, i) => value !== image.data[i])).length).toBeGreaterThan(10);
  });

  it('takes gray images', () => {
    const gray: Image = { data: image.data.slice(0, 120), height: 12, width: 10, channels: 1 };
    for (let i = 0; i < 30; i++) expect(transform(gray, random(i)).data.length).toBe(120);
  });
});

describe('augMix()', () => {
  it('of a flat image and operations on its tones mixes between them', () => {
    const flat: Image = { data: new Uint8Array(27).fill(128), height: 3, width: 3, channels: 3 };
    const { data } = augMix({ severity: 1, mixtureWidth: 1, chainDepth: 1 })(flat, random(2));
    expect(Math.max(...data)).toBeLessThanOrEqual(128);
  });

  it('refuses options out of range', () => {
    expect(() => augMix({ severity: 11 })).toThrow(
      new RangeError('augMix: severity must be an integer of 1 to 10, got 11'),
    );
  });
});

describe('randAugment(), autoAugment()', () => {
  it('refuse what there is not', () => {
    expect(() => randAugment({ magnitude: 31 })).toThrow(
      new RangeError('randAugment: magnitude must be an integer of 0 to 30, got 31'),
    );
    expect(() => autoAugment('coco' as 'svhn')).toThrow(
      new RangeError(`autoAugment: policy must be 'imagenet', 'cifar10' or 'svhn', got "coco"`),
    );
  });
});

describe('dirichlet()', () => {
  it('gives shares that add up to 1, with the mean and variance of the distribution', () => {
    const draws = Array.from({ length: 4000 }, (_, i) => dirichlet(3, 0.5, random(i)));
    for (const shares of draws) expect(shares.reduce((a, b) => a + b)).toBeCloseTo(1);
    const first = draws.map(([share]) => share!);
    const mean = first.reduce((a, b) => a + b) / first.length;
    expect(mean).toBeCloseTo(1 / 3, 1);
    const variance = first.reduce((sum, share) => sum + (share - mean) ** 2, 0) / first.length;
    expect(variance).toBeCloseTo(((1 / 3) * (2 / 3)) / 2.5, 2);
  });
});
