import type { Random } from '@imgcls/random';
import type { Image, Size } from './image.ts';
import { type Box, resizeBox } from './resize.ts';

/**
 * What a transform does that cuts a part out of an image and brings it to a size: where it comes first, a decoder may leave out the rest
 * of the file.
 */
export interface Cropping extends Size {
  /** Which part, in whole pixels within the image. */
  part(image: Size, random: Random): Box;
}

const croppings = new WeakMap<object, Cropping>();

/** The transform that cuts like that. */
export function cropping(cutting: Cropping): (image: Image, random: Random) => Image {
  const transform = (image: Image, random: Random): Image => cropped(image, cutting.part(image, random), cutting);
  croppings.set(transform, cutting);
  return transform;
}

/** How a transform cuts, if it comes of `cropping`. */
export const croppingOf = (transform: object | undefined): Cropping | undefined =>
  transform && croppings.get(transform);

/** That part of the image, cut out (what lies beside it is not seen) and brought to a size. */
export const cropped = (image: Image, part: Box, { height, width }: Size): Image =>
  resizeBox(cutOut(image, part), height, width);

function cutOut(image: Image, { top, left, height, width }: Box): Image {
  if (height === image.height && width === image.width) return image;
  const { channels } = image;
  const row = width * channels;
  const data = new Uint8Array(height * row);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * image.width + left) * channels;
    data.set(image.data.subarray(from, from + row), y * row);
  }
  return { data, height, width, channels };
}
