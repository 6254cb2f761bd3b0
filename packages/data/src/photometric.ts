import type { Random } from '@imgcls/random';
import { between, type ChanceOptions } from './chance.ts';
import { adjustBrightness, adjustContrast, adjustHue, adjustSaturation } from './color.ts';
import { described } from './description.ts';
import { blankImage, type Image } from './image.ts';

/** How far `randomPhotometricDistort` goes: of each factor the least and the most. */
export interface PhotometricDistortOptions extends ChanceOptions {
  /** Default `[0.875, 1.125]`. */
  brightness?: readonly [least: number, most: number];
  /** Default `[0.5, 1.5]`. */
  contrast?: readonly [least: number, most: number];
  /** Default `[0.5, 1.5]`. */
  saturation?: readonly [least: number, most: number];
  /** In turns of the colour circle. Default `[-0.05, 0.05]`. */
  hue?: readonly [least: number, most: number];
}

type Range = readonly [least: number, most: number];

/**
 * A transform that changes brightness, contrast, saturation, hue and the order of the channels, each of them or not, as torchvision's
 * `RandomPhotometricDistort`.
 *
 * @throws {RangeError} if the probability is outside [0, 1], or a range is out of order.
 * Liu et al. 2016, https://arxiv.org/abs/1512.02325
 */
export function randomPhotometricDistort(
  options: PhotometricDistortOptions = {},
): (image: Image, random: Random) => Image {
  const { brightness = [0.875, 1.125], contrast = [0.5, 1.5], saturation = [0.5, 1.5], hue = [-0.05, 0.05] } = options;
  const { probability = 0.5 } = options;
  for (const [name, [least, most]] of Object.entries({
    probability: [0, probability],
    brightness,
    contrast,
    saturation,
  }))
    checkRange(name, least!, most!, 0, name === 'probability' ? 1 : Number.MAX_VALUE);
  checkRange('hue', ...hue, -0.5, 0.5);
  return described('randomPhotometricDistort', [options], (image, random) => {
    const drawn = (range: Range) => (random.uniform() < probability ? between(...range, random) : undefined);
    const [light, strength, colour, turn] = [drawn(brightness), drawn(contrast), drawn(saturation), drawn(hue)];
    const contrastFirst = random.uniform() < 0.5;
    const order = random.uniform() < probability ? random.permutation(image.channels) : undefined;
    let result = image;
    if (light !== undefined) result = adjustBrightness(result, light);
    if (strength !== undefined && contrastFirst) result = adjustContrast(result, strength);
    if (colour !== undefined) result = adjustSaturation(result, colour);
    if (turn !== undefined) result = adjustHue(result, turn);
    if (strength !== undefined && !contrastFirst) result = adjustContrast(result, strength);
    return order ? permuted(result, order) : result;
  });
}

/** A transform that puts the channels into a random order, as torchvision's `RandomChannelPermutation`. */
export const randomChannelPermutation = (): ((image: Image, random: Random) => Image) =>
  described('randomChannelPermutation', [], (image, random) => permuted(image, random.permutation(image.channels)));

/** Channel `c` of the result is channel `order[c]` of the image. */
function permuted({ data, height, width, channels }: Image, order: Int32Array): Image {
  const result = blankImage(height, width, channels);
  for (let i = 0; i < data.length; i += channels)
    for (let c = 0; c < channels; c++) result.data[i + c] = data[i + order[c]!]!;
  return result;
}

function checkRange(name: string, least: number, most: number, lowest: number, highest: number): void {
  if (!(lowest <= least && least <= most && most <= highest))
    throw new RangeError(
      `randomPhotometricDistort: ${name} must be in order and within [${lowest}, ${highest}], got ${least} and ${most}`,
    );
}
