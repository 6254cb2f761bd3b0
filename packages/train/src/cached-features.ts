import type { Module } from '@imgcls/nn';
import { random } from '@imgcls/random';
import { type Tensor, tidy } from '@imgcls/tensor';
import { type Batches, batchesOf, type EpochSource, type TrainingBatch, toTensors } from './batch.ts';
import { nextTask } from './next-task.ts';

/** How features are given out again. */
export interface CachedFeaturesOptions {
  /** @defaultValue 256 */
  batchSize?: number;
  /** A new order each epoch, drawn from the seed. @defaultValue false: the order in which they came */
  shuffle?: boolean;
  /** @defaultValue 0 */
  seed?: number;
}

/** The features of images, as batches for the rest of the network: for `fit`, `evaluate` and `predictions`. */
export interface CachedFeatures extends EpochSource {
  /** Batches in an epoch. */
  readonly length: number;
  epoch(n: number, from?: number): Iterable<TrainingBatch>;
}

/**
 * What a network sees in images, computed once and kept in memory: a head is trained on that in seconds, as images need not pass the
 * body again in each epoch.
 *
 * @param features From images to features: `model.features` of `@imgcls/models`, which evaluates.
 * @param batches One epoch of images; what is drawn to augment them is drawn once.
 * @throws {RangeError} if there are no batches, or one contradicts itself or the model.
 * @example
 * ```ts
 * import { flatten, linear, module, relu, sequential } from '@imgcls/nn';
 * import { useBackend } from '@imgcls/tensor';
 * import { cachedFeatures, evaluate, fit, sgd } from '@imgcls/train';
 *
 * await useBackend('cpu');
 * const images = { images: Uint8Array.of(0, 255), shape: [2, 1, 1, 1] as const, labels: Int32Array.of(0, 1), indices: Int32Array.of(0, 1) };
 * const body = sequential(flatten(), linear({ inFeatures: 1, outFeatures: 8 }), relu()); // stands for one that was trained before
 * const head = linear({ inFeatures: 8, outFeatures: 2 });
 *
 * const train = await cachedFeatures(body, [images], { shuffle: true, seed: 1 });
 * for await (const _ of fit(head, { train, optimizer: sgd({ learningRate: 1 }), epochs: 100 }));
 * const model = module({ body, head }, ({ body, head }, x) => head(body(x)));
 * console.log((await evaluate(model, [images])).accuracy); // => 1
 * ```
 */
export async function cachedFeatures(
  features: Module,
  batches: Batches,
  { batchSize = 256, shuffle = false, seed = 0 }: CachedFeaturesOptions = {},
): Promise<CachedFeatures> {
  if (!(Number.isInteger(batchSize) && batchSize >= 1))
    throw new RangeError(`cachedFeatures: batchSize must be a positive integer, got ${batchSize}`);
  const seen: Row[] = [];
  for await (const batch of batchesOf(batches, 0)) {
    seen.push(...(await rowsOf(features, batch)));
    await nextTask();
  }
  if (seen.length === 0) throw new RangeError('cachedFeatures: there must be at least one batch, got none');
  return {
    length: Math.ceil(seen.length / batchSize),
    *epoch(n, from = 0) {
      const order = shuffle ? [...random(seed, 'features', n).permutation(seen.length)] : [...seen.keys()];
      for (let at = from * batchSize; at < seen.length; at += batchSize)
        yield batchOf(order.slice(at, at + batchSize).map((i) => seen[i]!));
    },
  };
}

/** What is known of one image. */
interface Row {
  features: Float32Array;
  /** Without the batch axis. */
  shape: readonly number[];
  /** Its class, or the probability of each. */
  label: Int32Array | Float32Array;
  multiLabel: boolean | undefined;
  index: number;
}

async function rowsOf(features: Module, batch: TrainingBatch): Promise<Row[]> {
  const found = tidy(() => features(toTensors(batch).images));
  const [n, ...shape] = checkFeatures(found, batch);
  const values = await found.data<'float32'>();
  found.dispose();
  const part = <A extends Float32Array | Int32Array>(whole: A, i: number): A =>
    whole.slice((i * whole.length) / n!, ((i + 1) * whole.length) / n!) as A;
  return Array.from({ length: n! }, (_, i) => ({
    features: part(values, i),
    shape,
    label: part(batch.labels, i),
    multiLabel: batch.multiLabel,
    index: batch.indices[i]!,
  }));
}

/** @throws {RangeError} if they are neither `[N, F]` nor `[N, H, W, F]`. */
function checkFeatures({ shape }: Tensor, { shape: [n] }: TrainingBatch): readonly number[] {
  if ((shape.length === 2 || shape.length === 4) && shape[0] === n) return shape;
  throw new RangeError(
    `cachedFeatures: features must have the shape [${n}, F] or [${n}, H, W, F] for ${n} images, got [${shape.join(', ')}]`,
  );
}

function batchOf(rows: readonly Row[]): TrainingBatch {
  const [{ shape, label, features, multiLabel }] = rows as [Row, ...Row[]];
  const images = new Float32Array(rows.length * features.length);
  for (const [i, row] of rows.entries()) images.set(row.features, i * features.length);
  const labels = new (label.constructor as typeof Float32Array | typeof Int32Array)(rows.length * label.length);
  for (const [i, row] of rows.entries()) labels.set(row.label, i * label.length);
  const indices = Int32Array.from(rows, ({ index }) => index);
  const marked = multiLabel && { multiLabel };
  return { images, shape: [rows.length, ...shape], labels, ...marked, indices } as unknown as TrainingBatch; // checkFeatures has seen the shape
}
