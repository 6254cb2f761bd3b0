/** What a model said about N images, and what they are. Host arrays: nothing here knows tensors. */
export interface Predictions {
  /** Logits or probabilities, `[N, K]` in row-major order. The highest score of a row is the predicted class. */
  scores: Float32Array | Float64Array;
  /** K. */
  numClasses: number;
  /** The true class of each image, `[N]`, each in `[0, K)`. */
  labels: Int32Array;
}

/** What a model said about N images that may each show several classes, or none. */
export interface MultiLabelPredictions {
  /** Probabilities, or logits, of each class by itself: `[N, K]` in row-major order. */
  scores: Float32Array | Float64Array;
  /** K. */
  numClasses: number;
  /** `[N, K]`: 1 where the image shows the class, else 0. */
  labels: Uint8Array;
}

/**
 * Predictions and labels in, a number or a table out.
 *
 * Call `update` once a batch, then `result` once. Parts that were measured apart (in workers, on shards) are put together by `merge`.
 * Anything with these three methods is a metric: write your own as a plain object.
 */
export interface Metric<Result, P = Predictions> {
  /** Adds a batch. */
  update(predictions: P): void;
  /** Adds everything that `other` has seen: a metric made by the same function with the same arguments. */
  merge(other: this): void;
  /** The value over all that was added so far. */
  result(): Result;
}

/**
 * The result of a metric over predictions that are all at hand.
 *
 * @example
 * ```ts
 * import { accuracy, measure } from '@imgcls/metrics';
 *
 * const scores = Float32Array.of(0.9, 0.1, 0.2, 0.8); // two images, two classes
 * console.log(measure(accuracy(), { scores, numClasses: 2, labels: Int32Array.of(0, 0) })); // => 0.5
 * ```
 */
export function measure<Result, P>(metric: Metric<Result, P>, predictions: P): Result {
  metric.update(predictions);
  return metric.result();
}

/** How a metric that is a function of sums over images is told apart, filled and read. */
export interface SumsOptions<Result> {
  /** The call that made it, such as `topK(5)`: named in errors, and only equals are merged. */
  name: string;
  /** How many sums it keeps. */
  length: number;
  /** Adds one image: its scores `[K]` and its true class. */
  add: (sums: Float64Array, scores: Predictions['scores'], label: number) => void;
  result: (sums: Float64Array, count: number) => Result;
}

/** A metric whose state is a vector of sums over images: two are merged by adding the vectors. */
export function sumsMetric<Result>({ add, ...options }: SumsOptions<Result>): Metric<Result> {
  return new SumsMetric({
    ...options,
    count: (predictions: Predictions) => checkPredictions(options.name, predictions),
    add: (sums, { scores, numClasses, labels }, i) => add(sums, rowOf(scores, numClasses, i), labels[i]!),
  });
}

/** The same for images that may show several classes: `labels` are those of the image, `[K]`. */
export function multiLabelSumsMetric<Result>({
  add,
  ...options
}: Omit<SumsOptions<Result>, 'add'> & {
  add: (sums: Float64Array, scores: MultiLabelPredictions['scores'], labels: Uint8Array) => void;
}): Metric<Result, MultiLabelPredictions> {
  return new SumsMetric({
    ...options,
    count: (predictions: MultiLabelPredictions) => checkMultiLabel(options.name, predictions),
    add: (sums, { scores, numClasses, labels }, i) =>
      add(sums, rowOf(scores, numClasses, i), rowOf(labels, numClasses, i)),
  });
}

interface SummedUp<Result, P> extends Omit<SumsOptions<Result>, 'add'> {
  /** How many images there are, once it is sure that the predictions are sound. */
  count: (predictions: P) => number;
  /** Adds image `i`. */
  add: (sums: Float64Array, predictions: P, i: number) => void;
}

class SumsMetric<Result, P> implements Metric<Result, P> {
  readonly #options: SummedUp<Result, P>;
  readonly #sums: Float64Array;
  #count = 0;

  constructor(options: SummedUp<Result, P>) {
    this.#options = options;
    this.#sums = new Float64Array(options.length);
  }

  update(predictions: P): void {
    const { count, add } = this.#options;
    const images = count(predictions);
    for (let i = 0; i < images; i++) add(this.#sums, predictions, i);
    this.#count += images;
  }

  merge(other: this): void {
    const { name } = this.#options;
    const theirs = other instanceof SumsMetric ? other.#options.name : 'something else';
    if (theirs !== name) throw new TypeError(`${name}.merge: other must be a ${name} too, got ${theirs}`);
    for (const [i, sum] of other.#sums.entries()) this.#sums[i]! += sum;
    this.#count += other.#count;
  }

  result(): Result {
    const { name, result } = this.#options;
    if (this.#count === 0) throw new RangeError(`${name}.result: must have seen at least one image, got none`);
    return result(this.#sums, this.#count);
  }
}

/** @returns How many images there are. */
function checkPredictions(where: string, { scores, numClasses, labels }: Predictions): number {
  checkClasses(where, numClasses);
  if (labels instanceof Uint8Array)
    throw new TypeError(`${where}: labels must be one class for each image (Int32Array), got those of several classes`);
  if (scores.length !== labels.length * numClasses)
    throw new RangeError(
      `${where}: scores must hold ${numClasses} numbers for each of ${labels.length} labels (${labels.length * numClasses}), got ${scores.length}`,
    );
  const wrong = labels.findIndex((label) => !(label >= 0 && label < numClasses));
  if (wrong >= 0)
    throw new RangeError(`${where}: labels must lie in [0, ${numClasses}), got ${labels[wrong]} for image ${wrong}`);
  checkScores(where, scores, numClasses);
  return labels.length;
}

/** @returns How many images there are. */
export function checkMultiLabel(where: string, { scores, numClasses, labels }: MultiLabelPredictions): number {
  checkClasses(where, numClasses);
  if (!(labels instanceof Uint8Array))
    throw new TypeError(`${where}: labels must be 0 or 1 for each class of each image, as a Uint8Array`);
  if (scores.length % numClasses !== 0 || labels.length !== scores.length)
    throw new RangeError(
      `${where}: scores and labels must hold ${numClasses} numbers for each image, got ${scores.length} scores and ${labels.length} labels`,
    );
  const wrong = labels.findIndex((label) => label > 1);
  if (wrong >= 0)
    throw new RangeError(
      `${where}: labels must be 0 or 1, got ${labels[wrong]} for image ${Math.floor(wrong / numClasses)}, class ${wrong % numClasses}`,
    );
  checkScores(where, scores, numClasses);
  return scores.length / numClasses;
}

function checkClasses(where: string, numClasses: number): void {
  if (!(Number.isInteger(numClasses) && numClasses >= 1))
    throw new RangeError(`${where}: numClasses must be a positive integer, got ${numClasses}`);
}

function checkScores(where: string, scores: Predictions['scores'], numClasses: number): void {
  const nan = scores.findIndex(Number.isNaN);
  if (nan >= 0)
    throw new RangeError(
      `${where}: scores must be numbers, got NaN for image ${Math.floor(nan / numClasses)}, class ${nan % numClasses}; ` +
        'the model has diverged: train with a lower learning rate',
    );
}

const rowOf = <A extends Float32Array | Float64Array | Uint8Array>(rows: A, size: number, i: number): A =>
  rows.subarray(i * size, (i + 1) * size) as A;

/** The index of the highest score. A tie goes to the lower class. */
export function highest(scores: Predictions['scores']): number {
  let best = 0;
  for (let i = 1; i < scores.length; i++) if (scores[i]! > scores[best]!) best = i;
  return best;
}
