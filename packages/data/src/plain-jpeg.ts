/**
 * Whether a JPEG file's samples are the pixels to show: it is upright, its colours are sRGB, and it has an end.
 *
 * Of colour profiles one is known to be sRGB, that of Hewlett-Packard 1998, which most files carry that carry any.
 */
export function isPlainJpeg(bytes: Uint8Array): boolean {
  if (bytes.at(-2) !== 0xff || bytes.at(-1) !== 0xd9) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = (at: number, length: number): string => String.fromCharCode(...bytes.subarray(at, at + length));
  for (let at = 2; at + 18 < bytes.length && bytes[at] === 0xff; at += 2 + view.getUint16(at + 2)) {
    const marker = bytes[at + 1];
    if (marker === 0xda) return true; // the scan
    if (marker === 0xe1 && text(at + 4, 6) === 'Exif\0\0' && orientationOf(view, at + 10) !== 1) return false;
    if (marker === 0xe2 && text(at + 4, 12) === 'ICC_PROFILE\0' && !isSrgb(text(at + 18, view.getUint16(at + 2) - 16)))
      return false;
  }
  return false;
}

const SRGB_BYTES = 3144;

const isSrgb = (profile: string): boolean =>
  profile.length === SRGB_BYTES && profile.includes('desc\0\0\0\0\0\0\0\x12sRGB IEC61966-2.1\0');

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
