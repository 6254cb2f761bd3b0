import { accuracy, type Metric, subsetAccuracy } from '@imgcls/metrics';
import type { Module } from '@imgcls/nn';
import { dispose, type Precision, type Scalar, type Tensor2D, tidy, withPrecision } from '@imgcls/tensor';
import { type Batches, batchesOf, checkLogits, hardLabels, type TrainingBatch, toTensors } from './batch.ts';
import { type Loss, type LossOptions, lossOf } from './loss.ts';
import { nextTask } from './next-task.ts';

/** How well a model does on images that it does not learn from. */
export interface Evaluation {
  /** The mean loss over the images. */
  loss: number;
  /**
   * The fraction of images whose highest score is at their class, in [0, 1]. Where images may show several classes: the fraction of which every class is
   * told rightly, as shown from a probability of 1/2 on.
   */
  accuracy: number;
}

/** What `evaluate` needs of a metric; those of `@imgcls/metrics` have it. */
export type Measures = Record<string, Pick<Metric<unknown, never>, 'update' | 'result'>>;

/** The results of metrics, by their names. */
export type Results<M extends Measures> = { [Name in keyof M]: ReturnType<M[Name]['result']> };

export interface EvaluateOptions<M extends Measures> extends LossOptions {
  /** More to measure, by the name of its result. */
  metrics?: M;
  /** How activations are stored, as in `fit`. @defaultValue 'float32' */
  precision?: Precision;
}

/** What a model says about images, on the host, in the order in which they came. */
export interface ModelPredictions {
  /** Logits, `[N, K]` row by row. */
  scores: Float32Array;
  /** K */
  numClasses: number;
  /** The true classes, `[N]`; the likeliest where labels are distributions. */
  labels: Int32Array;
  /** Where in the data set each image is, `[N]`. */
  indices: Int32Array;
}

/** The same where images may show several classes, or none. */
export interface MultiLabelModelPredictions extends Omit<ModelPredictions, 'labels'> {
  /** 1 where an image shows a class, else 0: `[N, K]`. */
  labels: Uint8Array;
}

/**
 * Mean loss, accuracy and any other metric of a model over batches, in evaluation mode.
 *
 * @param batches One epoch: a source with `epoch(n)` gives its epoch 0.
 * @throws {RangeError} if there are no batches, or one contradicts itself or the model.
 * @example
 * ```ts
 * import { parameter, module } from '@imgcls/nn';
 * import { flatten, linear, useBackend } from '@imgcls/tensor';
 * import { evaluate } from '@imgcls/train';
 * import { tensor2d } from '@tensorflow/tfjs-core';
 *
 * await useBackend('cpu');
 * const model = module({ weight: parameter(tensor2d([[1, 0]])) }, ({ weight }, x) => linear(flatten(x), weight));
 * const batch = {
 *   images: Float32Array.of(5, -5), // one pixel each
 *   shape: [2, 1, 1, 1] as const,
 *   labels: Int32Array.of(0, 0),
 *   indices: Int32Array.of(0, 1),
 * };
 * console.log((await evaluate(model, [batch])).accuracy); // => 0.5
 * ```
 */
export async function evaluate<M extends Measures = Record<never, never>>(
  model: Module,
  batches: Batches,
  options: EvaluateOptions<M> = {},
): Promise<Evaluation & Results<M>> {
  const { precision = 'float32', metrics } = options;
  checkPrecision('evaluate', precision);
  return evaluateWith('evaluate', model, batches, { loss: lossOf('evaluate', options), precision }, metrics);
}

/** How a batch is judged. */
interface Judging {
  loss: Loss;
  precision: Precision;
}

/** `evaluate` under the name of who asks, with the loss that it minimizes. */
export async function evaluateWith<M extends Measures>(
  where: string,
  model: Module,
  batches: Batches,
  judging: Judging,
  metrics?: M,
): Promise<Evaluation & Results<M>> {
  let measures: [string, Measures[string]][] = [];
  const sums = { loss: 0, weight: 0 };
  for await (const scored of scoredBatches(where, model, batches, judging)) {
    sums.loss += scored.loss * scored.weight;
    sums.weight += scored.weight;
    if (measures.length === 0) measures = Object.entries({ ...metrics, accuracy: accuracyOf(scored) });
    for (const [, metric] of measures) metric.update(scored as never); // a metric that is not for such labels says so
  }
  const results = Object.fromEntries(measures.map(([name, metric]) => [name, metric.result()]));
  return { loss: sums.loss / sums.weight, ...(results as { accuracy: number } & Results<M>) };
}

