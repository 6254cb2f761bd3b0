import { random } from '@imgcls/random';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  centerCrop,
  fiveCrop,
  horizontalFlip,
  pad,
  randomCrop,
  randomResizedCrop,
  tenCrop,
  verticalFlip,
} from './crop.ts';
import type { Image } from './image.ts';

/** The values 1, 2, 3, … as an image. */
const counted = (height: number, width: number, channels: 1 | 3 = 1): Image => ({
  data: Uint8Array.from({ length: height * width * channels }, (_, i) => i + 1),
  height,
  width,
  channels,
});

describe('centerCrop()', () => {
  it('cuts out the middle, the upper left one of two', () => {
    expect(centerCrop(1, 2)(counted(3, 4)).data).toEqual(Uint8Array.of(6, 7));
    expect(centerCrop(2, 1)(counted(3, 2)).data).toEqual(Uint8Array.of(1, 3));
    expect(centerCrop(1, 1)(counted(3, 3, 3)).data).toEqual(Uint8Array.of(13, 14, 15));
  });

  it('refuses an image that is smaller', () => {
    expect(() => centerCrop(4, 4)(counted(3, 5))).toThrow(
      new RangeError('centerCrop: images must be at least 4x4, got 3x5; resize first'),
    );
  });

  it('refuses sizes that are none', () => {
    expect(() => centerCrop(0, 4)).toThrow(
      new RangeError('centerCrop: height and width must be integers >= 1, got 0 and 4'),
    );
  });
});

describe('randomCrop()', () => {
  it('gives every place in the padded image', () => {
    const crop = randomCrop(1, 1, { padding: 1 });
    const seen = new Set(Array.from({ length: 300 }, (_, i) => crop(counted(2, 2), random(i)).data[0]));
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4]);
  });

  it.each([
    [0, [0, 0, 0, 0, 1, 2, 0, 3, 4]],
    [9, [9, 9, 9, 9, 1, 2, 9, 3, 4]],
    ['edge', [1, 1, 2, 1, 1, 2, 3, 3, 4]],
    ['symmetric', [1, 1, 2, 1, 1, 2, 3, 3, 4]],
    ['reflect', [4, 3, 4, 2, 1, 2, 4, 3, 4]],
  ] as const)('pads with %s', (fill, corner) => {
    const crop = randomCrop(3, 3, { padding: 1, fill });
    const crops = Array.from({ length: 50 }, (_, i) => Array.from(crop(counted(2, 2), random(i)).data));
    expect(crops).toContainEqual([...corner]);
  });

  it('without padding is a part of the image', () => {
    const image = counted(5, 6, 3);
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const { data } = randomCrop(5, 2)(image, random(seed));
        const left = (data[0]! - 1) / 3;
        expect(data[3]).toBe(data[0]! + 3);
        expect([data[6]! - data[0]!, Number.isInteger(left), left <= 4]).toEqual([18, true, true]);
      }),
    );
  });

  it('refuses images that are too small, or that reflection can not fill', () => {
    expect(() => randomCrop(5, 5, { padding: 1 })(counted(2, 4), random(0))).toThrow(
      new RangeError('randomCrop: images must be at least 5x5, padding of 1 included, got 2x4; resize first'),
    );
    expect(() => randomCrop(5, 5, { padding: 2, fill: 'reflect' })(counted(2, 4), random(0))).toThrow(
      new RangeError("randomCrop: to reflect, padding must be less than the image's sides, got 2 for 2x4x1"),
    );
    expect(() => randomCrop(5, 5, { padding: -1 })).toThrow(
      new RangeError('randomCrop: padding must be an integer >= 0, got -1'),
    );
  });
});

