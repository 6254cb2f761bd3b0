import type { Random } from '@imgcls/random';
import { blankImage, checkSize, type Image, sizeOf } from './image.ts';

/** What lies beyond an image's edge: black, the image mirrored at its outermost pixels, or these pixels again and again. */
export type Padding = 'zero' | 'reflect' | 'edge';

/**
 * A transform that cuts out the middle.
 *
 * @throws {RangeError} when applied to an image that is smaller.
 */
export function centerCrop(height: number, width: number): (image: Image) => Image {
  checkSize('centerCrop', height, width);
  return (image) => {
    checkFits('centerCrop', image, height, width, 0);
    const top = Math.floor((image.height - height) / 2);
    const left = Math.floor((image.width - width) / 2);
    return gather(image, range(height, top), range(width, left));
  };
}

/** How `randomCrop` sees beyond the edge. */
export interface RandomCropOptions {
  /** Pixels added on every side. Default 0. */
  padding?: number;
  /** With what. Default `zero`. */
  fill?: Padding;
}

/**
 * A transform that cuts out a random part, anywhere in the padded image alike: `randomCrop(32, 32, { padding: 4 })` shifts CIFAR's
 * images by up to four pixels.
 *
 * @throws {RangeError} when applied to an image that is smaller, padding included, or that `reflect` can't pad so far.
 */
export function randomCrop(
  height: number,
  width: number,
  { padding = 0, fill = 'zero' }: RandomCropOptions = {},
): (image: Image, random: Random) => Image {
  checkSize('randomCrop', height, width);
  if (!(Number.isInteger(padding) && padding >= 0))
    throw new RangeError(`randomCrop: padding must be an integer >= 0, got ${padding}`);
  const beyond = outside[fill];
  return (image, random) => {
    checkFits('randomCrop', image, height, width, padding);
    if (fill === 'reflect' && padding >= Math.min(image.height, image.width))
      throw new RangeError(
        `randomCrop: to reflect, padding must be less than the image's sides, got ${padding} for ${sizeOf(image)}`,
      );
    const top = random.int(image.height + 2 * padding - height + 1) - padding;
    const left = random.int(image.width + 2 * padding - width + 1) - padding;
    return gather(
      image,
      range(height, top).map((y) => beyond(y, image.height)),
      range(width, left).map((x) => beyond(x, image.width)),
    );
  };
}

/** How `horizontalFlip` and `verticalFlip` choose. */
export interface FlipOptions {
  /** Of being flipped. Default 0.5. */
  probability?: number;
}

/** A transform that swaps left and right at random. */
export const horizontalFlip = (options: FlipOptions = {}): ((image: Image, random: Random) => Image) =>
  flip('horizontalFlip', options, (image) => gather(image, range(image.height, 0), range(image.width, 0).reverse()));

/** A transform that swaps top and bottom at random. */
export const verticalFlip = (options: FlipOptions = {}): ((image: Image, random: Random) => Image) =>
  flip('verticalFlip', options, (image) => gather(image, range(image.height, 0).reverse(), range(image.width, 0)));

function flip(where: string, { probability = 0.5 }: FlipOptions, flipped: (image: Image) => Image) {
  if (!(probability >= 0 && probability <= 1))
    throw new RangeError(`${where}: probability must be in [0, 1], got ${probability}`);
  return (image: Image, random: Random): Image => (random.uniform() < probability ? flipped(image) : image);
}

/** The index within `[0, size)` that stands for one that may lie outside; -1 is black. */
export const outside: Readonly<Record<Padding, (i: number, size: number) => number>> = {
  zero: (i, size) => (i >= 0 && i < size ? i : -1),
  edge: (i, size) => Math.min(Math.max(i, 0), size - 1),
  reflect: (i, size) => {
    if (i >= 0 && i < size) return i;
    const period = Math.max(1, 2 * (size - 1));
    const phase = ((i % period) + period) % period;
    return Math.min(phase, period - phase);
  },
};

/** The pixels at these rows and columns: every crop, padding and flip is one of these. */
function gather({ data, width, channels }: Image, rows: Int32Array, columns: Int32Array): Image {
  const result = blankImage(rows.length, columns.length, channels);
  const target = result.data;
  let to = 0;
  for (const row of rows) {
    for (const column of columns) {
      if (row < 0 || column < 0) {
        to += channels; // black, as it is
        continue;
      }
      let from = (row * width + column) * channels;
      target[to++] = data[from++]!;
      if (channels === 1) continue;
      target[to++] = data[from++]!;
      target[to++] = data[from]!;
    }
  }
  return result;
}

const range = (length: number, start: number): Int32Array => {
  const values = new Int32Array(length);
  for (let i = 0; i < length; i++) values[i] = start + i;
  return values;
};

function checkFits(where: string, image: Image, height: number, width: number, padding: number): void {
  if (image.height + 2 * padding < height || image.width + 2 * padding < width)
    throw new RangeError(
      `${where}: images must be at least ${height}x${width}${padding > 0 ? `, padding of ${padding} included` : ''}, got ${sizeOf(image)}; resize first`,
    );
}
