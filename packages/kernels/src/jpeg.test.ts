import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeJpeg, type Part } from './jpeg.ts';
import { everyCarrier } from './test/carriers.ts';

/** Made by native/test/jpeg.py. */
const { height, width, files } = JSON.parse(readFileSync(new URL('./test/jpeg.json', import.meta.url), 'utf8')) as {
  height: number;
  width: number;
  files: Record<string, { file: string; pixels: string }>;
};
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));
const whole = { top: 0, left: 0, height, width };

/** The part of an image. */
function cut(pixels: Uint8Array, { top, left, ...size }: Part): Uint8Array {
  const rows = Array.from({ length: size.height }, (_, y) => {
    const from = 3 * ((top + y) * width + left);
    return pixels.subarray(from, from + 3 * size.width);
  });
  return Buffer.concat(rows);
}

describe.each(await everyCarrier())('decodeJpeg() on $name', ({ kernels }) => {
  it.each(Object.entries(files))('gives the pixels of libjpeg, bit for bit: %s', (_, { file, pixels }) => {
    expect(Buffer.compare(decodeJpeg(kernels, bytes(file), whole, whole)!, bytes(pixels))).toBe(0);
    for (const part of [
      { top: 0, left: 0, height: 1, width: 1 },
      { top: 16, left: 16, height: 16, width: 16 },
      { top: 15, left: 17, height: 18, width: 21 },
      { top: 1, left: 1, height: 43, width: 51 },
      { top: 44, left: 50, height: 1, width: 3 },
      { top: 7, left: 32, height: 38, width: 21 },
    ])
      expect(Buffer.compare(decodeJpeg(kernels, bytes(file), part, part)!, cut(bytes(pixels), part))).toBe(0);
  });

  it('brings the part to a size: the mean of the pixels under a triangle', () => {
    const { file, pixels } = files.gray!;
    const part = { top: 3, left: 5, height: 2, width: 4 };
    const gray = cut(bytes(pixels), part).filter((_, i) => i % 3 === 0);
    const row = (y: number) => {
      const [a, b, c, d] = gray.subarray(4 * y, 4 * y + 4);
      return [Math.round((3 * a! + 3 * b! + c!) / 7), Math.round((b! + 3 * c! + 3 * d!) / 7)];
    };
    const expected = [...row(0), ...row(1)].flatMap((level) => [level, level, level]);
    expect(Array.from(decodeJpeg(kernels, bytes(file), part, { height: 2, width: 2 })!)).toEqual(expected);
  });

  it('leaves alone what is cut off, scrambled, elsewhere, or no JPEG', () => {
    const { file } = files['4:2:0']!;
    const good = bytes(file);
    for (let length = 0; length < good.length - 40; length += 37)
      expect(decodeJpeg(kernels, good.subarray(0, length), whole, whole)).toBeUndefined();
    for (let seed = 1; seed < 300; seed++) {
      const bad = good.slice();
      for (let i = 0; i < 4; i++) bad[(seed * 7919 + i * 104_729) % bad.length]! ^= 1 << ((seed + i) % 8);
      const made = decodeJpeg(kernels, bad, whole, whole); // some damage can't be told from a picture
      if (made) expect(made.length).toBe(3 * height * width);
    }
    expect(decodeJpeg(kernels, good, { ...whole, width: width + 1 }, whole)).toBeUndefined();
    expect(decodeJpeg(kernels, good, { ...whole, top: -1 }, whole)).toBeUndefined();
    expect(decodeJpeg(kernels, new Uint8Array(100), whole, whole)).toBeUndefined();
  });

  it('gives back the memory that it took', () => {
    const before = kernels.memory.usedBytes;
    decodeJpeg(kernels, bytes(files['4:4:4']!.file), whole, whole);
    expect(kernels.memory.usedBytes).toBe(before);
  });
});
