import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Image } from './image.ts';
import { resize, resizeBox, resizeShorterSide } from './resize.ts';

const row = (...values: number[]): Image => ({
  data: Uint8Array.from(values),
  height: 1,
  width: values.length,
  channels: 1,
});

describe('resize()', () => {
  it('halves by a triangle of four pixels, 1 3 3 1, cut at the edges', () => {
    // Left: (0·3 + 100·3 + 200·1) / 7; right: its mirror.
    expect(resize(1, 2)(row(0, 100, 200, 100)).data).toEqual(Uint8Array.of(71, 143));
  });

  it('doubles by mixing 3 to 1', () => {
    expect(resize(1, 4)(row(0, 100)).data).toEqual(Uint8Array.of(0, 25, 75, 100));
  });

  it('leaves an image of that size as it is', () => {
    const image = row(1, 2, 3);
    expect(resize(1, 3)(image)).toBe(image);
  });

  const sizes = fc.tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 }));

  it('keeps a plain image plain', () => {
    fc.assert(
      fc.property(sizes, sizes, fc.nat(255), ([height, width], [toHeight, toWidth], value) => {
        const plain: Image = { data: new Uint8Array(height * width * 3).fill(value), height, width, channels: 3 };
        expect(resize(toHeight, toWidth)(plain).data.every((v) => v === value)).toBe(true);
      }),
    );
  });

  it('of the mirrored image is the mirrored result', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 30 }), fc.integer({ min: 1, max: 30 }), (values, width) => {
        const mirrored = resize(1, width)(row(...values.toReversed())).data.toReversed();
        const distances = resize(1, width)(row(...values)).data.map((value, i) => Math.abs(value - mirrored[i]!));
        expect(Math.max(...distances)).toBeLessThanOrEqual(1); // halves are rounded up on either side
      }),
    );
  });

  it('changes no channel by another', () => {
    const image: Image = { data: Uint8Array.of(10, 0, 255, 90, 0, 255), height: 1, width: 2, channels: 3 };
    const { data } = resize(1, 3)(image);
    expect([data[1], data[4], data[7]]).toEqual([0, 0, 0]);
    expect([data[2], data[5], data[8]]).toEqual([255, 255, 255]);
  });

  it.each([
    [0, 5],
    [5, 2.5],
    [Number.NaN, 5],
  ])('refuses the size %d x %d', (height, width) => {
    expect(() => resize(height, width)).toThrow(
      new RangeError(`resize: height and width must be integers >= 1, got ${height} and ${width}`),
    );
  });
});

describe('resizeBox()', () => {
  it('of whole pixels at their size is the crop', () => {
    const image: Image = { data: Uint8Array.from({ length: 12 }, (_, i) => i), height: 3, width: 4, channels: 1 };
    expect(resizeBox(image, 2, 2, { top: 1, left: 1, height: 2, width: 2 }).data).toEqual(Uint8Array.of(5, 6, 9, 10));
  });
});

describe('resizeShorterSide()', () => {
  it.each([
    [60, 100, 32, 53], // 53.3, as torchvision rounds it
    [100, 60, 53, 32],
    [7, 7, 32, 32],
  ])('makes of %i x %i %i x %i', (height, width, newHeight, newWidth) => {
    const image = { data: new Uint8Array(height * width).map((_, i) => i), height, width, channels: 1 as const };
    expect(resizeShorterSide(32)(image)).toEqual(resize(newHeight, newWidth)(image));
  });

  it('refuses sizes and filters that there are not', () => {
    expect(() => resizeShorterSide(0)).toThrow(/^resizeShorterSide: /);
    expect(() => resizeShorterSide(8, { interpolation: 'toString' as 'bilinear' })).toThrow(
      /^resizeShorterSide: interpolation must be 'bilinear' or 'bicubic', got "toString"$/,
    );
  });
});
