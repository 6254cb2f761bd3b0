import type { Image } from './image.ts';

/** Pixels along each side of a thumbnail. */
export const THUMBNAIL_SIDE = 16;

const PIXELS = THUMBNAIL_SIDE * THUMBNAIL_SIDE;
const BLOCKS = 16; // of 4x4 pixels
const COLORS = 2 * BLOCKS;

/** Bytes of a fingerprint: the brightness of each pixel, and of each block of 4×4 pixels two differences of colour. */
export const FINGERPRINT_BYTES = PIXELS + COLORS;

const SAME_STRUCTURE = 0.98; // correlation of brightness
const MOST_GAIN = 4 / 3; // of contrast
const MOST_SHIFT = 32; // levels of brightness
const MOST_RECOLOR = 8; // levels, on average
const LEAST_DEVIATION = 1; // levels; below it there is no structure to compare

/**
 * What is left of an image when it is stored anew, resized or made a little brighter, in 288 bytes.
 *
 * @param thumbnail 16×16 pixels of RGB.
 */
export function fingerprintOf({ data }: Image): Uint8Array {
  const fingerprint = new Uint8Array(FINGERPRINT_BYTES);
  const colors = new Float64Array(COLORS);
  for (let i = 0; i < PIXELS; i++) {
    const [r, g, b] = [data[3 * i]!, data[3 * i + 1]!, data[3 * i + 2]!];
    const luma = 0.299 * r + 0.587 * g + 0.114 * b; // ITU-R BT.601, as JPEG has it
    fingerprint[i] = Math.round(luma);
    colors[blockOf(i)]! += (0.564 * (b - luma)) / BLOCKS;
    colors[BLOCKS + blockOf(i)]! += (0.713 * (r - luma)) / BLOCKS;
  }
  for (let k = 0; k < COLORS; k++) fingerprint[PIXELS + k] = Math.round(128 + colors[k]!);
  return fingerprint;
}

const blockOf = (pixel: number): number => 4 * (pixel >> 6) + ((pixel >> 2) & 3);

/** The mean of an image's values and how far they are from it, in levels. */
export function spreadOf(values: Uint8Array): { mean: number; deviation: number } {
  let [sum, squares] = [0, 0];
  for (const value of values) {
    sum += value;
    squares += value * value;
  }
  const mean = sum / values.length;
  return { mean, deviation: Math.sqrt(Math.max(0, squares / values.length - mean * mean)) };
}

/**
 * Groups of images that look the same: their brightness correlates by 0.98 or more, with much the same mean and contrast, and so do their
 * colours. Likeness is passed on: the first and the last of a group may differ more.
 *
 * Only what can be alike is compared. Normalised images `z` of that correlation have `mean (z₁ − z₂)² ≤ 2 (1 − 0.98)`, and no mean of
 * `±(z₁ − z₂)` can be larger than the root of it (Cauchy and Schwarz). So three such means place each image in a grid, where neighbours meet.
 *
 * @param fingerprints `[n, 288]`.
 * @param among The indices of those to compare. What has no structure is like nothing.
 * @returns Groups of at least two of these indices.
 */
export function similarGroups(fingerprints: Uint8Array, among: readonly number[]): number[][] {
  const looks = looksOf(fingerprints, among);
  const joined = unionFind(among.length);
  const cells = new Map<number, number[]>();
  for (let i = 0; i < among.length; i++) {
    if (looks.deviations[i]! < LEAST_DEVIATION) continue;
    const place = placeOf(looks, i);
    let isNew = true;
    for (const cell of around(place))
      for (const other of cells.get(cell) ?? []) {
        const likeness = likenessOf(looks, i, other);
        if (likeness < SAME_STRUCTURE) continue;
        joined.join(i, other);
        isNew &&= likeness < 0.999 || Math.abs(looks.means[i]! - looks.means[other]!) > 1;
      }
    if (!isNew) continue; // it finds no more than its like does: so a thousand equal frames don't make a million pairs
    const key = cellOf(place);
    const cell = cells.get(key);
    if (cell) cell.push(i);
    else cells.set(key, [i]);
  }
  const groups = joined.groups().filter((group) => group.length > 1);
  return groups.map((group) => group.map((i) => among[i]!));
}

/** What comparing takes, of each image. */
interface Looks {
  /** Its fingerprint. */
  readonly at: (i: number) => Uint8Array;
  readonly means: Float32Array;
  readonly deviations: Float32Array;
  /** Means of the blocks of the normalised image, `[n, 16]`. */
  readonly blocks: Float32Array;
}

