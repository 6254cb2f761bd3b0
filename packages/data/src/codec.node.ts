import { profileTables } from './color-profile.ts';
import type { DecodeOptions } from './decode.ts';
import { type Channels, type Image, type Size, toChannels } from './image.ts';
import type { ImageFormat } from './image-header.ts';
import type { PlainJpeg } from './plain-jpeg.ts';
import { corrupt } from './refused.ts';
import type { Box } from './resize.ts';

type Sharp = typeof import('sharp').default;

/** Decodes the bytes of an image file of this format, upright, in sRGB, over a background. */
export async function decodePixels(
  bytes: Uint8Array,
  format: ImageFormat,
  { background = [255, 255, 255], partial = false }: DecodeOptions,
): Promise<Image> {
  const sharp = await loadSharp();
  const [r, g, b] = background;
  try {
    const { data, info } = await sharp(sequenceAsImage(bytes, format), {
      ...upright,
      failOn: partial ? 'none' : 'warning',
    })
      .flatten({ background: { r, g, b } })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return {
      data: new Uint8Array(data.buffer, data.byteOffset, data.length),
      height: info.height,
      width: info.width,
      channels: info.channels as Channels,
    };
  } catch (error) {
    throw corrupt(bytes, format, error);
  }
}

/**
 * libvips knows an animated AVIF file by no brand; as a still image, which such files are too, it is read, and shows the first frame.
 * https://aomediacodec.github.io/av1-avif/#brands
 */
function sequenceAsImage(bytes: Uint8Array, format: ImageFormat): Uint8Array {
  if (format !== 'AVIF' || bytes[11] === 0x66) return bytes; // 'f' of 'avif'
  const copy = bytes.slice();
  copy.set([0x61, 0x76, 0x69, 0x66], 8);
  return copy;
}

const upright = { autoOrient: true, limitInputPixels: false } as const;

/**
 * A part of a JPEG file, brought to a size, if our own decoder is here and knows such files and their colours. It reads over what the part does
 * not need. The pixels are those of `decodePixels` and `cropped`, bit for bit; within two levels where a profile is not sRGB.
 */
export async function decodePart(
  bytes: Uint8Array,
  { profile }: PlainJpeg,
  part: Box,
  { height, width }: Size,
): Promise<Image | undefined> {
  const loaded = await loadDecoder();
  const recolouring = profile && profileTables(profile);
  if (!loaded || (profile && !recolouring)) return undefined;
  const data = loaded.decode(loaded.kernels, bytes, part, { height, width }, recolouring);
  return data && { data, height, width, channels: 3 };
}

let decoder: Promise<Awaited<ReturnType<typeof openDecoder>> | undefined> | undefined;

/** The kernels of `@imgcls/kernels`; nothing where they can't be loaded. */
function loadDecoder() {
  decoder ??= openDecoder().catch(() => undefined);
  return decoder;
}

async function openDecoder() {
  const { decodeJpeg, loadKernels } = await import('@imgcls/kernels');
  const kernels = await loadKernels({ carrier: 'native', threads: 1 }).catch(() =>
    loadKernels({ carrier: 'wasm', threads: 1 }),
  );
  return { kernels, decode: decodeJpeg };
}

/** What `examineFolder` wants to know of an image: it is decoded, and shrunk on the way, which is quick. */
export interface Inspection {
  /** `side` x `side` pixels, sRGB. */
  thumbnail: Image;
  /** As stored; undefined where the platform does not tell. */
  channels: number | undefined;
  bits: number | undefined;
  /** Whether EXIF turns it, and then whether its height and width change places. */
  turned: 'sideways' | 'over' | undefined;
}

/** Decodes an image small, and tells how it was stored. */
export async function inspectPixels(bytes: Uint8Array, format: ImageFormat, side: number): Promise<Inspection> {
  const sharp = await loadSharp();
  try {
    const image = sharp(sequenceAsImage(bytes, format), { ...upright, failOn: 'warning' });
    const { channels, depth, orientation = 1 } = await image.metadata();
    const data = await image
      .resize(side, side, { fit: 'fill' })
      .flatten({ background: 'white' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer();
    const shown = data.length === side * side ? 1 : 3;
    return {
      thumbnail: toChannels({ data: new Uint8Array(data), height: side, width: side, channels: shown }, 3),
      channels,
      bits: depth === 'ushort' ? 16 : 8,
      turned: orientation >= 5 ? 'sideways' : orientation > 1 ? 'over' : undefined,
    };
  } catch (error) {
    throw corrupt(bytes, format, error);
  }
}

let loaded: Promise<Sharp> | undefined;

/** sharp, which from now on reads no format but those that `imageHeader` knows: others are not for untrusted input. */
function loadSharp(): Promise<Sharp> {
  loaded ??= import('sharp').then(
    ({ default: sharp }) => {
      sharp.block({ operation: ['VipsForeignLoad'] });
      sharp.unblock({ operation: ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Heif'].map((name) => `VipsForeignLoad${name}`) });
      return sharp;
    },
    (error) => {
      loaded = undefined;
      throw new Error('decodeImage: needs the package sharp to read images in Node; run: npm install sharp', {
        cause: error,
      });
    },
  );
  return loaded;
}
