import { DecodeError } from './decode-error.ts';
import type { Channels, Image } from './image.ts';

/** Decodes the bytes of an image file of this format (for errors), upright, in sRGB, over white. */
export async function decodePixels(bytes: Uint8Array, format: string): Promise<Image> {
  const { default: sharp } = await loadSharp();
  try {
    const { data, info } = await sharp(bytes, { autoOrient: true, failOn: 'warning', limitInputPixels: false })
      .flatten({ background: 'white' })
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
    throw new DecodeError('corrupt', `damaged ${format}: ${firstLine(error)}`, { cause: error });
  }
}

async function loadSharp() {
  try {
    return await import('sharp');
  } catch (error) {
    throw new Error('decodeImage: needs the package sharp to read images in Node; run: npm install sharp', {
      cause: error,
    });
  }
}

const firstLine = (error: unknown): string => (error as Error).message.split('\n')[0]!;
