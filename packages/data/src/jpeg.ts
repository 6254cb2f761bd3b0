import type { Random } from '@imgcls/random';
import { described } from './description.ts';
import { blankImage, type Image } from './image.ts';
import { checkWhole } from './numbers.ts';

// What encoding and decoding loses, and nothing else: the entropy code in between loses nothing, so there is none here. Integer
// arithmetic is libjpeg's, in its default settings (4:2:0, the accurate DCT): the results are the same bit for bit.

/**
 * A transform that stores the image as a JPEG file of random quality and reads it again, as torchvision's `JPEG`.
 *
 * @param quality From 1 to 100; of two, whole numbers from the first to the second are drawn.
 * @throws {RangeError} if it is not, or two are out of order.
 */
export function randomJpeg(
  quality: number | readonly [least: number, most: number],
): (image: Image, random: Random) => Image {
  const [least, most] = typeof quality === 'number' ? [quality, quality] : quality;
  for (const one of [least, most]) checkQuality('randomJpeg', one);
  if (least > most) throw new RangeError(`randomJpeg: qualities must be in order, got ${least} and ${most}`);
  return described('randomJpeg', [quality], (image, random) => jpeg(image, least + random.int(most - least + 1)));
}

/**
 * The image as it comes back from a JPEG file of this quality.
 *
 * @throws {RangeError} unless quality is a whole number from 1 to 100.
 * @example
 * ```ts
 * import { jpeg } from '@imgcls/data';
 *
 * const image = { data: Uint8Array.from([200, 190, 10, 180]), height: 2, width: 2, channels: 1 as const };
 * console.log(jpeg(image, 100).data); // => Uint8Array(4) [ 200, 190, 9, 180 ]
 * console.log(jpeg(image, 5).data); // => Uint8Array(4) [ 44, 158, 44, 158 ]
 * ```
 */
export function jpeg(image: Image, quality: number): Image {
  checkQuality('jpeg', quality);
  const { height, width } = image;
  const [luminance, chrominance] = tables.map((table) => scaled(table, quality)) as [Int32Array, Int32Array];
  if (image.channels === 1) return { ...image, data: degraded({ data: image.data, height, width }, luminance).data };
  const [y, blue, red] = planes(image);
  const whole = degraded(y, luminance);
  const [cb, cr] = [blue, red].map((plane) => doubled(degraded(halved(plane), chrominance), height, width));
  return colours(whole, cb!, cr!);
}

function checkQuality(where: string, quality: number): void {
  checkWhole(where, 'quality', quality, 1);
  if (quality > 100) throw new RangeError(`${where}: quality must be at most 100, got ${quality}`);
}

/** ITU-T T.81, annex K: tables K.1 and K.2. */
const tables = [
  '16 11 10 16 24 40 51 61 12 12 14 19 26 58 60 55 14 13 16 24 40 57 69 56 14 17 22 29 51 87 80 62 18 22 37 56 68 109 103 77 24 35 55 64 81 104 113 92 49 64 78 87 103 121 120 101 72 92 95 98 112 100 103 99',
  `17 18 24 47 99 99 99 99 18 21 26 66 99 99 99 99 24 26 56 99 99 99 99 99 47 66 ${'99 '.repeat(38).trim()}`,
].map((text) => Int32Array.from(text.split(' '), Number));

function scaled(table: Int32Array, quality: number): Int32Array {
  const percent = quality < 50 ? Math.trunc(5000 / quality) : 200 - 2 * quality;
  return table.map((step) => Math.min(255, Math.max(1, Math.trunc((step * percent + 50) / 100))));
}

/** One value per place. */
interface Plane {
  readonly data: Uint8Array;
  readonly height: number;
  readonly width: number;
}

const blankPlane = (height: number, width: number): Plane => ({ data: new Uint8Array(height * width), height, width });

