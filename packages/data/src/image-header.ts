import type { Size } from './image.ts';

/** Formats that are decoded. */
export type ImageFormat = 'JPEG' | 'PNG' | 'WebP' | 'GIF' | 'AVIF';

/** What the first bytes of an image file say. */
export interface ImageHeader {
  readonly format: ImageFormat;
  /** As stored: an EXIF orientation may turn it. Missing where the file is cut off or damaged before it says so. */
  readonly size: Size | undefined;
  /** What it is, if its format has this kind and hardly a decoder reads it. */
  readonly unread?: string | undefined;
}

/**
 * The format and the size that a file's content declares, without decoding it and whatever it is called.
 *
 * @returns Nothing if these are not the first bytes of a JPEG, PNG, WebP, GIF or AVIF image.
 */
export function imageHeader(bytes: Uint8Array): ImageHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const starts = (at: number, text: string): boolean =>
    [...text].every((char, i) => bytes[at + i] === char.charCodeAt(0));
  if (starts(0, '\x89PNG\r\n\x1a\n')) return { format: 'PNG', size: within(view, pngSize) };
  if (starts(0, '\xff\xd8\xff')) return { format: 'JPEG', size: undefined, ...within(view, jpegFrame) };
  if (starts(0, 'RIFF') && starts(8, 'WEBP')) return { format: 'WebP', size: within(view, webpSize) };
  if (starts(0, 'GIF87a') || starts(0, 'GIF89a')) return { format: 'GIF', size: within(view, gifSize) };
  if (starts(4, 'ftyp') && isAvif(bytes)) return { format: 'AVIF', size: within(view, avifSize) };
  return undefined;
}

/** What a reader finds, or nothing where the bytes end before it. */
function within<T>(view: DataView, read: (view: DataView) => T | undefined): T | undefined {
  try {
    return read(view);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** IHDR is always the first chunk: https://www.w3.org/TR/png-3/#11IHDR */
const pngSize = (view: DataView): Size => ({ width: view.getUint32(16), height: view.getUint32(20) });

/** Walks the segments to the start of frame: ITU-T T.81, B.2.2. */
function jpegFrame(view: DataView): Pick<ImageHeader, 'size' | 'unread'> | undefined {
  for (let at = 2; view.getUint8(at) === 0xff; ) {
    const marker = view.getUint8(at + 1);
    if (marker === 0xff)
      at++; // a fill byte
    else if (isStartOfFrame(marker))
      return {
        size: { height: view.getUint16(at + 5), width: view.getUint16(at + 7) },
        unread: unreadFrame(marker, view.getUint8(at + 4)),
      };
    else at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}

/** Processes of coding are told by the last bits: baseline, extended, progressive and lossless; then the same as parts of a hierarchy. */
function unreadFrame(marker: number, bits: number): string | undefined {
  if ((marker & 3) === 3) return 'lossless JPEG';
  if ((marker & 4) === 4) return 'hierarchical JPEG';
  return bits === 8 ? undefined : `JPEG of ${bits} bits a channel`;
}

/** 0xC0..0xCF but the tables among them: Huffman (C4), reserved (C8), arithmetic (CC). */
const isStartOfFrame = (marker: number): boolean => (marker & 0xf0) === 0xc0 && ![0xc4, 0xc8, 0xcc].includes(marker);

/** Lossy, lossless or extended: https://developers.google.com/speed/webp/docs/riff_container */
function webpSize(view: DataView): Size | undefined {
  const uint24 = (at: number): number => view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
  switch (view.getUint32(12)) {
    case 0x56503820: // 'VP8 '
      return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
    case 0x5650384c: {
      // 'VP8L'
      const bits = view.getUint32(21, true);
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    }
    case 0x56503858: // 'VP8X'
      return { width: uint24(24) + 1, height: uint24(27) + 1 };
    default:
      return undefined;
  }
}

/** The logical screen, which every frame lies in: https://www.w3.org/Graphics/GIF/spec-gif89a.txt, 18 */
const gifSize = (view: DataView): Size => ({ width: view.getUint16(6, true), height: view.getUint16(8, true) });

/** Whether `avif` or `avis` is among the brands of the first box: https://aomediacodec.github.io/av1-avif/#brands */
function isAvif(bytes: Uint8Array): boolean {
  const end = Math.min(bytes.length, new DataView(bytes.buffer, bytes.byteOffset).getUint32(0));
  for (let at = 8; at + 4 <= end; at += at === 8 ? 8 : 4)
    if (/^avi[fs]$/.test(String.fromCharCode(...bytes.subarray(at, at + 4)))) return true;
  return false;
}

/** The largest of the spatial extents in `meta`, which hold for the image, its parts, its alpha and its thumbnails: ISO/IEC 23008-12, 6.5.3. */
function avifSize(view: DataView): Size | undefined {
  let largest: Size | undefined;
  for (let at = 0, box = 0; at + 8 <= view.byteLength; at += Math.max(box, 8)) {
    box = view.getUint32(at);
    if (view.getUint32(at + 4) !== 0x6d657461) continue; // 'meta'
    for (let i = at + 8; i < at + box - 16; i++) {
      if (view.getUint32(i) !== 0x69737065) continue; // 'ispe'
      const size = { width: view.getUint32(i + 8), height: view.getUint32(i + 12) };
      if (!largest || size.width * size.height > largest.width * largest.height) largest = size;
    }
    return largest;
  }
  return undefined;
}
