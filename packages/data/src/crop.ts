import type { Random } from '@imgcls/random';
import { between, type ChanceOptions, withProbability } from './chance.ts';
import { cropping } from './cropping.ts';
import { described } from './description.ts';
import { beyondOf, checkFill, colorOf, type Fill } from './fill.ts';
import { blankImage, checkSize, type Image, type Size, sizeOf } from './image.ts';
import { mirrorOf, targetOf } from './mirror.ts';
import { roundHalfEven } from './numbers.ts';
import type { Box } from './resize.ts';

/**
 * A transform that cuts out the middle.
 *
 * @throws {RangeError} when applied to an image that is smaller.
 */
export function centerCrop(height: number, width: number): (image: Image) => Image {
  checkSize('centerCrop', height, width);
  const part = (image: Size): Box => {
    checkFits('centerCrop', image, height, width, 0);
    const top = Math.floor((image.height - height) / 2);
    const left = Math.floor((image.width - width) / 2);
    return { top, left, height, width };
  };
  return described('centerCrop', [height, width], cropping({ part, height, width }) as (image: Image) => Image);
}

/** How `randomCrop` sees beyond the edge. */
export interface RandomCropOptions {
  /** Pixels added on every side. Default 0. */
  padding?: number;
  /** With what. Default 0, black. */
  fill?: Fill;
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
  { padding = 0, fill = 0 }: RandomCropOptions = {},
): (image: Image, random: Random) => Image {
  checkSize('randomCrop', height, width);
  if (!(Number.isInteger(padding) && padding >= 0))
    throw new RangeError(`randomCrop: padding must be an integer >= 0, got ${padding}`);
  checkFill('randomCrop', fill);
  return described('randomCrop', [height, width, { padding, fill }], (image, random) => {
    checkFits('randomCrop', image, height, width, padding);
    if (fill === 'reflect' && padding >= Math.min(image.height, image.width))
      throw new RangeError(
        `randomCrop: to reflect, padding must be less than the image's sides, got ${padding} for ${sizeOf(image)}`,
      );
    const top = random.int(image.height + 2 * padding - height + 1) - padding;
    const left = random.int(image.width + 2 * padding - width + 1) - padding;
    return cut(image, { top, left, height, width }, fill);
  });
}

/**
 * The image with more pixels around it.
 *
 * @param sides Pixels on every side, on left and right and on top and bottom, or on left, top, right and bottom.
 * @throws {RangeError} if a side is negative.
 */
export function pad(
  image: Image,
  sides: number | readonly [x: number, y: number] | readonly [left: number, top: number, right: number, bottom: number],
  fill: Fill = 0,
): Image {
  const [left, top, right = left, bottom = top] = typeof sides === 'number' ? [sides, sides] : sides;
  if (![left, top, right, bottom].every((side) => Number.isInteger(side) && side >= 0))
    throw new RangeError(`pad: sides must be integers >= 0, got ${JSON.stringify(sides)}`);
  checkFill('pad', fill);
  return cut(
    image,
    { top: -top, left: -left, height: image.height + top + bottom, width: image.width + left + right },
    fill,
  );
}

/** The four corners and the middle of an image, each of that size: top left, top right, bottom left, bottom right, middle. */
export function fiveCrop(image: Image, height: number, width: number): Image[] {
  checkSize('fiveCrop', height, width);
  checkFits('fiveCrop', image, height, width, 0);
  const [bottom, right] = [image.height - height, image.width - width];
  const corners = [
    [0, 0],
    [0, right],
    [bottom, 0],
    [bottom, right],
  ] as const;
  return [
    ...corners.map(([top, left]) => cut(image, { top, left, height, width }, 0)),
    centerCrop(height, width)(image),
  ];
}

/** `fiveCrop` of the image, then of its mirror image: what an evaluation may take the mean of. */
export const tenCrop = (image: Image, height: number, width: number): Image[] => [
  ...fiveCrop(image, height, width),
  ...fiveCrop(mirrored(image), height, width),
];

/** Which parts `randomResizedCrop` takes. */
export interface RandomResizedCropOptions {
  /** The part of the image's area. Default `[0.08, 1]`. */
  scale?: readonly [least: number, most: number];
  /** Width to height; its logarithm is drawn evenly. Default `[3/4, 4/3]`. */
  ratio?: readonly [least: number, most: number];
}