function looksOf(fingerprints: Uint8Array, among: readonly number[]): Looks {
  const at = (i: number): Uint8Array =>
    fingerprints.subarray(among[i]! * FINGERPRINT_BYTES, (among[i]! + 1) * FINGERPRINT_BYTES);
  const [means, deviations] = [new Float32Array(among.length), new Float32Array(among.length)];
  const blocks = new Float32Array(BLOCKS * among.length);
  for (let i = 0; i < among.length; i++) {
    const fingerprint = at(i);
    const { mean, deviation } = spreadOf(fingerprint.subarray(0, PIXELS));
    means[i] = mean;
    deviations[i] = deviation;
    for (let k = 0; k < PIXELS; k++)
      blocks[BLOCKS * i + blockOf(k)]! += (fingerprint[k]! - mean) / (deviation * BLOCKS);
  }
  return { at, means, deviations, blocks };
}

/** The largest distance of normalised images that are alike. */
const RADIUS = Math.sqrt(2 * (1 - SAME_STRUCTURE));
const SIDE = 2 * (Math.ceil(1 / RADIUS) + 1) + 1; // cells along a side of the grid: such means lie in [-1, 1]

type Place = readonly [number, number, number];

/** Left against right, top against bottom, and the diagonals. */
function placeOf({ blocks }: Looks, i: number): Place {
  const sums = [0, 0, 0];
  for (let k = 0; k < BLOCKS; k++) {
    const block = blocks[BLOCKS * i + k]! / BLOCKS;
    const [isLeft, isTop] = [(k & 3) < 2, k >> 2 < 2];
    sums[0]! += isLeft ? block : -block;
    sums[1]! += isTop ? block : -block;
    sums[2]! += isLeft === isTop ? block : -block;
  }
  const [x, y, z] = sums.map((sum) => Math.floor(sum / RADIUS));
  return [x!, y!, z!];
}

const cellOf = ([x, y, z]: Place): number => (x * SIDE + y) * SIDE + z;

/** The cells of a place and of its neighbours. */
function* around([x, y, z]: Place): Generator<number> {
  for (let i = -1; i <= 1; i++)
    for (let j = -1; j <= 1; j++) for (let k = -1; k <= 1; k++) yield cellOf([x + i, y + j, z + k]);
}

/** The correlation of two images' brightness; 0 where it is certainly too little, or something else differs. */
function likenessOf({ at, means, deviations, blocks }: Looks, i: number, j: number): number {
  if (Math.abs(means[i]! - means[j]!) > MOST_SHIFT) return 0;
  if (deviations[i]! > MOST_GAIN * deviations[j]! || deviations[j]! > MOST_GAIN * deviations[i]!) return 0;
  let apart = 0;
  for (let k = 0; k < BLOCKS; k++) apart += (blocks[BLOCKS * i + k]! - blocks[BLOCKS * j + k]!) ** 2;
  if (apart > BLOCKS * RADIUS * RADIUS) return 0;
  const [a, b] = [at(i), at(j)];
  let recolor = 0;
  for (let k = PIXELS; k < FINGERPRINT_BYTES; k++) recolor += Math.abs(a[k]! - b[k]!);
  if (recolor > MOST_RECOLOR * COLORS) return 0;
  let product = 0;
  for (let k = 0; k < PIXELS; k++) product += a[k]! * b[k]!;
  return (product / PIXELS - means[i]! * means[j]!) / (deviations[i]! * deviations[j]!);
}

/** Sets that grow together. Tarjan 1975, with path halving. */
function unionFind(count: number) {
  const parents = Int32Array.from({ length: count }, (_, i) => i);
  const root = (i: number): number => {
    let at = i;
    while (parents[at] !== at) {
      parents[at] = parents[parents[at]!]!;
      at = parents[at]!;
    }
    return at;
  };
  const join = (i: number, j: number): void => {
    const [a, b] = [root(i), root(j)];
    parents[Math.max(a, b)] = Math.min(a, b);
  };
  const groups = (): number[][] => {
    const members = new Map<number, number[]>();
    for (let i = 0; i < count; i++) {
      const group = members.get(root(i));
      if (group) group.push(i);
      else members.set(root(i), [i]);
    }
    return [...members.values()];
  };
  return { join, groups };
}
