import type { Random } from '@imgcls/random';
import { between, type ChanceOptions, withProbability } from './chance.ts';
import { described } from './description.ts';
import { beyondOf } from './fill.ts';
import { blankImage, type Image } from './image.ts';
import { toByte } from './numbers.ts';

/** Moved away from its smoothed self by a factor: 0 is smooth, 1 the image, 2 sharper. The outermost pixels stay. */
export function adjustSharpness(image: Image, factor: number): Image {
  const { data, height, width, channels } = image;
  const result = { ...blankImage(height, width, channels), data: data.slice() };
  const row = width * channels;
  for (let y = 1; y < height - 1; y++) {
    for (let i = y * row + channels; i < (y + 1) * row - channels; i++) {
      const smooth = Math.trunc(
        (4 * data[i]! + around(data, i - row, channels) + around(data, i, channels) + around(data, i + row, channels)) /
          13 +
          0.5,
      );
      result.data[i] = toByte(smooth + factor * (data[i]! - smooth));
    }
  }
  return result;
}

const around = (data: Uint8Array, i: number, channels: number): number =>
  data[i - channels]! + data[i]! + data[i + channels]!;

/** A transform that sharpens (or with a factor below 1 smooths) some images. */
export const randomAdjustSharpness = (
  factor: number,
  { probability = 0.5 }: ChanceOptions = {},
): ((image: Image, random: Random) => Image) =>
  described(
    'randomAdjustSharpness',
    [factor, { probability }],
    withProbability('randomAdjustSharpness', probability, (image) => adjustSharpness(image, factor)),
  );

/** How `gaussianBlur` blurs. */
export interface GaussianBlurOptions {
  /** The standard deviation in pixels is drawn from here. Default `[0.1, 2]`. */
  sigma?: number | readonly [least: number, most: number];
}

/**
 * A transform that blurs with a Gaussian of random width, over a window of odd size; beyond its edge the image is mirrored.
 *
 * @throws {RangeError} unless the window is odd and the deviations are positive and in order.
 */
export function gaussianBlur(
  kernelSize: number,
  { sigma = [0.1, 2] }: GaussianBlurOptions = {},
): (image: Image, random: Random) => Image {
  const [least, most] = typeof sigma === 'number' ? [sigma, sigma] : sigma;
  if (!(Number.isInteger(kernelSize) && kernelSize >= 1 && kernelSize % 2 === 1))
    throw new RangeError(`gaussianBlur: kernelSize must be odd and >= 1, got ${kernelSize}`);
  if (!(least > 0 && least <= most && most < Number.POSITIVE_INFINITY))
    throw new RangeError(`gaussianBlur: sigma must be > 0, or two such in order, got ${JSON.stringify(sigma)}`);
  return described('gaussianBlur', [kernelSize, { sigma }], (image, random) =>
    blurred(image, gaussian(kernelSize, between(least, most, random))),
  );
}

/** The weights of a Gaussian at whole distances from its centre; they add up to 1. */
export function gaussian(size: number, sigma: number): Float64Array {
  const weights = Float64Array.from({ length: size }, (_, i) => Math.exp(-0.5 * ((i - (size - 1) / 2) / sigma) ** 2));
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / total);
}

function blurred(image: Image, weights: Float64Array): Image {
  const { data, height, width, channels } = image;
  const rows = convolved(Float64Array.from(data), height, width, channels, weights);
  const both = convolved(rows, width, height, channels, weights);
  const result = blankImage(height, width, channels);
  for (let i = 0; i < both.length; i++) result.data[i] = Math.round(both[i]!);
  return result;
}

/** Along the rows of `[height, width, channels]`, and transposed: `[width, height, channels]`, so that twice is both axes. */
export function convolved(
  data: Float64Array,
  height: number,
  width: number,
  channels: number,
  weights: Float64Array,
): Float64Array {
  const result = new Float64Array(data.length);
  const half = (weights.length - 1) / 2;
  const reflect = beyondOf('reflect');
  const columns = Int32Array.from({ length: width + 2 * half }, (_, i) => reflect(i - half, width));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        let value = 0;
        for (let k = 0; k < weights.length; k++)
          value += weights[k]! * data[(y * width + columns[x + k]!) * channels + c]!;
        result[(x * height + y) * channels + c] = value;
      }
    }
  }
  return result;
}

/** How `gaussianNoise` disturbs, in parts of 255. */
export interface GaussianNoiseOptions {
  /** Default 0. */
  mean?: number;
  /** Default 0.1. */
  sigma?: number;
}

/** A transform that adds noise to every value, and cuts what comes out to 0..255. */
export function gaussianNoise({
  mean = 0,
  sigma = 0.1,
}: GaussianNoiseOptions = {}): (image: Image, random: Random) => Image {
  if (!(sigma >= 0)) throw new RangeError(`gaussianNoise: sigma must be >= 0, got ${sigma}`);
  return described('gaussianNoise', [{ mean, sigma }], ({ data, height, width, channels }, random) => {
    const result = blankImage(height, width, channels);
    for (let i = 0; i < data.length; i++) {
      result.data[i] = toByte(data[i]! + 255 * (mean + sigma * random.normal()));
    }
    return result;
  });
}