/** Y, Cb and Cr: ITU-T T.871, 7. */
function planes({ data, height, width }: Image): [Plane, Plane, Plane] {
  const made = [0, 1, 2].map(() => blankPlane(height, width)) as [Plane, Plane, Plane];
  const [y, cb, cr] = made.map((plane) => plane.data) as [Uint8Array, Uint8Array, Uint8Array];
  for (let i = 0, at = 0; i < y.length; i++, at += 3) {
    const [r, g, b] = [data[at]!, data[at + 1]!, data[at + 2]!];
    y[i] = (19595 * r + 38470 * g + 7471 * b + 0x8000) >> 16;
    cb[i] = (-11059 * r - 21709 * g + 32768 * b + 0x807fff) >> 16;
    cr[i] = (32768 * r - 27439 * g - 5329 * b + 0x807fff) >> 16;
  }
  return made;
}

function colours(y: Plane, cb: Plane, cr: Plane): Image {
  const image = blankImage(y.height, y.width, 3);
  const target = new Uint8ClampedArray(image.data.buffer);
  for (let i = 0, at = 0; i < y.data.length; i++, at += 3) {
    const [level, blue, red] = [y.data[i]!, cb.data[i]! - 128, cr.data[i]! - 128];
    target[at] = level + ((91881 * red + 0x8000) >> 16);
    target[at + 1] = level + ((-22554 * blue - 46802 * red + 0x8000) >> 16);
    target[at + 2] = level + ((116130 * blue + 0x8000) >> 16);
  }
  return image;
}

/** The means of 2 x 2, rounded down and up in turns. Beyond the edge lies the edge again, and what fills the last block's right. */
function halved({ data, height, width }: Plane): Plane {
  const [rows, columns] = [Math.ceil(height / 2), 8 * Math.ceil(Math.ceil(width / 2) / 8)];
  const half = blankPlane(rows, columns);
  for (let y = 0; y < rows; y++) {
    const [above, below] = [2 * y * width, Math.min(2 * y + 1, height - 1) * width];
    for (let x = 0; x < columns; x++) {
      const [left, right] = [Math.min(2 * x, width - 1), Math.min(2 * x + 1, width - 1)];
      const sum = data[above + left]! + data[above + right]! + data[below + left]! + data[below + right]!;
      half.data[y * columns + x] = (sum + 1 + (x & 1)) >> 2;
    }
  }
  return half;
}

/** Twice as large: between samples three quarters of the nearer and a quarter of the farther, in both directions; narrow ones repeat theirs. */
function doubled(half: Plane, height: number, width: number): Plane {
  const { data, width: stride } = half;
  const [rows, columns] = [Math.ceil(height / 2), Math.ceil(width / 2)];
  const plane = blankPlane(height, width);
  for (let y = 0; y < height; y++) {
    const near = y >> 1;
    const far = columns <= 2 ? near : Math.min(rows - 1, Math.max(0, near + (y & 1 ? 1 : -1)));
    const sum = (x: number): number => 3 * data[near * stride + x]! + data[far * stride + x]!;
    for (let x = 0; x < width; x++) {
      const at = x >> 1;
      const beside = columns <= 2 ? at : Math.min(columns - 1, Math.max(0, at + (x & 1 ? 1 : -1)));
      plane.data[y * width + x] = (3 * sum(at) + sum(beside) + 8 - (x & 1)) >> 4;
    }
  }
  return plane;
}

/** What remains of a plane: blocks of 8 x 8, transformed, rounded to steps, and transformed back. */
function degraded({ data, height, width }: Plane, steps: Int32Array): Plane {
  const result = blankPlane(height, width);
  const target = new Uint8ClampedArray(result.data.buffer);
  const block = new Int32Array(64);
  for (let top = 0; top < height; top += 8) {
    for (let left = 0; left < width; left += 8) {
      for (let i = 0; i < 64; i++)
        block[i] = data[Math.min(top + (i >> 3), height - 1) * width + Math.min(left + (i & 7), width - 1)]! - 128;
      for (let at = 0; at < 64; at += 8) forward(block, at, 1, 11, -2);
      for (let at = 0; at < 8; at++) forward(block, at, 8, 15, 2);
      for (let i = 0; i < 64; i++) block[i] = rounded(block[i]!, 8 * steps[i]!) * steps[i]!;
      for (let at = 0; at < 8; at++) backward(block, at, 8, 11);
      for (let at = 0; at < 64; at += 8) backward(block, at, 1, 18);
      for (let i = 0; i < 64; i++) {
        const [y, x] = [top + (i >> 3), left + (i & 7)];
        if (y < height && x < width) target[y * width + x] = block[i]! + 128;
      }
    }
  }
  return result;
}

