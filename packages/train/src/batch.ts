import type { Batch } from '@imgcls/data';
import { normalize, type Tensor, type Tensor2D, type Tensor4D } from '@imgcls/tensor';
import { tensor1d, tensor2d } from '@tensorflow/tfjs-core';

/** Where batches come from: an array, what a generator function returns, a `Loader` of `@imgcls/data`, … */
export type Batches = BatchIterable | EpochSource;

export type BatchIterable = Iterable<TrainingBatch> | AsyncIterable<TrainingBatch>;

/** What a model is given at once: images, or features of images for a model that takes these. */
export type TrainingBatch = Batch | FeatureBatch;

/** What a network has seen in images, in place of the images: a row of features for each. */
export interface FeatureBatch extends Omit<Batch, 'images' | 'shape' | 'normalization'> {
  readonly images: Float32Array;
  readonly shape: readonly [n: number, features: number];
}

/** Gives other batches each epoch. */
export interface EpochSource {
  /**
   * @param n The epoch, from 0.
   * @param from Batches to leave out at its beginning: 0 unless a training is resumed within the epoch.
   */
  epoch(n: number, from: number): BatchIterable;
}

/** A batch on the device. Both tensors are owned by whoever asked for them. */
export interface BatchTensors<Images extends Tensor = Tensor4D> {
  /** Normalized images, float32 `[N, H, W, C]`, or their features, `[N, F]`. */
  images: Images;
  /** Class indices, int32 `[N]`, or a distribution over the classes for each image (of multi-label batches 0 or 1 for each), float32 `[N, K]`. */
  targets: Tensor;
}

/**
 * Brings a batch from the host to the device, normalized by what the batch says (`uint8` images without a normalization become
 * `[0, 1]`): the first step of a training loop by hand.
 *
 * @throws {RangeError} if the arrays and the shape of the batch contradict each other.
 * @example
 * ```ts
 * import { toTensors } from '@imgcls/train';
 * import { useBackend } from '@imgcls/tensor';
 *
 * await useBackend('cpu');
 * const { images, targets } = toTensors({
 *   images: Uint8Array.of(0, 255, 51, 0),
 *   shape: [1, 2, 2, 1],
 *   labels: Int32Array.of(3),
 *   indices: Int32Array.of(0),
 * });
 * console.log(images.shape, targets.dtype, (await images.data())[1]); // => [ 1, 2, 2, 1 ] int32 1
 * ```
 */
export function toTensors(batch: Batch): BatchTensors;
export function toTensors(batch: TrainingBatch): BatchTensors<Tensor>;
export function toTensors(batch: TrainingBatch): BatchTensors<Tensor> {
  checkBatch('toTensors', batch);
  const { labels } = batch;
  return {
    images: isFeatures(batch)
      ? tensor2d(batch.images, [...batch.shape])
      : normalize(batch.images, batch.shape, batch.normalization),
    targets: labels instanceof Int32Array ? tensor1d(labels, 'int32') : tensor2d(labels, softShape(batch)),
  };
}

const isFeatures = (batch: TrainingBatch): batch is FeatureBatch => batch.shape.length === 2;

/** The class of each image, `[N]`: the likeliest one where labels are distributions. Of multi-label batches 0 or 1 for each class, `[N, K]`. */
export function hardLabels(batch: TrainingBatch): Int32Array | Uint8Array {
  const { labels, multiLabel } = batch;
  if (labels instanceof Int32Array) return labels;
  if (multiLabel) return Uint8Array.from(labels, (mark) => Number(mark >= 0.5));
  const [n, k] = softShape(batch);
  return Int32Array.from({ length: n }, (_, i) => {
    const row = labels.subarray(i * k, (i + 1) * k);
    return row.indexOf(Math.max(...row));
  });
}

