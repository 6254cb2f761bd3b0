import { described } from './description.ts';
import { blankImage, checkSize, type Image } from './image.ts';

/** A region of an image in pixels from its top left corner; edges may lie within pixels. */
export interface Box {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** How `resize` weighs the pixels that an output pixel covers: by a triangle, or by a cubic curve, which is sharper. */
export type ResizeFilter = 'bilinear' | 'bicubic';

/** How `resize` computes. */
export interface ResizeOptions {
  /** Default `bilinear`. */
  interpolation?: ResizeFilter;
}

/**
 * A transform that brings images to a size, whatever their aspect: antialiased, as Pillow's `resize`.
 *
 * @throws {RangeError} unless the size and the interpolation are such.
 * @example
 * ```ts
 * import { resize } from '@imgcls/data';
 *
 * const image = { data: Uint8Array.from([0, 100, 200, 100]), height: 1, width: 4, channels: 1 as const };
 * console.log(resize(1, 2)(image).data); // => Uint8Array(2) [ 71, 143 ]
 * ```
 */
export function resize(
  height: number,
  width: number,
  { interpolation = 'bilinear' }: ResizeOptions = {},
): (image: Image) => Image {
  checkSize('resize', height, width);
  checkFilter('resize', interpolation);
  return described('resize', [height, width, { interpolation }], (image) =>
    resizeBox(image, height, width, wholeBox(image), interpolation),
  );
}

/**
 * A transform that brings the shorter side of images to a size and keeps their aspect, as torchvision's `Resize(size)`: the longer side is rounded down.
 *
 * @throws {RangeError} unless the size and the interpolation are such.
 * @example
 * ```ts
 * import { resizeShorterSide } from '@imgcls/data';
 *
 * const image = { data: new Uint8Array(60 * 100), height: 60, width: 100, channels: 1 as const };
 * const { height, width } = resizeShorterSide(32)(image);
 * console.log(height, width); // => 32 53
 * ```
 */
export function resizeShorterSide(
  size: number,
  { interpolation = 'bilinear' }: ResizeOptions = {},
): (image: Image) => Image {
  checkSize('resizeShorterSide', size, size);
  checkFilter('resizeShorterSide', interpolation);
  return described('resizeShorterSide', [size, { interpolation }], (image) => {
    const shorter = Math.min(image.height, image.width);
    const [height, width] = [image.height, image.width].map((side) => Math.trunc((size * side) / shorter));
    return resizeBox(image, height!, width!, wholeBox(image), interpolation);
  });
}

function checkFilter(where: string, interpolation: ResizeFilter): void {
  if (!Object.hasOwn(curves, interpolation))
    throw new RangeError(
      `${where}: interpolation must be 'bilinear' or 'bicubic', got ${JSON.stringify(interpolation)}`,
    );
}

/**
 * A region of an image (by default all of it), brought to a size.
 *
 * Each output pixel is the mean of the input pixels under a curve (for bilinear, a triangle that is as wide as two output pixels, and at
 * least two input pixels). Rows, then columns, each rounded to bytes, in Pillow's 22-bit fixed point: equal to it bit for bit, save that Pillow 13 takes
 * columns first where that is less work, which may round to the next level.
 */
export function resizeBox(
  image: Image,
  height: number,
  width: number,
  box: Box = wholeBox(image),
  interpolation: ResizeFilter = 'bilinear',
): Image {
  const wide = filterRows(image, width, box, curves[interpolation]);
  return filterColumns(wide, height, box, curves[interpolation]);
}

/** The weight of a pixel at a distance, and the distance from which it is 0, in output pixels (or, enlarging, input pixels). */
interface Curve {
  reach: number;
  weight(distance: number): number;
}

const curves: Readonly<Record<ResizeFilter, Curve>> = {
  bilinear: { reach: 1, weight: (x) => 1 - x },
  // Keys 1981, "Cubic convolution interpolation for digital image processing", a = -1/2
  bicubic: { reach: 2, weight: (x) => (x < 1 ? (1.5 * x - 2.5) * x * x + 1 : ((-0.5 * x + 2.5) * x - 4) * x + 2) },
};

const wholeBox = ({ height, width }: Image): Box => ({ top: 0, left: 0, height, width });

const PRECISION = 22; // bits of the fraction: 8 bits of pixel and 2 of overshoot remain of 32
const HALF = 1 << (PRECISION - 1);

/** For each output pixel the first input pixel that it sees and, `taps` of them, their weights (0 beyond the last). */
interface Filter {
  starts: Int32Array;
  counts: Int32Array;
  weights: Int32Array;
  taps: number;
}

function filterOf(inSize: number, outSize: number, start: number, length: number, { reach, weight }: Curve): Filter {
  const scale = length / outSize;
  const stretch = Math.max(scale, 1);
  const support = reach * stretch;
  const taps = Math.ceil(support) * 2 + 1;
  const filter = {
    starts: new Int32Array(outSize),
    counts: new Int32Array(outSize),
    weights: new Int32Array(outSize * taps),
    taps,
  };
  for (let out = 0; out < outSize; out++) {
    const center = start + (out + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(inSize, Math.trunc(center + support + 0.5));
    const weights = Array.from({ length: end - first }, (_, i) => {
      const distance = Math.abs((first + i - center + 0.5) / stretch);
      return distance < reach ? weight(distance) : 0;
    });
    const sum = weights.reduce((a, b) => a + b, 0);
    filter.starts[out] = first;
    filter.counts[out] = weights.length;
    filter.weights.set(
      weights.map((weight) => Math.round((weight / sum) * (1 << PRECISION))),
      out * taps,
    );
  }
  return filter;
}

function filterRows(image: Image, width: number, box: Box, curve: Curve): Image {
  if (width === image.width && box.left === 0 && box.width === width) return image;
  const filter = filterOf(image.width, width, box.left, box.width, curve);
  const result = blankImage(image.height, width, image.channels);
  if (image.channels === 1) filterGrayRows(image, result, filter);
  else filterColourRows(image, result, filter);
  return result;
}

// The weights of a pixel add up to 2²² and values are below 2⁸, so every sum stays within 31 bits: `Math.imul` and `| 0` are exact.

function filterGrayRows(image: Image, result: Image, { starts, counts, weights, taps }: Filter): void {
  const [source, target] = [image.data, clamped(result)];
  for (let y = 0, to = 0; y < image.height; y++) {
    for (let x = 0; x < result.width; x++, to++) {
      const end = x * taps + counts[x]!;
      let sum = HALF;
      for (let k = x * taps, from = y * image.width + starts[x]!; k < end; k++, from++)
        sum = (sum + Math.imul(source[from]!, weights[k]!)) | 0;
      target[to] = sum >> PRECISION;
    }
  }
}

function filterColourRows(image: Image, result: Image, { starts, counts, weights, taps }: Filter): void {
  const [source, target] = [image.data, clamped(result)];
  for (let y = 0, to = 0; y < image.height; y++) {
    for (let x = 0; x < result.width; x++, to += 3) {
      const end = x * taps + counts[x]!;
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      for (let k = x * taps, from = 3 * (y * image.width + starts[x]!); k < end; k++, from += 3) {
        const weight = weights[k]!;
        red = (red + Math.imul(source[from]!, weight)) | 0;
        green = (green + Math.imul(source[from + 1]!, weight)) | 0;
        blue = (blue + Math.imul(source[from + 2]!, weight)) | 0;
      }
      target[to] = red >> PRECISION;
      target[to + 1] = green >> PRECISION;
      target[to + 2] = blue >> PRECISION;
    }
  }
}

function filterColumns(image: Image, height: number, box: Box, curve: Curve): Image {
  if (height === image.height && box.top === 0 && box.height === height) return image;
  const { starts, counts, weights, taps } = filterOf(image.height, height, box.top, box.height, curve);
  const result = blankImage(height, image.width, image.channels);
  const [source, target] = [image.data, clamped(result)];
  const rowSize = image.width * image.channels;
  const sums = new Int32Array(rowSize);
  for (let y = 0; y < height; y++) {
    sums.fill(HALF);
    for (let k = 0; k < counts[y]!; k++) {
      const weight = weights[y * taps + k]!;
      const row = (starts[y]! + k) * rowSize;
      for (let i = 0; i < rowSize; i++) sums[i] = (sums[i]! + Math.imul(source[row + i]!, weight)) | 0;
    }
    for (let i = 0; i < rowSize; i++) target[y * rowSize + i] = sums[i]! >> PRECISION;
  }
  return result;
}

/** The curve of bicubic goes below 0: sums may leave 0..255. */
const clamped = ({ data }: Image): Uint8ClampedArray =>
  new Uint8ClampedArray(data.buffer, data.byteOffset, data.length);
