/** What a model said about N images, and what they are. Host arrays: nothing here knows tensors. */
export interface Predictions {
  /** Logits or probabilities, `[N, K]` in row-major order. The highest score of a row is the predicted class. */
  scores: Float32Array | Float64Array;
  /** K. */
  numClasses: number;
  /** The true class of each image, `[N]`, each in `[0, K)`. */
  labels: Int32Array;
}

/**
 * Predictions and labels in, a number or a table out.
 *
 * Call `update` once a batch, then `result` once. Parts that were measured apart (in workers, on shards) are put together by `merge`.
 * Anything with these three methods is a metric: write your own as a plain object.
 */
export interface Metric<Result> {
  /** Adds a batch. */
  update(predictions: Predictions): void;
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
export function measure<Result>(metric: Metric<Result>, predictions: Predictions): Result {
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
export function sumsMetric<Result>(options: SumsOptions<Result>): Metric<Result> {
  return new SumsMetric(options);
}

class SumsMetric<Result> implements Metric<Result> {
  readonly #options: SumsOptions<Result>;
  readonly #sums: Float64Array;
  #count = 0;

  constructor(options: SumsOptions<Result>) {
    this.#options = options;
    this.#sums = new Float64Array(options.length);
  }

  update({ scores, numClasses, labels }: Predictions): void {
    const { name, add } = this.#options;
    checkPredictions(name, { scores, numClasses, labels });
    for (let i = 0; i < labels.length; i++)
      add(this.#sums, scores.subarray(i * numClasses, (i + 1) * numClasses), labels[i]!);
    this.#count += labels.length;
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

function checkPredictions(where: string, { scores, numClasses, labels }: Predictions): void {
  if (!(Number.isInteger(numClasses) && numClasses >= 1))
    throw new RangeError(`${where}: numClasses must be a positive integer, got ${numClasses}`);
  if (scores.length !== labels.length * numClasses)
    throw new RangeError(
      `${where}: scores must hold ${numClasses} numbers for each of ${labels.length} labels (${labels.length * numClasses}), got ${scores.length}`,
    );
  const wrong = labels.findIndex((label) => !(label >= 0 && label < numClasses));
  if (wrong >= 0)
    throw new RangeError(`${where}: labels must lie in [0, ${numClasses}), got ${labels[wrong]} for image ${wrong}`);
  const nan = scores.findIndex(Number.isNaN);
  if (nan >= 0)
    throw new RangeError(
      `${where}: scores must be numbers, got NaN for image ${Math.floor(nan / numClasses)}, class ${nan % numClasses}; ` +
        'the model has diverged: train with a lower learning rate',
    );
}

/** The index of the highest score. A tie goes to the lower class. */
export function highest(scores: Predictions['scores']): number {
  let best = 0;
  for (let i = 1; i < scores.length; i++) if (scores[i]! > scores[best]!) best = i;
  return best;
}
