import { described } from './description.ts';
import { blankImage, type Channels, type Image, toChannels } from './image.ts';
import type { Normalization } from './loader.ts';
import { type ResizeFilter, resizeBox } from './resize.ts';

/**
 * How any image becomes what a network was trained on: plain JSON that is saved with its weights, and the same code in training,
 * evaluation and use.
 *
 * `resize` says what happens to another aspect: `squash` distorts it; `crop` keeps the middle that has the network's aspect;
 * `pad` keeps all of it, between black bars.
 */
export interface Preprocessing extends Normalization {
  readonly height: number;
  readonly width: number;
  readonly channels: Channels;
  readonly resize: 'squash' | 'crop' | 'pad';
  /**
   * With `crop`: how much of that middle is kept, in (0, 1]. 0.875 is what resizing the shorter side to 256 and cutting out 224 comes to.
   *
   * @defaultValue 1
   */
  readonly cropFraction?: number;
  /** How pixels between pixels are found. @defaultValue 'bilinear' */
  readonly interpolation?: ResizeFilter;
}

/**
 * The image with the channels and the size that a network wants; normalising is left to the batch.
 *
 * @example
 * ```ts
 * import { type Preprocessing, preprocess } from '@imgcls/data';
 *
 * const preprocessing: Preprocessing = { height: 32, width: 32, channels: 3, resize: 'crop', mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
 * const photo = { data: new Uint8Array(60 * 80), height: 60, width: 80, channels: 1 as const };
 * console.log(preprocess(photo, preprocessing).data.length); // => 3072
 * ```
 */
export function preprocess(
  image: Image,
  { height, width, channels, resize, ...how }: Omit<Preprocessing, 'mean' | 'std'>,
): Image {
  return toChannels(fit[resize](image, height, width, how), channels);
}

/** `preprocess` with these settings, as a function that `mapped` takes, and workers can apply. */
export const preprocessor = (preprocessing: Omit<Preprocessing, 'mean' | 'std'>): ((image: Image) => Image) =>
  described('preprocessor', [preprocessing], (image) => preprocess(image, preprocessing));

type Details = Pick<Preprocessing, 'cropFraction' | 'interpolation'>;

const fit = {
  squash: (image: Image, height: number, width: number, { interpolation }: Details): Image =>
    resizeBox(image, height, width, undefined, interpolation),
  crop: (image: Image, height: number, width: number, { cropFraction = 1, interpolation }: Details): Image => {
    const scale = cropFraction * Math.min(image.height / height, image.width / width); // input pixels per output pixel
    const box = { height: height * scale, width: width * scale };
    const [top, left] = [(image.height - box.height) / 2, (image.width - box.width) / 2];
    return resizeBox(image, height, width, { ...box, top, left }, interpolation);
  },
  pad: (image: Image, height: number, width: number, { interpolation }: Details): Image => {
    const scale = Math.max(image.height / height, image.width / width);
    const [innerHeight, innerWidth] = [image.height, image.width].map((n) => Math.max(1, Math.round(n / scale)));
    const inner = resizeBox(image, innerHeight!, innerWidth!, undefined, interpolation);
    const result = blankImage(height, width, image.channels);
    const [top, left] = [(height - inner.height) >> 1, (width - inner.width) >> 1];
    const rowSize = inner.width * inner.channels;
    for (let y = 0; y < inner.height; y++)
      result.data.set(inner.data.subarray(y * rowSize, (y + 1) * rowSize), ((top + y) * width + left) * image.channels);
    return result;
  },
} satisfies Record<Preprocessing['resize'], (image: Image, height: number, width: number, how: Details) => Image>;

/**
 * What a file holds as a `Preprocessing`, if it is one.
 *
 * @throws {TypeError} naming the member that is missing, unknown, or not what it must be.
 * @example
 * ```ts
 * import { parsePreprocessing } from '@imgcls/data';
 *
 * const json = '{ "height": 8, "width": 8, "channels": 1, "resize": "squash", "mean": [0.3], "std": [0.4] }';
 * console.log(parsePreprocessing(JSON.parse(json)).height); // => 8
 * ```
 */
export function parsePreprocessing(value: unknown): Preprocessing {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TypeError(`preprocessing: must be an object, got ${JSON.stringify(value)}`);
  const unknown = Object.keys(value).find((key) => !(key in members));
  if (unknown !== undefined)
    throw new TypeError(
      `preprocessing: has no member "${unknown}", only ${Object.keys(members).join(', ')}; was it written by a newer version?`,
    );
  const given = value as Record<string, unknown>;
  for (const [name, [valid, must]] of Object.entries(members))
    if (!valid(given[name], given.channels))
      throw new TypeError(`preprocessing: ${name} must be ${must}, got ${JSON.stringify(given[name])}`);
  const { height, width, channels, resize, cropFraction, interpolation, mean, std } = value as Preprocessing;
  return {
    height,
    width,
    channels,
    resize,
    ...(cropFraction !== undefined && { cropFraction }),
    ...(interpolation !== undefined && { interpolation }),
    mean: [...mean],
    std: [...std],
  };
}

type Valid = (value: unknown, channels: unknown) => boolean;

const whole: Valid = (value) => Number.isInteger(value) && (value as number) >= 1;
const perChannel =
  (valid: (number: number) => boolean): Valid =>
  (value, channels) =>
    Array.isArray(value) && value.length === channels && value.every((v) => Number.isFinite(v) && valid(v));

const members: Record<keyof Preprocessing, [valid: Valid, must: string]> = {
  height: [whole, 'an integer >= 1'],
  width: [whole, 'an integer >= 1'],
  channels: [(value) => value === 1 || value === 3, '1 or 3'],
  resize: [(value) => typeof value === 'string' && Object.hasOwn(fit, value), `one of ${Object.keys(fit).join(', ')}`],
  cropFraction: [
    (value) => value === undefined || (typeof value === 'number' && value > 0 && value <= 1),
    'in (0, 1], or left out',
  ],
  interpolation: [
    (value) => [undefined, 'bilinear', 'bicubic'].includes(value as string),
    'bilinear, bicubic, or left out',
  ],
  mean: [perChannel(() => true), 'a list of numbers, one per channel'],
  std: [perChannel((v) => v > 0), 'a list of numbers > 0, one per channel'],
};
