import { random } from '@imgcls/random';
import { describe, expect, it } from 'vitest';
import { randomErasing } from './erasing.ts';
import type { Image } from './image.ts';

const white: Image = { data: new Uint8Array(20 * 20 * 3).fill(255), height: 20, width: 20, channels: 3 };

describe('randomErasing()', () => {
  it('paints a rectangle of the area it may, in the colour that is given', () => {
    for (let seed = 0; seed < 30; seed++) {
      const { data } = randomErasing({ probability: 1, scale: [0.25, 0.25], ratio: [1, 1], value: [1, 2, 3] })(
        white,
        random(seed),
      );
      const painted = [1, 2, 3].map((level) => data.filter((value) => value === level).length);
      expect(painted).toEqual([100, 100, 100]);
      const first = data.indexOf(1);
      expect(Array.from(data.slice(first, first + 30))).toEqual(Array.from({ length: 10 }, () => [1, 2, 3]).flat());
    }
  });

  it('leaves the image where no draw fits, and the given image as it is', () => {
    expect(randomErasing({ probability: 1, scale: [1, 1] })(white, random(0))).toBe(white);
    expect(white.data.every((value) => value === 255)).toBe(true);
  });

  it('paints noise', () => {
    const { data } = randomErasing({ probability: 1, value: 'random' })(white, random(1));
    expect(new Set(data).size).toBeGreaterThan(10);
  });

  it('refuses ranges and colours that are none', () => {
    expect(() => randomErasing({ ratio: [0, 1] })).toThrow(
      new RangeError(
        'randomErasing: scale must be in [0, 1], ratio > 0, both in order, got {"scale":[0.02,0.33],"ratio":[0,1]}',
      ),
    );
    expect(() => randomErasing({ value: [1, 2] })).toThrow(RangeError);
  });
});
