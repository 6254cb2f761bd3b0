import { random } from '@imgcls/random';
import { describe, expect, it } from 'vitest';
import type { Image } from './image.ts';
import { type Corners, elasticTransform, perspective, randomPerspective } from './perspective.ts';

const image: Image = { data: Uint8Array.from({ length: 81 }, (_, i) => i * 3), height: 9, width: 9, channels: 1 };
const corners: Corners = [
  [0, 0],
  [8, 0],
  [8, 8],
  [0, 8],
];

describe('perspective()', () => {
  it('to the same places is the image', () => {
    expect(perspective(image, corners, corners)).toEqual(image);
  });

  it('refuses places on a line', () => {
    const line: Corners = [
      [0, 0],
      [1, 1],
      [2, 2],
      [0, 8],
    ];
    expect(() => perspective(image, corners, line)).toThrow(
      new RangeError('perspective: no three of the four places may lie on a line'),
    );
  });
});

describe('randomPerspective()', () => {
  it('without distortion is the image, with it another', () => {
    expect(randomPerspective({ distortionScale: 0, probability: 1 })(image, random(0))).toEqual(image);
    expect(randomPerspective({ probability: 1 })(image, random(0))).not.toEqual(image);
    expect(randomPerspective({ probability: 0 })(image, random(0))).toBe(image);
  });

  it('refuses a distortion beyond 1', () => {
    expect(() => randomPerspective({ distortionScale: 1.5 })).toThrow(
      new RangeError('randomPerspective: distortionScale must be in [0, 1], got 1.5'),
    );
  });
});

describe('elasticTransform()', () => {
  it('without strength is the image', () => {
    expect(elasticTransform({ alpha: 0 })(image, random(0))).toEqual(image);
  });

  it('moves pixels by at most half its strength', () => {
    const slope: Image = {
      data: Uint8Array.from({ length: 400 }, (_, i) => 10 * (i % 20)),
      height: 20,
      width: 20,
      channels: 1,
    };
    const { data } = elasticTransform({ alpha: 4, sigma: 0, fill: 'edge' })(slope, random(1));
    const moves = Array.from(data, (value, i) => Math.abs(value - slope.data[i]!));
    expect(Math.max(...moves)).toBeLessThanOrEqual(20);
    expect(Math.max(...moves)).toBeGreaterThan(10);
  });

  it('is smoother with a larger sigma', () => {
    const slope: Image = {
      data: Uint8Array.from({ length: 400 }, (_, i) => 10 * (i % 20)),
      height: 20,
      width: 20,
      channels: 1,
    };
    const roughness = (sigma: number) => {
      const { data } = elasticTransform({ alpha: 20, sigma, fill: 'edge' })(slope, random(1));
      return data.reduce((sum, value, i) => sum + (i >= 20 ? Math.abs(value - data[i - 20]!) : 0), 0);
    };
    expect(roughness(4)).toBeLessThan(roughness(1) / 2);
  });

  it('refuses negative options', () => {
    expect(() => elasticTransform({ sigma: -1 })).toThrow(
      new RangeError('elasticTransform: alpha and sigma must be >= 0, got {"alpha":50,"sigma":-1}'),
    );
  });
});
