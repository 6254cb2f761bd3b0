import type { Random } from '@imgcls/random';
import { between, type ChanceOptions, withProbability } from './chance.ts';
import { described } from './description.ts';
import { convolved, gaussian } from './filter.ts';
import type { Image } from './image.ts';
import { checkWarp, type WarpOptions, warp } from './warp.ts';

/** A place in an image, in pixels from the top left. */
export type Point = readonly [x: number, y: number];

/** Top left, top right, bottom right, bottom left. */
export type Corners = readonly [Point, Point, Point, Point];

/**
 * The image seen at an angle: what lies at the four places `from` goes to the four places `to`, straight lines stay straight.
 * As torchvision's `perspective` of a Pillow image.
 *
 * @throws {RangeError} if three of the places lie on a line.
 */
export function perspective(image: Image, from: Corners, to: Corners, options: WarpOptions = {}): Image {
  const [a, b, c, d, e, f, g, h] = coefficients(to, from).map(Math.fround) as Eight; // as torchvision passes them on
  const source = (x: number, y: number, place: { x: number; y: number }) => {
    const depth = g * x + h * y + 1;
    place.x = (a * x + b * y + c) / depth;
    place.y = (d * x + e * y + f) / depth;
  };
  return warp(image, source, options);
}

type Eight = [number, number, number, number, number, number, number, number];

/** Of `(x, y) → ((ax + by + c) / (gx + hy + 1), (dx + ey + f) / (gx + hy + 1))`, which takes each of `from` to its place in `to`. */
function coefficients(from: Corners, to: Corners): Eight {
  const rows = from.flatMap(([x, y], i) => {
    const [u, v] = to[i]!;
    return [
      [x, y, 1, 0, 0, 0, -u * x, -u * y, u],
      [0, 0, 0, x, y, 1, -v * x, -v * y, v],
    ];
  });
  return solved(rows) as Eight;
}

/** Solves linear equations, their right sides in the last column: Gauss's elimination, the largest of a column first. */
function solved(rows: number[][]): number[] {
  const n = rows.length;
  for (let column = 0; column < n; column++) {
    const pivot = rows
      .slice(column)
      .reduce((best, row) => (Math.abs(row[column]!) > Math.abs(best[column]!) ? row : best));
    if (Math.abs(pivot[column]!) < 1e-9)
      throw new RangeError('perspective: no three of the four places may lie on a line');
    const at = rows.indexOf(pivot);
    [rows[at], rows[column]] = [rows[column]!, pivot];
    for (const row of rows) {
      if (row === pivot) continue;
      const factor = row[column]! / pivot[column]!;
      for (let i = column; i <= n; i++) row[i] = row[i]! - factor * pivot[i]!;
    }
  }
  return rows.map((row, i) => row[n]! / row[i]!);
}

/** How far `randomPerspective` goes. */
export interface RandomPerspectiveOptions extends ChanceOptions, WarpOptions {
  /** Corners move inwards by at most this part of half the image. Default 0.5. */
  distortionScale?: number;
}

/**
 * A transform that moves the four corners of some images inwards, each on its own, as torchvision's `RandomPerspective`.
 *
 * @throws {RangeError} if an option is out of its range.
 */
export function randomPerspective(options: RandomPerspectiveOptions = {}): (image: Image, random: Random) => Image {
  const { distortionScale = 0.5, probability = 0.5, interpolation = 'bilinear' } = options;
  if (!(distortionScale >= 0 && distortionScale <= 1))
    throw new RangeError(`randomPerspective: distortionScale must be in [0, 1], got ${distortionScale}`);
  checkWarp('randomPerspective', options);
  return described(
    'randomPerspective',
    [options],
    withProbability('randomPerspective', probability, (image, random) => {
      const { height, width } = image;
      const boundY = Math.trunc(distortionScale * Math.floor(height / 2)) + 1;
      const boundX = Math.trunc(distortionScale * Math.floor(width / 2)) + 1;
      const corner = (right: boolean, bottom: boolean): Point => [
        random.int(boundX) + (right ? width - boundX : 0),
        random.int(boundY) + (bottom ? height - boundY : 0),
      ];
      const to: Corners = [corner(false, false), corner(true, false), corner(true, true), corner(false, true)];
      const from: Corners = [
        [0, 0],
        [width - 1, 0],
        [width - 1, height - 1],
        [0, height - 1],
      ];
      return perspective(image, from, to, { ...options, interpolation });
    }),
  );
}

/** How `elasticTransform` bends. */
export interface ElasticOptions extends WarpOptions {
  /** Strength: a pixel moves by at most half of it. Default 50. */
  alpha?: number;
  /** Smoothness: the standard deviation, in pixels, of the Gaussian that the shifts are blurred with. Default 5. */
  sigma?: number;
}

/**
 * A transform that bends the image as if it were rubber: each pixel is shifted at random, its neighbours by about as much.
 * As torchvision's `ElasticTransform`.
 *
 * @throws {RangeError} if an option is negative.
 * Simard et al. 2003, "Best practices for convolutional neural networks"
 */
export function elasticTransform(options: ElasticOptions = {}): (image: Image, random: Random) => Image {
  const { alpha = 50, sigma = 5, interpolation = 'bilinear' } = options;
  if (!(alpha >= 0 && sigma >= 0))
    throw new RangeError(`elasticTransform: alpha and sigma must be >= 0, got ${JSON.stringify({ alpha, sigma })}`);
  checkWarp('elasticTransform', options);
  return described('elasticTransform', [options], (image, random) => {
    const { height, width } = image;
    const shifts = () => {
      const noise = Float64Array.from({ length: height * width }, () => between(-1, 1, random));
      return sigma > 0 ? smoothed(noise, height, width, sigma) : noise;
    };
    const [right, down] = [shifts(), shifts()];
    const source = (x: number, y: number, from: { x: number; y: number }) => {
      const i = Math.floor(y) * width + Math.floor(x);
      from.x = x + (alpha / 2) * right[i]!;
      from.y = y + (alpha / 2) * down[i]!;
    };
    return warp(image, source, { ...options, interpolation });
  });
}

function smoothed(values: Float64Array, height: number, width: number, sigma: number): Float64Array {
  const weights = gaussian(2 * Math.floor((8 * sigma + 1) / 2) + 1, sigma);
  return convolved(convolved(values, height, width, 1, weights), width, height, 1, weights);
}
