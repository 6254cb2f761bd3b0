import { type Metric, sumsMetric } from './metric.ts';

const FLOAT32_EPSILON = 2 ** -23;

/**
 * The mean of `-log p[true class]` over images, in nats. It tells confident mistakes from close ones, which accuracy can't.
 *
 * Probabilities are clipped to `[ε, 1 - ε]` with the ε of their type (2⁻²³ for float32, 2⁻⁵² for float64), as scikit-learn's
 * `log_loss` does.
 *
 * @throws {RangeError} from `update`, if a row of scores is no distribution: apply a softmax to logits first.
 * @example
 * ```ts
 * import { logLoss, measure } from '@imgcls/metrics';
 *
 * const predictions = { scores: Float32Array.of(0.5, 0.5), numClasses: 2, labels: Int32Array.of(1) };
 * console.log(measure(logLoss(), predictions).toFixed(4)); // => 0.6931
 * ```
 */
export function logLoss(): Metric<number> {
  return sumsMetric({
    name: 'logLoss()',
    length: 1,
    add: (sums, scores, label) => {
      checkDistribution(scores);
      const epsilon = scores instanceof Float32Array ? FLOAT32_EPSILON : Number.EPSILON;
      sums[0]! -= Math.log(Math.min(Math.max(scores[label]!, epsilon), 1 - epsilon));
    },
    result: ([sum], count) => sum! / count,
  });
}

function checkDistribution(scores: Float32Array | Float64Array): void {
  let sum = 0;
  for (const p of scores) {
    if (p < 0 || p > 1)
      throw new RangeError(
        `logLoss: scores must be probabilities in [0, 1], got ${p}; apply a softmax to logits first`,
      );
    sum += p;
  }
  if (Math.abs(sum - 1) > 1e-3)
    throw new RangeError(
      `logLoss: the probabilities of an image must sum to 1, got ${sum}; apply a softmax to logits first`,
    );
}
