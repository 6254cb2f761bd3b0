import type { Random } from '@imgcls/random';
import { between, type ChanceOptions, withProbability } from './chance.ts';
import { described } from './description.ts';
import { blankImage, type Image, luma, toChannels } from './image.ts';
import { toByte } from './numbers.ts';

/** A factor's range: `x` stands for `[max(0, 1 - x), 1 + x]`, and of the hue for `[-x, x]`. */
export type JitterRange = number | readonly [least: number, most: number];

/** How far `colorJitter` goes. What is left out stays as it is. */
export interface ColorJitterOptions {
  /** Of all values. */
  brightness?: JitterRange;
  /** Of the difference to the image's mean gray. */
  contrast?: JitterRange;
  /** Of the difference to each pixel's gray. */
  saturation?: JitterRange;
  /** Added to the hue, in turns of the colour circle: within `[-0.5, 0.5]`. */
  hue?: JitterRange;
}

/**
 * A transform that changes brightness, contrast, saturation and hue by random amounts, in random order, as torchvision's `ColorJitter`.
 *
 * @throws {RangeError} if a range is negative, or the hue's goes beyond half a turn.
 * @example
 * ```ts
 * import { random } from '@imgcls/random';
 * import { colorJitter } from '@imgcls/data';
 *
 * const image = { data: Uint8Array.from([200, 100, 50]), height: 1, width: 1, channels: 3 as const };
 * const jitter = colorJitter({ brightness: 0.2, contrast: 0.2, saturation: 0.2, hue: 0.05 });
 * console.log(jitter(image, random(1)).data.length); // => 3
 * ```
 */
export function colorJitter(options: ColorJitterOptions): (image: Image, random: Random) => Image {
  const steps = adjustments.map(({ name, center, adjust }) => ({
    range: jitterRange(name, center, options[name]),
    adjust,
  }));
  return described('colorJitter', [options], (image, random) => {
    const order = random.permutation(steps.length);
    const amounts = steps.map(({ range }) => range && between(...range, random));
    let result = image;
    for (const i of order) if (amounts[i] !== undefined) result = steps[i]!.adjust(result, amounts[i]);
    return result;
  });
}

const adjustments = [
  { name: 'brightness', center: 1, adjust: adjustBrightness },
  { name: 'contrast', center: 1, adjust: adjustContrast },
  { name: 'saturation', center: 1, adjust: adjustSaturation },
  { name: 'hue', center: 0, adjust: adjustHue },
] as const;

function jitterRange(
  name: keyof ColorJitterOptions,
  center: number,
  range: JitterRange | undefined,
): readonly [number, number] | undefined {
  if (range === undefined) return undefined;
  const isHue = name === 'hue';
  const [least, most] = typeof range === 'number' ? [center - range, center + range] : range;
  const bounded: readonly [number, number] = [typeof range === 'number' && !isHue ? Math.max(0, least) : least, most];
  const [lowest, highest] = isHue ? [-0.5, 0.5] : [0, Number.MAX_VALUE];
  if (!(bounded[0] >= lowest && bounded[0] <= most && most <= highest) || (typeof range === 'number' && range < 0))
    throw new RangeError(
      isHue
        ? `colorJitter: hue must be in [0, 0.5], or two of [-0.5, 0.5] in order, got ${JSON.stringify(range)}`
        : `colorJitter: ${name} must be >= 0, or two such in order, got ${JSON.stringify(range)}`,
    );
  return least === center && most === center ? undefined : bounded;
}

/** All values times a factor: 0 is black, 1 the image. */
export function adjustBrightness(image: Image, factor: number): Image {
  return blended(image, 0, factor);
}

/** All values moved away from the image's mean gray by a factor: 0 is that gray, 1 the image. */
export function adjustContrast(image: Image, factor: number): Image {
  return blended(image, meanGray(image), factor);
}

/** Every pixel moved away from its gray by a factor: 0 is a gray image, 1 the image. */
export function adjustSaturation(image: Image, factor: number): Image {
  if (image.channels === 1) return image;
  const { data, height, width } = image;
  const result = blankImage(height, width, 3);
  for (let i = 0; i < data.length; i += 3) {
    const gray = luma(data, i);
    for (let c = i; c < i + 3; c++) result.data[c] = toByte(gray + factor * (data[c]! - gray));
  }
  return result;
}

/** Every value moved away from `base` by a factor (less than 1: towards it), cut to 0..255 and to whole numbers as Pillow does. */
export function blended({ data, height, width, channels }: Image, base: number, factor: number): Image {
  const table = Uint8Array.from({ length: 256 }, (_, value) => toByte(base + factor * (value - base)));
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

/**
 * The hue turned, by -0.5 to 0.5 of the colour circle, with hue and saturation in steps of 1/255 as Pillow has them.
 *
 * @throws {RangeError} if it is turned further.
 */
export function adjustHue(image: Image, turn: number): Image {
  if (!(turn >= -0.5 && turn <= 0.5)) throw new RangeError(`adjustHue: the turn must be in [-0.5, 0.5], got ${turn}`);
  if (image.channels === 1) return image;
  const shift = Math.trunc(turn * 255);
  const result = blankImage(image.height, image.width, 3);
  for (let i = 0; i < image.data.length; i += 3) {
    const [hue, saturation, value] = hsvOf(image.data[i]!, image.data[i + 1]!, image.data[i + 2]!);
    writeHsv(result.data, i, (hue + shift) & 255, saturation, value);
  }
  return result;
}

/** Hue, saturation and value, each 0..255, in single precision as Pillow has them. Smith 1978, "Color gamut transform pairs". */
function hsvOf(red: number, green: number, blue: number): [number, number, number] {
  const value = Math.max(red, green, blue);
  const chroma = value - Math.min(red, green, blue);
  if (chroma === 0) return [0, 0, value];
  const [r, g, b] = [red, green, blue].map((level) => Math.fround((value - level) / chroma)) as [
    number,
    number,
    number,
  ];
  const sixths = Math.fround(red === value ? b - g : green === value ? 2 + r - b : 4 + g - r);
  const hue = Math.fround((sixths / 6 + 1) % 1);
  return [Math.trunc(hue * 255), Math.trunc(Math.fround(chroma / value) * 255), value];
}

function writeHsv(target: Uint8Array, at: number, hue: number, saturation: number, value: number): void {
  const sixths = (hue * 6) / 255;
  const sector = Math.floor(sixths);
  const part = sixths - sector;
  const level = (lost: number): number => Math.round(value * (1 - (saturation / 255) * lost));
  const [p, q, t] = [level(1), level(part), level(1 - part)];
  const [red, green, blue] = [
    [value, t, p],
    [q, value, p],
    [p, value, t],
    [p, q, value],
    [t, p, value],
    [value, p, q],
  ][sector % 6]!;
  target[at] = red!;
  target[at + 1] = green!;
  target[at + 2] = blue!;
}

/** A transform that takes the colour from some images, which keep their channels. */
export const randomGrayscale = ({ probability = 0.1 }: ChanceOptions = {}): ((image: Image, random: Random) => Image) =>
  described(
    'randomGrayscale',
    [{ probability }],
    withProbability('randomGrayscale', probability, (image) => toChannels(toChannels(image, 1), image.channels)),
  );
