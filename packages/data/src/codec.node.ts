import { DecodeError } from './decode-error.ts';
import { type Channels, type Image, toChannels } from './image.ts';

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
export async function inspectPixels(bytes: Uint8Array, format: string, side: number): Promise<Inspection> {
  const { default: sharp } = await loadSharp();
  try {
    const image = sharp(bytes, { autoOrient: true, failOn: 'warning', limitInputPixels: false });
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
