import type { Size } from './image.ts';

/** What the first bytes of an image file say. */
export interface ImageHeader extends Size {
  readonly format: 'JPEG' | 'PNG' | 'WebP';
}

/**
 * The format and the size that a file's content declares, without decoding it and whatever it is called.
 *
 * The size is as stored: an EXIF orientation may turn it.
 *
 * @returns Nothing if these are not the first bytes of a JPEG, PNG or WebP image.
 */
export function imageHeader(bytes: Uint8Array): ImageHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    if (view.getUint32(0) === 0x89504e47)
      return { format: 'PNG', width: view.getUint32(16), height: view.getUint32(20) };
    if (view.getUint16(0) === 0xffd8) return jpegHeader(view);
    if (text(view, 0) === 'RIFF' && text(view, 8) === 'WEBP') return webpHeader(view);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // the file ends within its header
  }
  return undefined;
}

/** Walks the segments to the start of frame (ITU-T T.81, B.2.2). */
function jpegHeader(view: DataView): ImageHeader | undefined {
  for (let at = 2; view.getUint8(at) === 0xff; ) {
    const marker = view.getUint8(at + 1);
    if (marker === 0xff)
      at++; // fill byte
    else if (isStartOfFrame(marker))
      return { format: 'JPEG', height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    else at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}

/** 0xC0..0xCF but the tables among them: Huffman (C4), reserved (C8), arithmetic (CC). */
const isStartOfFrame = (marker: number): boolean => (marker & 0xf0) === 0xc0 && ![0xc4, 0xc8, 0xcc].includes(marker);

/** Lossy, lossless or extended: https://developers.google.com/speed/webp/docs/riff_container */
function webpHeader(view: DataView): ImageHeader | undefined {
  const uint24 = (at: number): number => view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
  switch (text(view, 12)) {
    case 'VP8 ':
      return { format: 'WebP', width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
    case 'VP8L': {
      const bits = view.getUint32(21, true);
      return { format: 'WebP', width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    }
    case 'VP8X':
      return { format: 'WebP', width: uint24(24) + 1, height: uint24(27) + 1 };
    default:
      return undefined;
  }
}

const text = (view: DataView, at: number): string =>
  String.fromCharCode(view.getUint8(at), view.getUint8(at + 1), view.getUint8(at + 2), view.getUint8(at + 3));
