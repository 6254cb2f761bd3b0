import { decodePixels } from '#codec';
import { DecodeError } from './decode-error.ts';
import { type Channels, type Image, type Size, toChannels } from './image.ts';
import { type ImageHeader, imageHeader } from './image-header.ts';

/** What `decodeImage` gives and accepts. */
export interface DecodeOptions {
  /** 3 for colour, 1 for gray. Default 3. */
  channels?: Channels;
  /** Larger files are refused. Default 64 MiB. */
  maxBytes?: number;
  /** Larger images are refused, before they are decoded. Default 50 million. */
  maxPixels?: number;
}

/**
 * The pixels of a JPEG, PNG or WebP file, told by its content: upright (EXIF orientation), in sRGB, over white where transparent,
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
 * const gif = new TextEncoder().encode('GIF89a');
 * console.log(await decodeImage(gif).catch((error) => error.reason)); // => not a JPEG, PNG or WebP image
 * ```
 */
export async function decodeImage(bytes: Uint8Array, options: DecodeOptions = {}): Promise<Image> {
  const { channels = 3 } = options;
  checkBytes(bytes.length, options);
  const { format } = checkedHeader(bytes, options);
  return toChannels(await decodePixels(bytes, format), channels);
}

/** What an image file says of itself. @throws {DecodeError} if it is none, or one that can't be or must not be decoded. */
export function checkedHeader(
  bytes: Uint8Array,
  { maxPixels = 50e6 }: DecodeOptions,
): Pick<ImageHeader, 'format'> & { size: Size } {
  const header = imageHeader(bytes);
  if (!header) throw new DecodeError('unsupported', 'not a JPEG, PNG or WebP image');
  const { format, size } = header;
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
