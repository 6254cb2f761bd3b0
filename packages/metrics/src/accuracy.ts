import { highest, type Metric, sumsMetric } from './metric.ts';

/**
 * The fraction of images whose highest score is at the true class, in `[0, 1]`. A tie goes to the lower class.
 *
 * @example
 * ```ts
 * import { accuracy } from '@imgcls/metrics';
 *
 * const metric = accuracy();
 * metric.update({ scores: Float32Array.of(0.9, 0.1, 0.2, 0.8), numClasses: 2, labels: Int32Array.of(0, 0) });
 * metric.update({ scores: Float32Array.of(0.3, 0.7, 0.4, 0.6), numClasses: 2, labels: Int32Array.of(1, 1) });
 * console.log(metric.result()); // => 0.75
 * ```
 */
export function accuracy(): Metric<number> {
  return sumsMetric({
    name: 'accuracy()',
    length: 1,
    add: (sums, scores, label) => {
      if (highest(scores) === label) sums[0]! += 1;
    },
    result: ([correct], count) => correct! / count,
  });
}

/**
 * The fraction of images whose true class is among the `k` highest scores, in `[0, 1]`.
 *
 * Ties go to the lower class, so `topK(1)` is always `accuracy()`. (scikit-learn's `top_k_accuracy_score` gives them to the higher
 * one; without ties the two are equal.) With `k` at or above the number of classes the result is 1.
 *
 * @throws {RangeError} if `k` is not a positive integer.
 * @example
 * ```ts
 * import { measure, topK } from '@imgcls/metrics';
 *
 * const predictions = { scores: Float32Array.of(0.5, 0.3, 0.2), numClasses: 3, labels: Int32Array.of(1) };
 * console.log(measure(topK(1), predictions), measure(topK(2), predictions)); // => 0 1
 * ```
 */
export function topK(k: number): Metric<number> {
  if (!(Number.isInteger(k) && k >= 1)) throw new RangeError(`topK: k must be a positive integer, got ${k}`);
  return sumsMetric({
    name: `topK(${k})`,
    length: 1,
    add: (sums, scores, label) => {
      if (rank(scores, label) < k) sums[0]! += 1;
    },
    result: ([correct], count) => correct! / count,
  });
}

/** How many classes come before `label` when classes are sorted by falling score, then by rising index. */
function rank(scores: ArrayLike<number>, label: number): number {
  const score = scores[label]!;
  let before = 0;
  for (let i = 0; i < scores.length; i++) if (scores[i]! > score || (scores[i] === score && i < label)) before++;
  return before;
}