/** By logits: from 0 on, probabilities are at least 1/2. */
const accuracyOf = ({ labels }: Scored): Measures[string] =>
  labels instanceof Uint8Array ? subsetAccuracy({ threshold: 0 }) : accuracy();

/**
 * Collects what a model says about every image of batches: for tables of mistakes, calibration, or metrics of one's own.
 *
 * @throws {RangeError} if there are no batches, or one contradicts itself or the model. {TypeError} if images are of the other kind.
 */
export const predictions = (model: Module, batches: Batches): Promise<ModelPredictions> =>
  collected('predictions', model, batches, Int32Array, 'one class each; use multiLabelPredictions');

/**
 * The same for batches of images that may show several classes.
 *
 * @throws {RangeError} if there are no batches, or one contradicts itself or the model. {TypeError} if images are of the other kind.
 */
export const multiLabelPredictions = (model: Module, batches: Batches): Promise<MultiLabelModelPredictions> =>
  collected('multiLabelPredictions', model, batches, Uint8Array, 'multi-label; use predictions');

async function collected<A extends Int32Array | Uint8Array>(
  where: string,
  model: Module,
  batches: Batches,
  Labels: new (length: number) => A,
  expected: string,
): Promise<Omit<ModelPredictions, 'labels'> & { labels: A }> {
  const parts: Scored[] = [];
  const judging: Judging = { loss: lossOf(where, {}), precision: 'float32' };
  for await (const scored of scoredBatches(where, model, batches, judging)) {
    if (!(scored.labels instanceof Labels)) throw new TypeError(`${where}: the labels of batches must be ${expected}`);
    parts.push(scored);
  }
  return {
    scores: joined(
      Float32Array,
      parts.map(({ scores }) => scores),
    ),
    numClasses: parts[0]!.numClasses,
    labels: joined(
      Labels,
      parts.map(({ labels }) => labels as A),
    ),
    indices: joined(
      Int32Array,
      parts.map(({ indices }) => indices),
    ),
  };
}

/** @throws {RangeError} if it is none, or one that the current backend does not have. */
export function checkPrecision(where: string, precision: Precision): void {
  if (precision !== 'float32' && precision !== 'bf16')
    throw new RangeError(`${where}: precision must be 'float32' or 'bf16', got '${precision}'`);
  withPrecision(precision, () => undefined);
}

interface Scored extends Omit<ModelPredictions, 'labels'> {
  labels: Int32Array | Uint8Array;
  loss: number;
  weight: number;
}

interface Pending {
  batch: TrainingBatch;
  logits: Tensor2D;
  loss: Scalar;
}

/** Runs the model over batches, reading the results of one while the device is at the next. */
async function* scoredBatches(
  where: string,
  model: Module,
  batches: Batches,
  judging: Judging,
): AsyncGenerator<Scored> {
  const pending: Pending[] = [];
  try {
    for await (const batch of batchesOf(batches, 0)) {
      pending.push({ batch, ...withPrecision(judging.precision, () => forward(where, model, batch, judging.loss)) });
      await nextTask();
      if (pending.length > 1) yield await read(pending.shift()!, judging.loss);
    }
    const last = pending.shift();
    if (!last) throw new RangeError(`${where}: there must be at least one batch, got none`);
    yield await read(last, judging.loss);
  } finally {
    for (const { logits, loss } of pending) dispose([logits, loss]);
  }
}

const forward = (where: string, model: Module, batch: TrainingBatch, loss: Loss): { logits: Tensor2D; loss: Scalar } =>
  tidy(() => {
    const { images, targets } = toTensors(batch);
    const logits = checkLogits(where, model(images), batch);
    return { logits, loss: loss.mean(logits, targets, batch) };
  });

async function read({ batch, logits, loss }: Pending, { weight }: Loss): Promise<Scored> {
  const [scores, [value]] = await Promise.all([logits.data<'float32'>(), loss.data<'float32'>()]);
  dispose([logits, loss]);
  return {
    scores,
    numClasses: logits.shape[1],
    labels: hardLabels(batch),
    indices: batch.indices,
    loss: value!,
    weight: weight(batch),
  };
}

function joined<A extends Float32Array | Int32Array | Uint8Array>(
  Kind: new (length: number) => A,
  parts: readonly A[],
): A {
  const whole = new Kind(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
