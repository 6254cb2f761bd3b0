import type { Kernels } from './kernels.ts';

/** A rectangle of whole pixels. */
export interface Part {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** Other colours: the sum of what the three channels of a pixel have in `light` is what `encoded` is read at, for each of three channels. */
export interface Recolouring {
  /** `[3, 256, 4]`, of which the fourth is not read. */
  readonly light: Int32Array;
  readonly encoded: Uint8Array;
}

/**
 * A part of a JPEG file, brought to a size: `[height, width, 3]` bytes, red, green and blue (equal ones where the file is gray).
 *
 * What the part does not need is read over, but not computed. The pixels are those of libjpeg, bit for bit; resizing is Pillow's
 * antialiased bilinear one, rows first, of the part cut out. Works alone, in the thread that calls, beside calls of others.
 *
 * @returns Nothing for files that are not baseline with 8 bits, gray or Y, Cb, Cr in one scan at 4:4:4, 4:2:2 or 4:2:0, that are damaged up to the end of
 * the part, or where the part does not lie in the image: another decoder may know them, or say what is wrong. Profiles and
 * orientation are not looked at; colours (but not gray) are changed, before resizing, if `recolouring` says how.
 */
export function decodeJpeg(
  kernels: Kernels,
  file: Uint8Array,
  part: Part,
  { height, width }: { height: number; width: number },
  recolouring?: Recolouring,
): Uint8Array | undefined {
  const { memory } = kernels;
  const bytes = memory.allocate(file.length);
  const result = memory.allocate(3 * height * width);
  const work = memory.allocate(file.length + workBytes(part, height, width));
  const light = recolouring && memory.allocate(recolouring.light.byteLength);
  const encoded = recolouring && memory.allocate(recolouring.encoded.length);
  const outcome = memory.allocate(4);
  try {
    memory.bytes(bytes, file.length).set(file);
    if (light) memory.ints(light, recolouring.light.length).set(recolouring.light);
    if (encoded) memory.bytes(encoded, recolouring.encoded.length).set(recolouring.encoded);
    const tables = [light, encoded, recolouring?.encoded.length] as const;
    const box = [part.top, part.left, part.height, part.width] as const;
    kernels.callAlone('jpeg', bytes, file.length, ...box, height, width, result, work, work.bytes, ...tables, outcome);
    if (memory.ints(outcome, 1)[0] !== 0) return undefined;
    return memory.bytes(result, 3 * height * width).slice();
  } finally {
    for (const block of [bytes, result, work, outcome, light, encoded]) if (block) memory.release(block);
  }
}

/** Besides the file: tables, the part in four bytes a pixel, the units of up to 16 x 16 that it lies in three times, and what resizing needs. */
const workBytes = (part: Part, height: number, width: number): number =>
  2 ** 16 +
  4 * part.height * part.width +
  3 * (part.height + 36) * (part.width + 36) +
  4 * width * (part.height + 8) +
  48 * part.width +
  16 * part.height +
  32 * (width + height) +
  1024;
