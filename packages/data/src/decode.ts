import type { Random } from '@imgcls/random';
import { decodePart, decodePixels } from '#codec';
import { type Cropping, cropped } from './cropping.ts';
import { DecodeError } from './decode-error.ts';
import { type Channels, type Image, type Size, toChannels } from './image.ts';
import { type ImageHeader, imageHeader } from './image-header.ts';
import { plainJpeg } from './plain-jpeg.ts';
import { unsupported } from './refused.ts';

/** What `decodeImage` gives and accepts. */
export interface DecodeOptions {
  /** 3 for colour, 1 for gray. Default 3. */
  channels?: Channels;
  /** Larger files are refused. Default 64 MiB. */
  maxBytes?: number;
  /** Larger images are refused, before they are decoded. Default 50 million. */
  maxPixels?: number;
  /** The colour that transparent pixels lie over: red, green and blue, 0..255. Default white. */
  background?: readonly [red: number, green: number, blue: number];
  /**
   * Whether a file that ends too early, or is damaged inside, gives what there is of it; what is missing is gray or black.
   * In browsers it depends on the browser. Default false: it is an error.
   */
  partial?: boolean;
}

/**
 * The pixels of a JPEG, PNG, WebP, GIF or AVIF file, told by its content: upright (EXIF orientation), in sRGB (by its colour profile), over white where transparent,
 * the first frame where animated.
 *
 * In Node the package `sharp` decodes, in a browser the browser.
 *
 * @throws {DecodeError} if the bytes are empty, something else, damaged, or too large; its `code` and `reason` say which.
 * @throws {Error} if `sharp` is not installed.
 * @example
 * ```ts
 * import { decodeImage } from '@imgcls/data';
 *
 * const text = new TextEncoder().encode('no image');
 * console.log(await decodeImage(text).catch((error) => error.reason)); // => not a JPEG, PNG, WebP, GIF or AVIF image
 * ```
 */
export async function decodeImage(bytes: Uint8Array, options: DecodeOptions = {}): Promise<Image> {
  const { channels = 3 } = options;
  checkBytes(bytes.length, options);
  const { format, size } = checkedHeader(bytes, options);
  const small = size.height * size.width <= SMALL;
  const plain = small && format === 'JPEG' ? plainJpeg(bytes) : undefined;
  const whole = plain && (await decodePart(bytes, plain, { top: 0, left: 0, ...size }, size));
  return toChannels(whole ?? (await decodePixels(bytes, format, options)), channels);
}

/** Of so many pixels a JPEG file is quickly decoded where one stands; larger ones are better given to the threads of sharp. */
const SMALL = 2 ** 18;

/**
 * The part of an image file that is cut out of it, at its size, where that is quicker than to decode all of it.
 *
 * @returns Nothing, and no random number has been drawn, for files of which this is not known.
 * @throws {DecodeError} as `decodeImage` does.
 */
export async function decodeCropped(
  bytes: Uint8Array,
  options: DecodeOptions,
  cutting: Cropping,
  random: Random,
): Promise<Image | undefined> {
  checkBytes(bytes.length, options);
  const { format, size } = checkedHeader(bytes, options);
  const plain = format === 'JPEG' && options.channels !== 1 && !options.partial ? plainJpeg(bytes) : undefined;
  if (!plain) return undefined;
  const part = cutting.part(size, random);
  return (await decodePart(bytes, plain, part, cutting)) ?? cropped(await decodeImage(bytes, options), part, cutting);
}

/** What an image file says of itself. @throws {DecodeError} if it is none, or one that can't be or must not be decoded. */
export function checkedHeader(
  bytes: Uint8Array,
  { maxPixels = 50e6 }: DecodeOptions,
): Pick<ImageHeader, 'format'> & { size: Size } {
  const header = imageHeader(bytes);
  if (!header) throw unsupported(bytes);
  const { format, size, unread } = header;
  if (unread) throw new DecodeError('unsupported', `${unread}, which is not read`);
  if (!size) throw new DecodeError('corrupt', `damaged ${format}: its size is missing`);
  if (size.height * size.width > maxPixels)
    throw new DecodeError('too-large', `${size.height} x ${size.width} pixels, more than the limit of ${maxPixels}`);
  return { format, size };
}

/** @throws {DecodeError} if a file of this size can't be or must not be read. */
export function checkBytes(size: number, { maxBytes = 64 * 2 ** 20 }: DecodeOptions): void {
  if (size === 0) throw new DecodeError('empty', 'empty file');
  if (size > maxBytes) throw new DecodeError('too-large', `${size} bytes, more than the limit of ${maxBytes}`);
}