describe('flips', () => {
  it('swap left and right, or top and bottom, of whole pixels', () => {
    const image = counted(2, 2, 3);
    expect(horizontalFlip({ probability: 1 })(image, random(0)).data).toEqual(
      Uint8Array.of(4, 5, 6, 1, 2, 3, 10, 11, 12, 7, 8, 9),
    );
    expect(verticalFlip({ probability: 1 })(image, random(0)).data).toEqual(
      Uint8Array.of(7, 8, 9, 10, 11, 12, 1, 2, 3, 4, 5, 6),
    );
  });

  it.each([horizontalFlip, verticalFlip])('twice is the image itself: %o', (flip) => {
    const image = counted(3, 5, 3);
    const flipped = flip({ probability: 1 });
    expect(flipped(flipped(image, random(0)), random(1))).toEqual(image);
    expect(flip({ probability: 0 })(image, random(0))).toBe(image);
  });

  it('happen half of the time', () => {
    const image = counted(1, 2);
    const flipped = Array.from({ length: 1000 }, (_, i) => horizontalFlip()(image, random(1, i)).data[0] === 2);
    expect(Math.abs(flipped.filter(Boolean).length - 500)).toBeLessThan(60); // almost four standard deviations
  });

  it('refuse a probability that is none', () => {
    expect(() => horizontalFlip({ probability: 1.1 })).toThrow(
      new RangeError('horizontalFlip: probability must be in [0, 1], got 1.1'),
    );
    expect(() => verticalFlip({ probability: -1 })).toThrow(
      new RangeError('verticalFlip: probability must be in [0, 1], got -1'),
    );
  });
});

it.each([centerCrop(2, 2), randomCrop(4, 4, { padding: 1 }), horizontalFlip({ probability: 1 })])(
  '%o changes a copy',
  (transform) => {
    const image = counted(4, 4);
    transform(image, random(0));
    expect(image).toEqual(counted(4, 4));
  },
);

describe('pad()', () => {
  it('adds a colour on the sides that are named', () => {
    expect(pad(counted(1, 1, 3), [1, 0, 0, 0], [7, 8, 9]).data).toEqual(Uint8Array.of(7, 8, 9, 1, 2, 3));
    expect(pad(counted(1, 1), [0, 1], 5)).toEqual({ data: Uint8Array.of(5, 1, 5), height: 3, width: 1, channels: 1 });
  });

  it('refuses what is no side or no fill', () => {
    expect(() => pad(counted(2, 2), -1)).toThrow(new RangeError('pad: sides must be integers >= 0, got -1'));
    expect(() => pad(counted(2, 2), 1, 256)).toThrow(
      new RangeError("pad: fill must be 'edge', 'reflect', 'symmetric', a level 0..255 or three of them, got 256"),
    );
  });
});

describe('fiveCrop(), tenCrop()', () => {
  it('are the corners and the middle, and those of the mirror image', () => {
    const values = (images: Image[]) => images.map(({ data }) => data[0]);
    expect(values(fiveCrop(counted(3, 3), 1, 1))).toEqual([1, 3, 7, 9, 5]);
    expect(values(tenCrop(counted(3, 3), 1, 1))).toEqual([1, 3, 7, 9, 5, 3, 1, 9, 7, 5]);
  });
});

describe('randomResizedCrop()', () => {
  it('of the whole image in its own aspect is the image, resized', () => {
    const crop = randomResizedCrop(4, 6, { scale: [1, 1], ratio: [1.5, 1.5] });
    expect(crop(counted(4, 6), random(3))).toEqual(counted(4, 6));
  });

  it('takes parts of the areas and aspects it may', () => {
    const ramp: Image = { data: new Uint8Array(100 * 100), height: 100, width: 100, channels: 1 };
    for (let i = 0; i < ramp.data.length; i++) ramp.data[i] = i % 100;
    const crop = randomResizedCrop(1, 50, { scale: [0.25, 0.25], ratio: [1, 1] });
    for (let seed = 0; seed < 50; seed++) {
      const { data } = crop(ramp, random(seed));
      expect(data[49]! - data[0]!).toBe(49); // a part that is 50 wide
    }
  });

  it('takes the middle where no draw fits', () => {
    const strip = counted(1, 9);
    const crop = randomResizedCrop(1, 1, { scale: [1, 1], ratio: [1, 1] });
    expect(crop(strip, random(0)).data).toEqual(Uint8Array.of(5));
  });

  it('refuses ranges out of order', () => {
    expect(() => randomResizedCrop(2, 2, { scale: [0.5, 0.2] })).toThrow(
      new RangeError(
        'randomResizedCrop: scale must be in (0, 1], ratio > 0, both in order, got {"scale":[0.5,0.2],"ratio":[0.75,1.3333333333333333]}',
      ),
    );
  });
});