/** To the nearest number of steps, halves away from 0. */
const rounded = (value: number, step: number): number =>
  Math.sign(value) * Math.trunc((Math.abs(value) + (step >> 1)) / step);

const descale = (value: number, bits: number): number => (value + (1 << (bits - 1))) >> bits;

/** One dimension of the DCT, with 13 bits of fraction: Loeffler, Ligtenberg, Moschytz 1989. */
function forward(d: Int32Array, at: number, by: number, bits: number, evenBits: number): void {
  const v = Array.from({ length: 8 }, (_, i) => d[at + i * by]!);
  const [s0, s1, s2, s3] = [v[0]! + v[7]!, v[1]! + v[6]!, v[2]! + v[5]!, v[3]! + v[4]!];
  const [d7, d6, d5, d4] = [v[0]! - v[7]!, v[1]! - v[6]!, v[2]! - v[5]!, v[3]! - v[4]!];
  const [a0, a3, a1, a2] = [s0 + s3, s0 - s3, s1 + s2, s1 - s2];
  const even = (value: number): number => (evenBits < 0 ? value << -evenBits : descale(value, evenBits));
  const z = (a2 + a3) * 4433;
  const z5 = (d4 + d6 + d5 + d7) * 9633;
  const [z1, z2] = [(d4 + d7) * -7373, (d5 + d6) * -20995];
  const [z3, z4] = [(d4 + d6) * -16069 + z5, (d5 + d7) * -3196 + z5];
  d[at] = even(a0 + a1);
  d[at + 4 * by] = even(a0 - a1);
  d[at + 2 * by] = descale(z + a3 * 6270, bits);
  d[at + 6 * by] = descale(z - a2 * 15137, bits);
  d[at + 7 * by] = descale(d4 * 2446 + z1 + z3, bits);
  d[at + 5 * by] = descale(d5 * 16819 + z2 + z4, bits);
  d[at + 3 * by] = descale(d6 * 25172 + z2 + z3, bits);
  d[at + by] = descale(d7 * 12299 + z1 + z4, bits);
}

/** The way back. */
function backward(d: Int32Array, at: number, by: number, bits: number): void {
  const v = Array.from({ length: 8 }, (_, i) => d[at + i * by]!);
  const z = (v[2]! + v[6]!) * 4433;
  const [t2, t3] = [z - v[6]! * 15137, z + v[2]! * 6270];
  const [t0, t1] = [(v[0]! + v[4]!) << 13, (v[0]! - v[4]!) << 13];
  const z5 = (v[7]! + v[3]! + v[5]! + v[1]!) * 9633;
  const [z1, z2] = [(v[7]! + v[1]!) * -7373, (v[5]! + v[3]!) * -20995];
  const [z3, z4] = [(v[7]! + v[3]!) * -16069 + z5, (v[5]! + v[1]!) * -3196 + z5];
  const odd = [v[1]! * 12299 + z1 + z4, v[3]! * 25172 + z2 + z3, v[5]! * 16819 + z2 + z4, v[7]! * 2446 + z1 + z3];
  for (const [i, even] of [t0 + t3, t1 + t2, t1 - t2, t0 - t3].entries()) {
    d[at + i * by] = descale(even + odd[i]!, bits);
    d[at + (7 - i) * by] = descale(even - odd[i]!, bits);
  }
}
