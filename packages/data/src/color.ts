import type { Random } from '@imgcls/random';
import { blankImage, type Image, luma } from './image.ts';

/** How far `colorJitter` goes: each factor is drawn from `[max(0, 1 - x), 1 + x]`. */
export interface ColorJitterOptions {
  /** Of all values. Default 0. */
  brightness?: number;
  /** Of the difference to the image's mean gray. Default 0. */
  contrast?: number;
}

/**
 * A transform that changes brightness, then contrast, by random factors, as torchvision's `ColorJitter` in this order.
 *
 * @throws {RangeError} if an option is negative.
 */
export function colorJitter(options: ColorJitterOptions): (image: Image, random: Random) => Image {
  const { brightness = 0, contrast = 0 } = options;
  if (!(brightness >= 0 && contrast >= 0))
    throw new RangeError(`colorJitter: brightness and contrast must be >= 0, got ${JSON.stringify(options)}`);
  return (image, random) => {
    const factor = (range: number): number => {
      const least = Math.max(0, 1 - range);
      return least + (1 + range - least) * random.uniform();
    };
    const brighter = blended(image, 0, factor(brightness));
    return blended(brighter, meanGray(brighter), factor(contrast));
  };
}

/** Every value moved away from `base` by a factor (less than 1: towards it), cut to 0..255 and to whole numbers as Pillow does. */
export function blended(image: Image, base: number, factor: number): Image {
  const table = new Uint8ClampedArray(256);
  for (let value = 0; value < 256; value++) table[value] = Math.trunc(base + factor * (value - base));
  const { data, height, width, channels } = image;
  const result = blankImage(height, width, channels);
  for (let i = 0; i < data.length; i++) result.data[i] = table[data[i]!]!;
  return result;
}

/** The mean luma, rounded. */
export function meanGray({ data, channels }: Image): number {
  let sum = 0;
  if (channels === 1) for (const value of data) sum += value;
  else for (let i = 0; i < data.length; i += 3) sum += luma(data, i);
  return Math.trunc(sum / (data.length / channels) + 0.5);
}
