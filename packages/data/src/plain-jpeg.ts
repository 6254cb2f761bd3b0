/** A JPEG file that is upright and has an end. */
export interface PlainJpeg {
  /** The profile of its colours, where that is not sRGB. */
  readonly profile: Uint8Array | undefined;
}

/**
 * A JPEG file whose samples are the pixels to show, but for their colours.
 *
 * Of colour profiles one is known to be sRGB, that of Hewlett-Packard 1998, which most files carry that carry any.
 *
 * @returns Nothing for files that are to be turned, that have no end, or whose profile comes in pieces.
 */
export function plainJpeg(bytes: Uint8Array): PlainJpeg | undefined {
  if (bytes.at(-2) !== 0xff || bytes.at(-1) !== 0xd9) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const starts = (at: number, text: string): boolean =>
    [...text].every((char, i) => bytes[at + i] === char.charCodeAt(0));
  let profile: Uint8Array | undefined;
  for (let at = 2; at + 18 < bytes.length && bytes[at] === 0xff; at += 2 + view.getUint16(at + 2)) {
    const marker = bytes[at + 1];
    if (marker === 0xda) return { profile: profile && isSrgb(profile) ? undefined : profile };
    if (marker === 0xe1 && starts(at + 4, 'Exif\0\0') && orientationOf(view, at + 10) !== 1) return undefined;
    if (marker !== 0xe2 || !starts(at + 4, 'ICC_PROFILE\0')) continue;
    if (bytes[at + 16] !== 1 || bytes[at + 17] !== 1) return undefined; // the first of one
    profile = bytes.subarray(at + 18, at + 2 + view.getUint16(at + 2));
  }
  return undefined;
}

const SRGB_BYTES = 3144;

const isSrgb = (profile: Uint8Array): boolean =>
  profile.length === SRGB_BYTES &&
  String.fromCharCode(...profile).includes('desc\0\0\0\0\0\0\0\x12sRGB IEC61966-2.1\0');

/** Entry 0x0112 of the first directory: TIFF 6.0, section 2. 1 if there is none, or it can't be read. */
function orientationOf(view: DataView, start: number): number {
  try {
    const little = view.getUint16(start) === 0x4949;
    const directory = start + view.getUint32(start + 4, little);
    const entries = view.getUint16(directory, little);
    for (let i = 0; i < entries; i++) {
      const entry = directory + 2 + 12 * i;
      if (view.getUint16(entry, little) === 0x0112) return view.getUint16(entry + 8, little);
    }
    return 1;
  } catch (error) {
    if (error instanceof RangeError) return 1;
    throw error;
  }
}
