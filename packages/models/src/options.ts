import type { Tensor } from '@imgcls/tensor';

/** Height and width of images, or both at once. */
export type ImageSize = number | readonly [height: number, width: number];

/** What every network can be told. */
export interface ModelOptions {
  /** How many classes it tells apart. */
  numClasses?: number;
  /** 3 for colour, 1 for grey images. */
  inputChannels?: number;
  /** The size of the images it will get. Most networks take any that is large enough, and check only that. */
  imageSize?: ImageSize;
}

/**
 * Height and width of an image size.
 *
 * @throws {RangeError} if they are not whole numbers of at least `smallest`.
 */
export function checkImageSize(model: string, size: ImageSize, smallest: number): [height: number, width: number] {
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  if (![height, width].every((n) => Number.isInteger(n) && n >= smallest))
    throw new RangeError(
      `${model}: images must be at least ${smallest}×${smallest}, got ${height}×${width}${advice(smallest)}`,
    );
  return [height, width];
}

/**
 * Checks that a network's input is a batch of images of at least this size.
 *
 * @throws {TypeError} if it has not four axes.
 * @throws {RangeError} if the images are smaller.
 */
export function checkImages(model: string, images: Tensor, smallest: number): void {
  const [, height, width] = images.shape;
  if (images.rank !== 4 || height === undefined || width === undefined)
    throw new TypeError(`${model}: expects images [N, H, W, C], got [${images.shape}]`);
  checkImageSize(model, [height, width], smallest);
}

const advice = (smallest: number): string =>
  smallest > 1 ? '; enlarge them, or take a network with fewer poolings' : '';
