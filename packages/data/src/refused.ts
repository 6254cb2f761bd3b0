import { DecodeError } from './decode-error.ts';
import type { ImageFormat } from './image-header.ts';

// Decoders say what is wrong with a file in words of their own, and libvips mixes up those of files that are decoded at the same time.

/** What is said of a file that its decoder refuses. */
export function corrupt(bytes: Uint8Array, format: ImageFormat, cause: unknown): DecodeError {
  const reason = hasEnd[format](bytes) ? "it can't be decoded" : 'it is cut off';
  return new DecodeError('corrupt', `damaged ${format}: ${reason}`, { cause });
}

/** What is said of a file of none of the formats; common ones are called by their names. */
export function unsupported(bytes: Uint8Array): DecodeError {
  const name = Object.entries(otherFormats).find(([, magic]) => magic.test(textAt(bytes, 0, 40)))?.[0];
  return new DecodeError('unsupported', `not a JPEG, PNG, WebP, GIF or AVIF image${name ? `, but ${name}` : ''}`);
}

const otherFormats: Readonly<Record<string, RegExp>> = {
  HEIC: /^.{4}ftyp(hei|hev|mif1|msf1)/s,
  TIFF: /^(II[*+]\0|MM\0[*+])/,
  BMP: /^BM.{4}\0{4}/s,
  'JPEG 2000': /^(.{4}jP {2}|\xffO\xffQ)/s,
  'JPEG XL': /^(.{4}JXL |\xff\n)/s,
  'SVG or other XML': /^\s*<(svg|\?xml)/,
  HTML: /^\s*<(!doctype )?html/i,
  PDF: /^%PDF/,
};

const textAt = (bytes: Uint8Array, from: number, to: number): string =>
  String.fromCharCode(...bytes.subarray(from, to));

/** Whether a file goes on to the end that its format has, whatever comes behind it. */
const hasEnd: Readonly<Record<ImageFormat, (bytes: Uint8Array) => boolean>> = {
  // Within scans 0xFF stands before 0 and restarts only; a thumbnail's end comes before the last start of a scan.
  JPEG: (bytes) => lastOf(bytes, [0xff, 0xd9]) > lastOf(bytes, [0xff, 0xda]),
  PNG: (bytes) => lastOf(bytes, [0x49, 0x45, 0x4e, 0x44]) >= 0, // 'IEND'
  WebP: (bytes) => bytes.length >= 8 + viewOf(bytes).getUint32(4, true),
  GIF: (bytes) => bytes.at(-1) === 0x3b,
  // Boxes, one behind the other, that say how long they are; 0 is to the end.
  AVIF: (bytes) => {
    let at = 0;
    for (let size = 8; size > 0 && at + 8 <= bytes.length; at += size) size = viewOf(bytes).getUint32(at);
    return at <= bytes.length;
  },
};

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Where these bytes begin for the last time, or -1. */
function lastOf(bytes: Uint8Array, wanted: readonly number[]): number {
  for (let at = bytes.length - wanted.length; at >= 0; at--)
    if (wanted.every((byte, i) => bytes[at + i] === byte)) return at;
  return -1;
}
