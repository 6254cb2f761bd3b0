import { random } from '@imgcls/random';
import { describe, expect, it } from 'vitest';
import { affine, randomAffine } from './affine.ts';
import type { Image } from './image.ts';

const image: Image = { data: Uint8Array.of(10, 20, 30, 40, 50, 60, 70, 80, 90), height: 3, width: 3, channels: 1 };
const still = { y: 0, x: 0 };

describe('affine()', () => {
  it('without a change is the image', () => {
    expect(affine(image, 0, still, 1, 'zero')).toEqual(image);
  });

  it('turns clockwise', () => {
    expect(affine(image, Math.PI / 2, still, 1, 'edge').data).toEqual(
      Uint8Array.of(70, 40, 10, 80, 50, 20, 90, 60, 30),
    );
  });

  it.each([
    ['zero', [0, 0, 0, 0, 10, 20, 0, 40, 50]],
    ['edge', [10, 10, 20, 10, 10, 20, 40, 40, 50]],
    ['reflect', [50, 40, 50, 20, 10, 20, 50, 40, 50]],
  ] as const)('shifts, and fills with %s', (fill, expected) => {
    expect(Array.from(affine(image, 0, { y: 1, x: 1 }, 1, fill).data)).toEqual(expected);
  });

  it('lies between pixels', () => {
    expect(affine(image, 0, { y: 0, x: 0.25 }, 1, 'zero').data).toEqual(
      Uint8Array.of(8, 18, 28, 30, 48, 58, 53, 78, 88),
    );
  });

  it('scales about the centre, each channel alone', () => {
    const colour: Image = {
      data: Uint8Array.of(0, 1, 2, 100, 101, 102, 200, 201, 202),
      height: 1,
      width: 3,
      channels: 3,
    };
    expect(affine(colour, 0, still, 2, 'edge').data).toEqual(Uint8Array.of(50, 51, 52, 100, 101, 102, 150, 151, 152));
  });
});

describe('randomAffine()', () => {
  it('without ranges is the image', () => {
    expect(randomAffine()(image, random(0))).toEqual(image);
  });

  it('moves as far as it may, and no further', () => {
    const dot: Image = { data: new Uint8Array(81), height: 9, width: 9, channels: 1 };
    dot.data[40] = 255; // the centre: turning and scaling leave it there
    const places = Array.from({ length: 200 }, (_, i) => {
      const { data } = randomAffine({ degrees: 90, translate: 0.2, scale: [1, 2] })(dot, random(i));
      const brightest = data.indexOf(Math.max(...data));
      return [Math.floor(brightest / 9), brightest % 9];
    });
    const rows = places.map(([row]) => row!);
    expect([Math.min(...rows), Math.max(...rows)]).toEqual([2, 6]);
  });

  it('is the same for the same random numbers', () => {
    const transform = randomAffine({ degrees: 20, translate: 0.1, scale: [0.9, 1.1] });
    expect(transform(image, random(4))).toEqual(transform(image, random(4)));
    expect(transform(image, random(4))).not.toEqual(transform(image, random(5)));
  });

  it.each([{ degrees: -1 }, { translate: -0.1 }, { scale: [0, 1] as const }, { scale: [1.1, 1] as const }])(
    'refuses %j',
    (options) => {
      const all = JSON.stringify({ degrees: 0, translate: 0, scale: [1, 1], ...options });
      expect(() => randomAffine(options)).toThrow(
        new RangeError(
          `randomAffine: degrees and translate must be >= 0 and scale [least > 0, most >= least], got ${all}`,
        ),
      );
    },
  );
});
