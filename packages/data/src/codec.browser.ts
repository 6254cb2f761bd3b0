import type { DecodeOptions } from './decode.ts';
import { blankImage, type Image, type Size } from './image.ts';
import { type ImageFormat, imageHeader } from './image-header.ts';
import type { PlainJpeg } from './plain-jpeg.ts';
import { corrupt } from './refused.ts';
import { type Box, resize } from './resize.ts';

/** Decodes the bytes of an image file of this format, upright, in sRGB, over a background. */
export async function decodePixels(
  bytes: Uint8Array,
  format: ImageFormat,
  { background = [255, 255, 255] }: DecodeOptions,
): Promise<Image> {
  const bitmap = await createImageBitmap(new Blob([bytes.slice()], { type: `image/${format.toLowerCase()}` })).catch(
    (error) => {
      throw corrupt(bytes, format, error);
    },
  );
  const { height, width } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d', {
    colorSpace: 'srgb',
    willReadFrequently: true,
  })!;
  context.fillStyle = `rgb(${background.join(' ')})`;
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return withoutAlpha(context.getImageData(0, 0, width, height));
}

function withoutAlpha({ data, height, width }: ImageData): Image {
  const image = blankImage(height, width, 3);
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    image.data[to] = data[from]!;
    image.data[to + 1] = data[from + 1]!;
    image.data[to + 2] = data[from + 2]!;
  }
  return image;
}

/** The browser decodes whole files. */
export const decodePart = async (
  _bytes: Uint8Array,
  _plain: PlainJpeg,
  _part: Box,
  _size: Size,
): Promise<Image | undefined> => undefined;

/** As in Node; how the file was stored is not told. */
export async function inspectPixels(bytes: Uint8Array, format: ImageFormat, side: number) {
  const image = await decodePixels(bytes, format, {});
  const size = imageHeader(bytes)?.size;
  const sideways = size !== undefined && size.height !== size.width && size.height === image.width;
  return {
    thumbnail: resize(side, side)(image),
    channels: undefined,
    bits: undefined,
    turned: sideways ? ('sideways' as const) : undefined,
  };
}
