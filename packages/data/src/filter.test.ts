import { random } from '@imgcls/random';
import { describe, expect, it } from 'vitest';
import { adjustSharpness, gaussian, gaussianBlur, gaussianNoise, randomAdjustSharpness } from './filter.ts';
import type { Image } from './image.ts';

const dot: Image = { data: Uint8Array.of(0, 0, 0, 0, 130, 0, 0, 0, 0), height: 3, width: 3, channels: 1 };
const gray: Image = { data: new Uint8Array(10_000).fill(128), height: 100, width: 100, channels: 1 };

describe('adjustSharpness()', () => {
  it('is between the smoothed image and beyond itself; edges stay', () => {
    expect(adjustSharpness(dot, 0).data[4]).toBe(50); // 5 of 13 parts
    expect(adjustSharpness(dot, 1)).toEqual(dot);
    expect(adjustSharpness(dot, 2).data[4]).toBe(210);
    expect(randomAdjustSharpness(2, { probability: 1 })(dot, random(0)).data[4]).toBe(210);
  });
});

describe('gaussianBlur()', () => {
  it('spreads a dot by the Gaussian', () => {
    const [side, middle] = gaussian(3, 1);
    const { data } = gaussianBlur(3, { sigma: 1 })(dot, random(0));
    expect(data[4]).toBe(Math.round(130 * middle! ** 2));
    expect(data[1]).toBe(Math.round(130 * middle! * 2 * side!)); // the mirror image of the dot lies beyond the edge
  });

  it('leaves an even image', () => {
    expect(gaussianBlur(5)(gray, random(1))).toEqual(gray);
  });

  it('refuses even windows and empty ranges', () => {
    expect(() => gaussianBlur(4)).toThrow(new RangeError('gaussianBlur: kernelSize must be odd and >= 1, got 4'));
    expect(() => gaussianBlur(3, { sigma: 0 })).toThrow(
      new RangeError('gaussianBlur: sigma must be > 0, or two such in order, got 0'),
    );
  });
});

describe('gaussianNoise()', () => {
  it('has the mean and deviation that are asked for', () => {
    const { data } = gaussianNoise({ mean: 0.1, sigma: 0.05 })(gray, random(1));
    const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
    const deviation = Math.sqrt(data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length);
    expect(mean).toBeCloseTo(128 + 25.5 - 0.5, 0);
    expect(deviation).toBeCloseTo(12.75, 0);
    expect(() => gaussianNoise({ sigma: -1 })).toThrow(new RangeError('gaussianNoise: sigma must be >= 0, got -1'));
  });
});
