import type { Random } from '@imgcls/random';
import { between } from './chance.ts';
import { described } from './description.ts';
import type { Image } from './image.ts';
import { checkWarp, type Source, type WarpOptions, warp } from './warp.ts';

/** A change of place: turned, scaled and sheared about the centre, then shifted. */
export interface Affine {
  /** Clockwise. Default 0. */
  degrees?: number;
  /** In pixels, right and down. Default `[0, 0]`. */
  translate?: readonly [x: number, y: number];
  /** Default 1. */
  scale?: number;
  /** Angles in degrees by which vertical and horizontal lines lean. Default `[0, 0]`. */
  shear?: readonly [x: number, y: number];
  /** What stays in place, in pixels from the top left corner. Default the middle. */
  center?: readonly [x: number, y: number];
}

/**
 * The image turned, sheared, scaled and shifted, as torchvision's `affine` of a Pillow image.
 *
 * @example
 * ```ts
 * import { affine } from '@imgcls/data';
 *
 * const image = { data: Uint8Array.from([1, 2, 3, 4]), height: 2, width: 2, channels: 1 as const };
 * console.log(affine(image, { degrees: 90 }).data); // => Uint8Array(4) [ 3, 1, 4, 2 ]
 * console.log(affine(image, { translate: [1, 0] }, { fill: 9 }).data); // => Uint8Array(4) [ 9, 1, 9, 3 ]
 * ```
 */
export const affine = (image: Image, change: Affine, options: WarpOptions = {}): Image =>
  warp(
    image,
    affineSource(image, change, (options.interpolation ?? 'nearest') === 'nearest' ? 2 ** 16 : 1e15),
    options,
  );

/** The image turned by so many degrees against the clock. */
export const rotate = (image: Image, degrees: number, options?: WarpOptions): Image =>
  affine(image, { degrees: -degrees }, options);

/**
 * The way back of `T · C · R(degrees) · S(scale) · SHy · SHx · C⁻¹`: T shifts, C moves the centre from the corner, SH shear.
 *
 * @param steps Coefficients are rounded to so many parts of 1, as Pillow does: so 90 degrees take pixels onto pixels.
 */
function affineSource({ height, width }: Image, change: Affine, steps: number): Source {
  const { degrees = 0, translate = [0, 0], scale = 1, shear = [0, 0], center = [width / 2, height / 2] } = change;
  const [turn, shearX, shearY] = [degrees, ...shear].map((angle) => (angle * Math.PI) / 180) as [
    number,
    number,
    number,
  ];
  const [lean, slant] = [turn - shearY, Math.tan(shearX)];
  const a = Math.cos(lean) / Math.cos(shearY);
  const b = -a * slant - Math.sin(turn);
  const c = Math.sin(lean) / Math.cos(shearY);
  const d = -c * slant + Math.cos(turn);
  const row = (x: number, y: number, middle: number) => {
    const offset = middle - (x * (center[0] + translate[0]) + y * (center[1] + translate[1]));
    const rounded = (value: number) => Math.round(value * steps) / steps;
    return [rounded(x), rounded(y), rounded(offset + (x + y) / 2)] as const;
  };
  const [xx, xy, x0] = row(d / scale, -b / scale, center[0]);
  const [yx, yy, y0] = row(-c / scale, a / scale, center[1]);
  return (x, y, from) => {
    from.x = xx * (x - 0.5) + xy * (y - 0.5) + x0;
    from.y = yx * (x - 0.5) + yy * (y - 0.5) + y0;
  };
}

/** How far `randomAffine` moves an image. */
export interface RandomAffineOptions extends WarpOptions {
  /** The rotation is drawn from `[-degrees, degrees]`, or between two angles. Default 0. */
  degrees?: number | readonly [least: number, most: number];
  /** The shift, in whole pixels, is at most these parts of the width and of the height; one number stands for both. Default 0. */
  translate?: number | readonly [x: number, y: number];
  /** The factor of size is drawn from here. Default `[1, 1]`. */
  scale?: readonly [least: number, most: number];
  /** The shear along x is drawn from `[-shear, shear]` degrees, or from the first two angles, that along y from the last two. Default 0. */
  shear?: number | readonly [number, number] | readonly [number, number, number, number];
}

/**
 * A transform that turns, shifts, scales and shears about the centre at random, as torchvision's `RandomAffine`.
 *
 * @throws {RangeError} if an option is out of its range.
 * @example
 * ```ts
 * import { random } from '@imgcls/random';
 * import { randomAffine } from '@imgcls/data';
 *
 * const image = { data: Uint8Array.from([1, 2, 3, 4]), height: 2, width: 2, channels: 1 as const };
 * const moved = randomAffine({ degrees: 10, translate: 0.1, scale: [0.9, 1.1], interpolation: 'bilinear', fill: 'edge' });
 * console.log(moved(image, random(1)).height); // => 2
 * ```
 */
export function randomAffine(options: RandomAffineOptions = {}): (image: Image, random: Random) => Image {
  const { degrees = 0, translate = 0, scale = [1, 1], shear = 0 } = options;
  const [leastAngle, mostAngle] = symmetric(degrees);
  const shift = typeof translate === 'number' ? ([translate, translate] as const) : translate;
  const [shearX0, shearX1, shearY0 = 0, shearY1 = 0] = symmetric(shear);
  const inOrder = leastAngle <= mostAngle && shearX0 <= shearX1 && shearY0 <= shearY1 && scale[0] <= scale[1];
  if (!(inOrder && scale[0] > 0 && shift[0] >= 0 && shift[0] <= 1 && shift[1] >= 0 && shift[1] <= 1))
    throw new RangeError(
      `randomAffine: translate must be in [0, 1], scale > 0, and ranges in order, got ${JSON.stringify({ degrees, translate, scale, shear })}`,
    );
  checkWarp('randomAffine', options);
  return described('randomAffine', [options], (image, random) => {
    const drawn: Affine = {
      degrees: between(leastAngle, mostAngle, random),
      translate: [
        Math.round(between(-shift[0], shift[0], random) * image.width),
        Math.round(between(-shift[1], shift[1], random) * image.height),
      ],
      scale: between(...scale, random),
      shear: [between(shearX0, shearX1, random), between(shearY0, shearY1, random)],
    };
    return affine(image, drawn, options);
  });
}

const symmetric = <T extends readonly [number, number, ...number[]]>(
  range: number | T,
): T | readonly [number, number] => (typeof range === 'number' ? ([-range, range] as const) : range);

/** A transform that turns by an angle from `[-degrees, degrees]`, or between two, as torchvision's `RandomRotation`. */
export const randomRotation = (
  degrees: number | readonly [least: number, most: number],
  options: WarpOptions = {},
): ((image: Image, random: Random) => Image) => {
  const [least, most] = symmetric(degrees);
  if (!(least <= most))
    throw new RangeError(`randomRotation: degrees must be >= 0, or two in order, got ${JSON.stringify(degrees)}`);
  checkWarp('randomRotation', options);
  return described('randomRotation', [degrees, options], (image, random) =>
    rotate(image, between(least, most, random), options),
  );
};