/** @throws {RangeError} if the arrays of a batch do not fit its shape. */
function checkBatch(where: string, batch: TrainingBatch): void {
  const { images, shape, labels } = batch;
  const [n] = shape;
  if (![2, 4].includes(shape.length) || !shape.every((size) => Number.isInteger(size) && size >= 1))
    throw new RangeError(
      `${where}: a batch must have the shape [N, H, W, C], or [N, F] for features, each at least 1, got [${shape.join(', ')}]`,
    );
  const size = shape.reduce((product, length) => product * length, 1);
  if (images.length !== size)
    throw new RangeError(
      `${where}: images of the shape [${shape.join(', ')}] must hold ${size} values, got ${images.length}`,
    );
  if (batch.multiLabel && labels instanceof Int32Array)
    throw new RangeError(
      `${where}: a multi-label batch must have ${n} rows of K labels (Float32Array), got ${labels.length} in an Int32Array`,
    );
  const fits = labels instanceof Int32Array ? labels.length === n : labels.length >= n && labels.length % n === 0;
  if (!fits)
    throw new RangeError(
      `${where}: a batch of ${n} images must have ${n} labels (Int32Array) or ${n} rows of K probabilities (Float32Array), got ${labels.length} in a ${labels.constructor.name}`,
    );
}

/**
 * What a model gave for a batch, known to be logits `[N, K]` whose classes include all labels of the batch.
 *
 * @throws {RangeError} otherwise, naming the image of a wrong label by its index in the data set.
 */
export function checkLogits(where: string, logits: Tensor, batch: TrainingBatch): Tensor2D {
  const [n] = batch.shape;
  const [rows, numClasses] = logits.shape;
  if (logits.rank !== 2 || rows !== n)
    throw new RangeError(
      `${where}: the model must give logits of the shape [${n}, classes] for ${n} images, got [${logits.shape.join(', ')}]`,
    );
  checkLabels(where, batch, numClasses!);
  return logits as Tensor2D;
}

/** @throws {RangeError} if a label of the batch is of none of so many classes, or is no probability. */
export function checkLabels(where: string, batch: TrainingBatch, numClasses: number): void {
  const { labels, indices } = batch;
  if (labels instanceof Int32Array) {
    const at = labels.findIndex((label) => !(label >= 0 && label < numClasses));
    if (at < 0) return;
    throw new RangeError(
      `${where}: labels must lie in [0, ${numClasses}), the classes of the model, got ${labels[at]} for image ${indices[at]}; ` +
        'build the model with as many classes as the data has',
    );
  }
  const [, k] = softShape(batch);
  if (k !== numClasses)
    throw new RangeError(`${where}: soft labels must have ${numClasses} columns, the classes of the model, got ${k}`);
  const most = batch.multiLabel ? 1 : Number.POSITIVE_INFINITY;
  const at = labels.findIndex((probability) => !(probability >= 0 && probability <= most));
  if (at >= 0)
    throw new RangeError(
      `${where}: ${batch.multiLabel ? 'labels of a multi-label batch must lie in [0, 1]' : 'soft labels must be at least 0'}, got ${labels[at]} for image ${indices[Math.floor(at / k)]}, class ${at % k}`,
    );
}

/** The batches of an epoch, whichever kind the source is, without the first `from`. */
export async function* batchesOf(source: Batches, epoch: number, from = 0): AsyncGenerator<TrainingBatch, void, void> {
  if ('epoch' in source) {
    yield* ahead(source.epoch(epoch, from));
    return;
  }
  let seen = 0;
  for await (const batch of ahead(source)) if (++seen > from) yield batch;
}

/**
 * The same batches, each asked for while the one before is at work: a source that decodes or downloads goes on meanwhile.
 * Ends the source too when the consumer stops early.
 */
async function* ahead(source: BatchIterable): AsyncGenerator<TrainingBatch, void, void> {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  const next = async () => iterator.next();
  let upcoming = next();
  try {
    for (let result = await upcoming; !result.done; result = await upcoming) {
      upcoming = next();
      upcoming.catch(() => undefined); // rejections are told when it is awaited
      yield result.value;
    }
  } finally {
    const last = await upcoming.catch(() => undefined);
    if (last && !last.done) await iterator.return?.();
  }
}

const softShape = ({ labels, shape: [n] }: TrainingBatch): [number, number] => [n, labels.length / n];
