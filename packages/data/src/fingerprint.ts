import type { Image } from './image.ts';

/** Pixels along each side of a thumbnail. */
export const THUMBNAIL_SIDE = 16;

/**
 * 64 bits that hardly change when an image is stored anew, resized, or made a little brighter: of 8×8 cells, which are brighter than the
 * median cell.
 *
 * @param thumbnail 16×16 pixels.
 */
export function perceptualHash(thumbnail: Image): readonly [high: number, low: number] {
  const cells = cellMeans(thumbnail);
  const sorted = Float64Array.from(cells).sort();
  const median = (sorted[31]! + sorted[32]!) / 2;
  const word = (from: number): number =>
    cells.subarray(from, from + 32).reduce((bits, cell) => ((bits << 1) | Number(cell > median)) >>> 0, 0);
  return [word(0), word(32)];
}

function cellMeans({ data, channels }: Image): Float64Array {
  const cells = new Float64Array(64);
  const row = THUMBNAIL_SIDE * channels;
  for (let i = 0; i < data.length; i++) {
    const y = Math.floor(i / row);
    const x = Math.floor((i % row) / channels);
    cells[8 * (y >> 1) + (x >> 1)]! += data[i]! / (4 * channels);
  }
  return cells;
}

/** The mean difference of two thumbnails' values, in levels. */
export function thumbnailDistance(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i]! - b[i]!);
  return sum / a.length;
}

/** The mean of an image's values and how far they are from it, in levels. */
export function spreadOf({ data }: Image): { mean: number; deviation: number } {
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
  const variance = data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length;
  return { mean, deviation: Math.sqrt(variance) };
}

/**
 * Pairs of hashes that differ in at most three bits, each once: of four words of 16 bits, such a pair has one in common.
 *
 * Of hashes that are all the same, each is paired with the first only.
 */
export function* similarPairs(hashes: readonly (readonly [number, number])[]): Generator<[number, number]> {
  const same = new Map<string, number>();
  const distinct: number[] = [];
  for (const [i, [high, low]] of hashes.entries()) {
    const key = `${high},${low}`;
    const first = same.get(key);
    if (first === undefined) distinct.push(i);
    else yield [first, i];
    if (first === undefined) same.set(key, i);
  }
  for (let word = 0; word < 4; word++) yield* pairsSharing(hashes, distinct, word);
}

function* pairsSharing(
  hashes: readonly (readonly [number, number])[],
  candidates: readonly number[],
  word: number,
): Generator<[number, number]> {
  const buckets = new Map<number, number[]>();
  for (const i of candidates) {
    const key = wordOf(hashes[i]!, word);
    const bucket = buckets.get(key);
    if (!bucket) {
      buckets.set(key, [i]);
      continue;
    }
    for (const j of bucket) {
      const earlier = [0, 1, 2, 3].slice(0, word).some((w) => wordOf(hashes[i]!, w) === wordOf(hashes[j]!, w));
      if (!earlier && bitsBetween(hashes[i]!, hashes[j]!) <= 3) yield [j, i];
    }
    bucket.push(i);
  }
}

const wordOf = ([high, low]: readonly [number, number], word: number): number =>
  ((word < 2 ? high : low) >>> (16 * (word & 1))) & 0xffff;

const bitsBetween = (a: readonly [number, number], b: readonly [number, number]): number =>
  bitCount(a[0] ^ b[0]) + bitCount(a[1] ^ b[1]);

/** Warren, "Hacker's Delight", section 5-1. */
function bitCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
