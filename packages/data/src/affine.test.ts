import { random } from '@imgcls/random';
import { describe, expect, it } from 'vitest';
import { affine, randomAffine, randomRotation, rotate } from './affine.ts';
import type { Image } from './image.ts';

const image: Image = { data: Uint8Array.of(10, 20, 30, 40, 50, 60, 70, 80, 90), height: 3, width: 3, channels: 1 };
const bilinear = { interpolation: 'bilinear' } as const;

describe('affine(), rotate()', () => {
  it('without a change are the image', () => {
    expect(affine(image, {})).toEqual(image);
    expect(affine(image, {}, bilinear)).toEqual(image);
  });

  it('turn clockwise, and against the clock', () => {
    const turned = Uint8Array.of(70, 40, 10, 80, 50, 20, 90, 60, 30);
    expect(affine(image, { degrees: 90 }).data).toEqual(turned);
    expect(rotate(image, -90, bilinear).data).toEqual(turned);
  });

  it.each([
    [0, [0, 0, 0, 0, 10, 20, 0, 40, 50]],
    [99, [99, 99, 99, 99, 10, 20, 99, 40, 50]],
    ['edge', [10, 10, 20, 10, 10, 20, 40, 40, 50]],
    ['reflect', [50, 40, 50, 20, 10, 20, 50, 40, 50]],
    ['symmetric', [10, 10, 20, 10, 10, 20, 40, 40, 50]],
  ] as const)('shift, and fill with %s', (fill, expected) => {
    for (const interpolation of ['nearest', 'bilinear'] as const)
      expect(Array.from(affine(image, { translate: [1, 1] }, { interpolation, fill }).data)).toEqual(expected);
  });

  it('lie between pixels', () => {
    expect(affine(image, { translate: [0.25, 0] }, bilinear).data).toEqual(
      Uint8Array.of(10, 18, 28, 40, 48, 58, 70, 78, 88),
    );
  });

  it('scale about the centre, each channel alone', () => {
    const colour: Image = {
      data: Uint8Array.of(0, 1, 2, 100, 101, 102, 200, 201, 202),
      height: 1,
      width: 3,
      channels: 3,
    };
    const twice = affine(colour, { scale: 2 }, { ...bilinear, fill: 'edge' });
    expect(twice.data).toEqual(Uint8Array.of(50, 51, 52, 100, 101, 102, 150, 151, 152));
  });

  it('shear about the centre', () => {
    expect(affine(image, { shear: [-45, 0] }).data).toEqual(Uint8Array.of(20, 30, 0, 40, 50, 60, 0, 70, 80));
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
      const { data } = randomAffine({ degrees: 90, translate: 0.2, scale: [1, 2], ...bilinear })(dot, random(i));
      const brightest = data.indexOf(Math.max(...data));
      return [Math.floor(brightest / 9), brightest % 9];
    });
    const rows = places.map(([row]) => row!);
    expect([Math.min(...rows), Math.max(...rows)]).toEqual([2, 6]);
  });

  it('is the same for the same random numbers', () => {
    const transform = randomAffine({ degrees: 20, translate: 0.1, scale: [0.9, 1.1], ...bilinear });
    expect(transform(image, random(4))).toEqual(transform(image, random(4)));
    expect(transform(image, random(4))).not.toEqual(transform(image, random(5)));
  });

  it.each([
    { degrees: -1 },
    { translate: -0.1 },
    { translate: 1.5 },
    { scale: [0, 1] as const },
    { scale: [1.1, 1] as const },
  ])('refuses %j', (options) => {
    const all = JSON.stringify({ degrees: 0, translate: 0, scale: [1, 1], shear: 0, ...options });
    expect(() => randomAffine(options)).toThrow(
      new RangeError(`randomAffine: translate must be in [0, 1], scale > 0, and ranges in order, got ${all}`),
    );
  });

  it('refuses another interpolation', () => {
    expect(() => randomAffine({ interpolation: 'cubic' as 'nearest' })).toThrow(
      new RangeError(`randomAffine: interpolation must be 'nearest' or 'bilinear', got "cubic"`),
    );
  });
});

describe('randomRotation()', () => {
  it('turns between two angles', () => {
    expect(randomRotation([90, 90])(image, random(0))).toEqual(rotate(image, 90));
    expect(() => randomRotation(-1)).toThrow(
      new RangeError('randomRotation: degrees must be >= 0, or two in order, got -1'),
    );
  });
});
