import type { Kernels } from './kernels.ts';

/** A rectangle of whole pixels. */
export interface Part {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/**
 * A part of a JPEG file, brought to a size: `[height, width, 3]` bytes, red, green and blue (equal ones where the file is gray).
 *
 * What the part does not need is read over, but not computed. The pixels are those of libjpeg, bit for bit; resizing is Pillow's
 * antialiased bilinear one, rows first, of the part cut out. Works alone, in the thread that calls, beside calls of others.
 *
 * @returns Nothing for files that are not baseline with 8 bits, gray or Y, Cb, Cr in one scan at 4:4:4, 4:2:2 or 4:2:0, that are damaged up to the end of
 * the part, or where the part does not lie in the image: another decoder may know them, or say what is wrong. Profiles and
 * orientation are not looked at.
 */
export function decodeJpeg(
  kernels: Kernels,
  file: Uint8Array,
  part: Part,
  { height, width }: { height: number; width: number },
): Uint8Array | undefined {
  const { memory } = kernels;
  const bytes = memory.allocate(file.length);
  const result = memory.allocate(3 * height * width);
  const work = memory.allocate(workBytes(part, height, width));
  const outcome = memory.allocate(4);
  try {
    memory.bytes(bytes, file.length).set(file);
    const box = [part.top, part.left, part.height, part.width] as const;
    kernels.callAlone('jpeg', bytes, file.length, ...box, height, width, result, work, work.bytes, outcome);
    if (memory.ints(outcome, 1)[0] !== 0) return undefined;
    return memory.bytes(result, 3 * height * width).slice();
  } finally {
    for (const block of [bytes, result, work, outcome]) memory.release(block);
  }
}

/** Tables, the part in four bytes a pixel, the units of up to 16 x 16 that it lies in three times, and what resizing needs. */
const workBytes = (part: Part, height: number, width: number): number =>
  2 ** 16 +
  4 * part.height * part.width +
  3 * (part.height + 36) * (part.width + 36) +
  4 * width * (part.height + 8) +
  16 * (part.width + part.height) +
  32 * (width + height) +
  1024;
