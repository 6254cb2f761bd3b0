import type { Buffer } from './buffer.ts';
import { typed } from './element.ts';
import type { Kernels } from './kernels.ts';
import type { Block } from './memory.ts';

export interface ImagesShape {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Of the part that is taken; without a word, all of it. */
  readonly cropHeight?: number;
  readonly cropWidth?: number;
}

export interface ImagesOptions {
  /** Of each channel, of values in `[0, 1]`. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** What a part sees beyond an image's edges: black, the nearest pixel, or the image mirrored at its outermost pixels. */
  readonly beyond?: 'zero' | 'edge' | 'reflect';
}

const beyondNumbers = { zero: 0, edge: 1, reflect: 2 } as const;

/** Where `normalizeImages` reads and writes. */
export interface Images {
  /** Bytes `[count, height, width, channels]`. */
  readonly images: Block;
  /** int32 `[count, 2]`: the row and the column where each image's part begins; it may lie over an edge. Without it, 0 and 0. */
  readonly crops?: Block;
  /** Bytes `[count]`: 1 where the part is mirrored, left to right. Without it, none is. */
  readonly flips?: Block;
  /** `[count, cropHeight, cropWidth, channels]`. */
  readonly y: Buffer;
}

/**
 * A batch of images to what a network takes: `y = (pixel / 255 - mean) / std`, of a part of each image, mirrored or not.
 */
export function normalizeImages(
  kernels: Kernels,
  shape: ImagesShape,
  { mean, std, beyond = 'zero' }: ImagesOptions,
  { images, crops, flips, y }: Images,
): void {
  const { count, height, width, channels, cropHeight = height, cropWidth = width } = shape;
  kernels.call(
    'normalize_images',
    ...[count, height, width, channels, cropHeight, cropWidth],
    ...[images, crops, flips, beyondNumbers[beyond]],
    ...typed(y),
    ...std.map((deviation) => 1 / 255 / deviation),
    ...mean.map((value, c) => -value / std[c]!),
  );
}