/**
 * A transform that brings a random part to a size, as torchvision's `RandomResizedCrop`: what most networks for ImageNet are trained with.
 *
 * @throws {RangeError} if a range is out of order, or a size none.
 * Szegedy et al. 2014, section 6, https://arxiv.org/abs/1409.4842
 */
export function randomResizedCrop(
  height: number,
  width: number,
  { scale = [0.08, 1], ratio = [3 / 4, 4 / 3] }: RandomResizedCropOptions = {},
): (image: Image, random: Random) => Image {
  checkSize('randomResizedCrop', height, width);
  if (!(scale[0] > 0 && scale[0] <= scale[1] && scale[1] <= 1 && ratio[0] > 0 && ratio[0] <= ratio[1]))
    throw new RangeError(
      `randomResizedCrop: scale must be in (0, 1], ratio > 0, both in order, got ${JSON.stringify({ scale, ratio })}`,
    );
  const part = (image: Size, random: Random): Box => randomPart(image, scale, ratio, random);
  return described('randomResizedCrop', [height, width, { scale, ratio }], cropping({ part, height, width }));
}

type Range = readonly [least: number, most: number];

/** A box of random area and aspect; the middle, as wide or high as the aspect allows, where ten draws do not fit. */
function randomPart(image: Size, scale: Range, ratio: Range, random: Random): Box {
  const { height, width } = image;
  for (let attempt = 0; attempt < 10; attempt++) {
    const area = height * width * between(...scale, random);
    const aspect = Math.exp(between(Math.log(ratio[0]), Math.log(ratio[1]), random));
    const part = { height: roundHalfEven(Math.sqrt(area / aspect)), width: roundHalfEven(Math.sqrt(area * aspect)) };
    if (part.width < 1 || part.height < 1 || part.width > width || part.height > height) continue;
    return { ...part, top: random.int(height - part.height + 1), left: random.int(width - part.width + 1) };
  }
  const aspect = Math.min(Math.max(width / height, ratio[0]), ratio[1]);
  const part = {
    height: aspect > width / height ? roundHalfEven(width / aspect) : height,
    width: aspect < width / height ? roundHalfEven(height * aspect) : width,
  };
  return { ...part, top: Math.floor((height - part.height) / 2), left: Math.floor((width - part.width) / 2) };
}

/** A transform that swaps left and right at random. */
export const horizontalFlip = (options: ChanceOptions = {}): ((image: Image, random: Random) => Image) =>
  described('horizontalFlip', [options], withProbability('horizontalFlip', options.probability ?? 0.5, mirrored));

/** Quicker than `gather`, as most augmentations have it. */
function mirrored(image: Image): Image {
  const target = targetOf(image.data.length);
  mirrorOf(image)(0, target, 0);
  return { ...image, data: target.bytes };
}

/** A transform that swaps top and bottom at random. */
export const verticalFlip = (options: ChanceOptions = {}): ((image: Image, random: Random) => Image) =>
  described(
    'verticalFlip',
    [options],
    withProbability('verticalFlip', options.probability ?? 0.5, (image) =>
      gather(image, range(image.height, 0).reverse(), range(image.width, 0)),
    ),
  );

/** A region of an image, which may lie partly beyond its edges. */
function cut(image: Image, { top, left, height, width }: Box, fill: Fill): Image {
  const beyond = beyondOf(fill);
  const rows = range(height, top).map((y) => beyond(y, image.height));
  const columns = range(width, left).map((x) => beyond(x, image.width));
  return gather(image, rows, columns, colorOf(fill, image));
}

/** The pixels at these rows and columns: every crop, padding and flip is one of these. */
function gather(
  { data, width, channels }: Image,
  rows: Int32Array,
  columns: Int32Array,
  color: readonly number[] = [],
): Image {
  const result = blankImage(rows.length, columns.length, channels);
  const target = result.data;
  let to = 0;
  for (const row of rows) {
    for (const column of columns) {
      if (row < 0 || column < 0) {
        for (let c = 0; c < channels; c++) target[to++] = color[c]!;
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

function checkFits(where: string, image: Size, height: number, width: number, padding: number): void {
  if (image.height + 2 * padding < height || image.width + 2 * padding < width)
    throw new RangeError(
      `${where}: images must be at least ${height}x${width}${padding > 0 ? `, padding of ${padding} included` : ''}, got ${image.height}x${image.width}; resize first`,
    );
}
