import type { Random } from '@imgcls/random';
import type { Batch } from './loader.ts';
import { dirichlet } from './policies.ts';

/** A pure function of a batch and of random numbers. */
export type BatchTransform = (batch: Batch, random: Random) => Batch;

/** How `mixUp` and `cutMix` mix. */
export interface MixOptions {
  /** How many classes there are: labels become probabilities, `[n, numClasses]`. */
  numClasses: number;
  /** Both parameters of the Beta distribution that shares are drawn from. Default 1: all shares alike. */
  alpha?: number;
}

/**
 * Mixes each image, and its label, with the one before it in the batch, all in one random proportion, as torchvision's `MixUp`.
 * Bytes are rounded.
 *
 * @throws {RangeError} if an option is out of its range, or a label is.
 * @example
 * ```ts
 * import { digits, loader, mixUp } from '@imgcls/data';
 *
 * const batches = loader(await digits(), { batchSize: 64, shuffle: true, mix: mixUp({ numClasses: 10, alpha: 0.2 }) });
 * for await (const { labels } of batches.epoch(0)) {
 *   console.log(labels.length); // => 640
 *   break;
 * }
 * ```
 * Zhang et al. 2017, https://arxiv.org/abs/1710.09412
 */
export function mixUp({ numClasses, alpha = 1 }: MixOptions): BatchTransform {
  checkMix('mixUp', numClasses, alpha);
  return (batch, random) => {
    const [share] = dirichlet(2, alpha, random) as [number];
    const images = mixed(batch.images, batch.shape[0], share);
    return { ...batch, images, labels: mixedLabels('mixUp', batch, numClasses, share) };
  };
}

/**
 * Replaces a random rectangle of each image by that of the one before it in the batch, as torchvision's `CutMix`; labels are mixed by area.
 *
 * @throws {RangeError} if an option is out of its range, or a label is.
 * Yun et al. 2019, https://arxiv.org/abs/1905.04899
 */
export function cutMix({ numClasses, alpha = 1 }: MixOptions): BatchTransform {
  checkMix('cutMix', numClasses, alpha);
  return (batch, random) => {
    const [, height, width] = batch.shape;
    const [share] = dirichlet(2, alpha, random) as [number];
    const half = 0.5 * Math.sqrt(1 - share);
    const [x, y] = [random.int(width), random.int(height)];
    const [reachX, reachY] = [Math.trunc(half * width), Math.trunc(half * height)];
    const box = {
      left: Math.max(0, x - reachX),
      top: Math.max(0, y - reachY),
      right: Math.min(width, x + reachX),
      bottom: Math.min(height, y + reachY),
    };
    const covered = ((box.right - box.left) * (box.bottom - box.top)) / (width * height);
    return { ...batch, images: patched(batch, box), labels: mixedLabels('cutMix', batch, numClasses, 1 - covered) };
  };
}

/** One of several batch transforms, each batch another: `anyMix([mixUp(…), cutMix(…)])`. */
export function anyMix(transforms: readonly BatchTransform[]): BatchTransform {
  if (transforms.length === 0) throw new RangeError('anyMix: there must be at least one transform, got none');
  return (batch, random) => transforms[random.int(transforms.length)]!(batch, random);
}

/** Each row by its share, and the row before it by the rest; before the first is the last. */
function mixed<T extends Uint8Array | Float32Array>(rows: T, count: number, share: number): T {
  const size = rows.length / count;
  const result = rows.slice() as T;
  const half = rows instanceof Uint8Array ? 0.5 : 0;
  for (let i = 0; i < rows.length; i++) {
    const before = rows[i < size ? rows.length - size + i : i - size]!;
    result[i] = share * rows[i]! + (1 - share) * before + half;
  }
  return result;
}

function patched({ images, shape }: Batch, box: { left: number; top: number; right: number; bottom: number }) {
  const [count, height, width, channels] = shape;
  const result = images.slice();
  const row = width * channels;
  for (let n = 0; n < count; n++) {
    const before = n === 0 ? count - 1 : n - 1;
    for (let y = box.top; y < box.bottom; y++) {
      const from = (before * height + y) * row;
      result.set(
        images.subarray(from + box.left * channels, from + box.right * channels),
        (n * height + y) * row + box.left * channels,
      );
    }
  }
  return result;
}

function mixedLabels(where: string, { labels, shape }: Batch, numClasses: number, share: number): Float32Array {
  return mixed(labels instanceof Float32Array ? labels : oneHot(where, labels, numClasses), shape[0], share);
}

function oneHot(where: string, labels: Int32Array, numClasses: number): Float32Array {
  const result = new Float32Array(labels.length * numClasses);
  labels.forEach((label, i) => {
    if (!(label >= 0 && label < numClasses))
      throw new RangeError(
        `${where}: labels must be in [0, ${numClasses}), got ${label}; numClasses is the number of all classes`,
      );
    result[i * numClasses + label] = 1;
  });
  return result;
}

function checkMix(where: string, numClasses: number, alpha: number): void {
  if (!(Number.isInteger(numClasses) && numClasses >= 1))
    throw new RangeError(`${where}: numClasses must be an integer >= 1, got ${numClasses}`);
  if (!(alpha > 0 && alpha < Number.POSITIVE_INFINITY))
    throw new RangeError(`${where}: alpha must be > 0, got ${alpha}`);
}
