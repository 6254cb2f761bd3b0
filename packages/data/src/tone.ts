import type { Random } from '@imgcls/random';
import { type ChanceOptions, withProbability } from './chance.ts';
import { described } from './description.ts';
import { blankImage, type Image } from './image.ts';

/** Each value looked up in a table, of which there may be one for each channel. */
function mapped({ data, height, width, channels }: Image, tables: readonly Uint8Array[]): Image {
  const result = blankImage(height, width, channels);
  for (let i = 0; i < data.length; i++) result.data[i] = tables[(i % channels) % tables.length]![data[i]!]!;
  return result;
}

const table = (f: (value: number) => number): Uint8Array => Uint8Array.from({ length: 256 }, (_, value) => f(value));

/** The negative: 255 less each value. */
export const invert = (image: Image): Image => mapped(image, [table((value) => 255 - value)]);

/**
 * Only the upper bits of each value.
 *
 * @throws {RangeError} unless `bits` is an integer of 0 to 8.
 */
export function posterize(image: Image, bits: number): Image {
  if (!(Number.isInteger(bits) && bits >= 0 && bits <= 8))
    throw new RangeError(`posterize: bits must be an integer of 0 to 8, got ${bits}`);
  const kept = 256 - 2 ** (8 - bits);
  return mapped(image, [table((value) => value & kept)]);
}

/** The negative of all values from a threshold on. */
export const solarize = (image: Image, threshold: number): Image =>
  mapped(image, [table((value) => (value < threshold ? value : 255 - value))]);

/** Each channel stretched, so that its least value becomes 0 and its greatest 255. */
export function autocontrast(image: Image): Image {
  const tables = histograms(image).map((counts) => {
    const least = counts.findIndex((count) => count > 0);
    const most = counts.findLastIndex((count) => count > 0);
    if (most <= least) return table((value) => value);
    const scale = 255 / (most - least);
    return table((value) => Math.min(255, Math.max(0, Math.trunc(value * scale - least * scale))));
  });
  return mapped(image, tables);
}

/** Each channel's values spread so that all levels are about as frequent: histogram equalization, with Pillow's rounding. */
export function equalize(image: Image): Image {
  const tables = histograms(image).map((counts) => {
    const seen = counts.filter((count) => count > 0);
    const step = Math.floor((sum(seen) - seen.at(-1)!) / 255);
    if (seen.length <= 1 || step === 0) return table((value) => value);
    let below = Math.floor(step / 2);
    return table((value) => {
      const level = Math.min(255, Math.floor(below / step));
      below += counts[value]!;
      return level;
    });
  });
  return mapped(image, tables);
}

function histograms({ data, channels }: Image): number[][] {
  const counts = Array.from({ length: channels }, () => new Array<number>(256).fill(0));
  for (let i = 0; i < data.length; i++) counts[i % channels]![data[i]!]!++;
  return counts;
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** A transform that inverts some images. */
export const randomInvert = ({ probability = 0.5 }: ChanceOptions = {}): ((image: Image, random: Random) => Image) =>
  described('randomInvert', [{ probability }], withProbability('randomInvert', probability, invert));

/** A transform that keeps only so many bits of some images' values. */
export const randomPosterize = (
  bits: number,
  { probability = 0.5 }: ChanceOptions = {},
): ((image: Image, random: Random) => Image) =>
  described(
    'randomPosterize',
    [bits, { probability }],
    withProbability('randomPosterize', probability, (image) => posterize(image, bits)),
  );

/** A transform that inverts the bright values of some images. */
export const randomSolarize = (
  threshold: number,
  { probability = 0.5 }: ChanceOptions = {},
): ((image: Image, random: Random) => Image) =>
  described(
    'randomSolarize',
    [threshold, { probability }],
    withProbability('randomSolarize', probability, (image) => solarize(image, threshold)),
  );

/** A transform that stretches the values of some images. */
export const randomAutocontrast = ({
  probability = 0.5,
}: ChanceOptions = {}): ((image: Image, random: Random) => Image) =>
  described('randomAutocontrast', [{ probability }], withProbability('randomAutocontrast', probability, autocontrast));

/** A transform that equalizes the histograms of some images. */
export const randomEqualize = ({ probability = 0.5 }: ChanceOptions = {}): ((image: Image, random: Random) => Image) =>
  described('randomEqualize', [{ probability }], withProbability('randomEqualize', probability, equalize));
