/** An image on the host: rows from the top, `[height, width, channels]`, one byte per value, in sRGB (3 channels) or gray (1). */
export interface Image {
  readonly data: Uint8Array;
  readonly height: number;
  readonly width: number;
  readonly channels: Channels;
}

/** 1 is gray, 3 is red, green and blue. */
export type Channels = 1 | 3;

/** A size in pixels. */
export interface Size {
  readonly height: number;
  readonly width: number;
}

/** A black image. */
export function blankImage(height: number, width: number, channels: Channels): Image {
  return { data: new Uint8Array(height * width * channels), height, width, channels };
}

/**
 * The image with 1 or 3 channels: gray becomes three equal channels, colour becomes its luma.
 *
 * `L = (19595 R + 38470 G + 7471 B + 2¹⁵) >> 16`, the weights of ITU-R BT.601 as Pillow rounds them.
 *
 * @returns The same image where it has that many channels already.
 */
export function toChannels(image: Image, channels: Channels): Image {
  if (image.channels === channels) return image;
  const result = blankImage(image.height, image.width, channels);
  const pixels = image.height * image.width;
  if (channels === 1) for (let i = 0; i < pixels; i++) result.data[i] = luma(image.data, 3 * i);
  else for (let i = 0; i < pixels; i++) result.data.fill(image.data[i]!, 3 * i, 3 * i + 3);
  return result;
}

/** The luma of the colour whose red value lies at `offset`, in 0..255. */
export function luma(rgb: Uint8Array, offset: number): number {
  return (19595 * rgb[offset]! + 38470 * rgb[offset + 1]! + 7471 * rgb[offset + 2]! + 0x8000) >> 16;
}

/** The size in words: `32x32x3` is height, width, channels. */
export const sizeOf = ({ height, width, channels }: Omit<Image, 'data'>): string => `${height}x${width}x${channels}`;

/** @throws {RangeError} unless both are whole and at least 1. */
export function checkSize(where: string, height: number, width: number): void {
  if (!(Number.isInteger(height) && Number.isInteger(width) && height >= 1 && width >= 1))
    throw new RangeError(`${where}: height and width must be integers >= 1, got ${height} and ${width}`);
}
