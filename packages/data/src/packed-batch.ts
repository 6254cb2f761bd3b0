import type { Random } from '@imgcls/random';
import type { RandomCropOptions } from './crop.ts';
import type { PackedImages } from './dataset.ts';
import { descriptionOf } from './description.ts';
import type { Batch, Transform } from './loader.ts';
import { mirrorOf, type Target, targetOf } from './mirror.ts';

/** Makes the images and labels of a batch; `random(i)` are the random numbers of its image `i`. */
export type PackedBatches = (
  indices: Int32Array,
  random: (i: number) => Random,
) => Pick<Batch, 'images' | 'shape'> & { labels: Int32Array };

/**
 * Batches of images that lie in one array, untouched, or shifted and flipped: no promise, no object and no call of a transform per image.
 *
 * @returns Nothing if the augmentation is another than `[randomCrop(height, width, { padding, fill })]` at the images' own size,
 * `[horizontalFlip()]`, or both in this order.
 */
export function packedBatches(packed: PackedImages, augment: readonly Transform[]): PackedBatches | undefined {
  const { height, width, channels, labels, rows } = packed;
  const move = movesOf(packed, augment);
  if (!move) return undefined;
  const size = height * width * channels;
  return (indices, random) => {
    const target = targetOf(indices.length * size);
    for (let i = 0; i < indices.length; i++) move(rows[indices[i]!]! * size, target, i * size, random, i);
    return {
      images: target.bytes,
      shape: [indices.length, height, width, channels],
      labels: indices.map((index) => labels[index]!),
    };
  };
}

type Move = (from: number, target: Target, to: number, random: (i: number) => Random, i: number) => void;

function movesOf(packed: PackedImages, augment: readonly Transform[]): Move | undefined {
  const { data, height, width, channels } = packed;
  const size = height * width * channels;
  if (augment.length === 0)
    return (from, target, to) => {
      target.bytes.set(data.subarray(from, from + size), to);
    };
  const steps = augment.map(descriptionOf);
  const crop = steps[0]?.name === 'randomCrop' ? steps.shift() : undefined;
  const flip = steps[0]?.name === 'horizontalFlip' ? steps.shift() : undefined;
  const [cropHeight, cropWidth, options] = (crop?.arguments ?? [height, width, {}]) as CropArguments;
  const { padding = 0, fill = 0 } = options;
  if (steps.length > 0 || cropHeight !== height || cropWidth !== width || typeof fill !== 'number') return undefined;
  const { probability = 0.5 } = (flip?.arguments[0] ?? {}) as { probability?: number };
  const mirror = mirrorOf(packed);
  return (from, target, to, random, i) => {
    const own = random(i);
    const down = crop ? own.int(2 * padding + 1) - padding : 0; // numbers are drawn as the transforms draw them
    const right = crop ? own.int(2 * padding + 1) - padding : 0;
    const flipped = flip !== undefined && own.uniform() < probability;
    if (flipped) {
      mirror(from, target, to);
      shift(target.bytes, to, target.bytes, to, packed, down, -right, fill);
    } else shift(data, from, target.bytes, to, packed, down, right, fill);
  };
}

type CropArguments = readonly [height: number, width: number, options: RandomCropOptions];

/**
 * One image from `source` to `target`, where its pixel (y, x) is that at (y + down, x + right), or the fill beyond its edge: one move of
 * memory, and what it has carried around the edges is painted over.
 */
function shift(
  source: Uint8Array,
  from: number,
  target: Uint8Array,
  to: number,
  { height, width, channels }: PackedImages,
  down: number,
  right: number,
  fill: number,
): void {
  const row = width * channels;
  const size = height * row;
  const offset = down * row + right * channels;
  const start = Math.min(size, Math.max(0, -offset));
  const end = Math.max(start, Math.min(size, size - offset));
  if (source !== target) target.set(source.subarray(from + start + offset, from + end + offset), to + start);
  else if (offset !== 0) target.copyWithin(to + start, from + start + offset, from + end + offset);
  target.fill(fill, to, to + row * Math.min(height, Math.max(0, -down)));
  target.fill(fill, to + row * Math.max(0, Math.min(height, height - down)), to + size);
  const left = channels * Math.min(width, Math.max(0, -right));
  const rest = channels * Math.max(0, Math.min(width, width - right));
  for (let at = to; at < to + size; at += row) {
    for (let i = at; i < at + left; i++) target[i] = fill;
    for (let i = at + rest; i < at + row; i++) target[i] = fill;
  }
}
