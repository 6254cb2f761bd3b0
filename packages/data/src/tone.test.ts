import { random } from '@imgcls/random';
import { describe, expect, it } from 'vitest';
import type { Image } from './image.ts';
import {
  autocontrast,
  equalize,
  invert,
  posterize,
  randomAutocontrast,
  randomEqualize,
  randomInvert,
  randomPosterize,
  randomSolarize,
  solarize,
} from './tone.ts';

const image: Image = { data: Uint8Array.of(10, 100, 200, 60), height: 2, width: 2, channels: 1 };
const values = ({ data }: Image) => Array.from(data);

describe('tones', () => {
  it('are those computed by hand', () => {
    expect(values(invert(image))).toEqual([245, 155, 55, 195]);
    expect(values(posterize(image, 2))).toEqual([0, 64, 192, 0]);
    expect(values(solarize(image, 100))).toEqual([10, 155, 55, 60]);
    expect(values(autocontrast(image))).toEqual([0, 120, 255, 67]);
  });

  it('equalize() makes levels about as frequent', () => {
    const slope: Image = {
      data: Uint8Array.from({ length: 1024 }, (_, i) => i >> 4),
      height: 32,
      width: 32,
      channels: 1,
    };
    const levels = values(equalize(slope));
    expect([levels[0], levels.at(-1)]).toEqual([0, 255]);
    expect(levels[512]).toBeGreaterThan(120);
  });

  it('refuse bits that are none', () => {
    expect(() => posterize(image, 9)).toThrow(new RangeError('posterize: bits must be an integer of 0 to 8, got 9'));
  });

  it('happen to about as many images as they should', () => {
    for (const transform of [randomInvert(), randomPosterize(1), randomSolarize(50), randomAutocontrast()]) {
      const changed = Array.from({ length: 400 }, (_, i) => transform(image, random(i))).filter(
        (result) => result !== image,
      );
      expect(Math.abs(changed.length - 200)).toBeLessThan(40);
    }
    expect(randomEqualize({ probability: 0 })(image, random(0))).toBe(image);
  });
});
