import { highest, type Metric, sumsMetric } from './metric.ts';
import { average, type ClassScores, type Counts, classScores, microAverage, type Scores, sum } from './scores.ts';

/** `confusion[label][predicted]` counts the images of class `label` that were taken for class `predicted`: `[K, K]`. */
export type ConfusionMatrix = readonly (readonly number[])[];

/** Scores by class, and three averages of them. */
export interface PrecisionRecallF1 {
  perClass: ClassScores[];
  /** Every class counts the same, also one without images (with 0). */
  macro: Scores;
  /** Every image counts the same: all three are the accuracy, since each image has one label and one prediction. */
  micro: Scores;
  /** Classes count by their number of images. */
  weighted: Scores;
}

/** A pair of classes that were taken for one another. */
export interface Confusion {
  label: number;
  predicted: number;
  count: number;
}

/**
 * Counts of images by true and predicted class.
 *
 * @param numClasses K: what each batch must have.
 * @example
 * ```ts
 * import { confusionMatrix, measure } from '@imgcls/metrics';
 *
 * const predictions = { scores: Float32Array.of(0.9, 0.1, 0.2, 0.8), numClasses: 2, labels: Int32Array.of(0, 0) };
 * console.log(JSON.stringify(measure(confusionMatrix(2), predictions))); // => [[1,1],[0,0]]
 * ```
 */
export function confusionMatrix(numClasses: number): Metric<ConfusionMatrix> {
  if (!(Number.isInteger(numClasses) && numClasses >= 1))
    throw new RangeError(`confusionMatrix: numClasses must be a positive integer, got ${numClasses}`);
  return sumsMetric({
    name: `confusionMatrix(${numClasses})`,
    length: numClasses * numClasses,
    add: (sums, scores, label) => {
      if (scores.length !== numClasses)
        throw new RangeError(`confusionMatrix: scores must be for ${numClasses} classes, got ${scores.length}`);
      sums[label * numClasses + highest(scores)]! += 1;
    },
    result: (sums) =>
      Array.from({ length: numClasses }, (_, label) =>
        Array.from(sums.subarray(label * numClasses, (label + 1) * numClasses)),
      ),
  });
}

/**
 * Precision, recall and F1 by class, and their macro, micro and weighted averages.
 *
 * Equal to scikit-learn's `precision_recall_fscore_support(labels=range(K), zero_division=0)`: a class that nobody has, or that nobody
 * is taken for, scores 0 and counts in the macro average.
 *
 * @throws {RangeError} if the matrix is not square.
 * @example
 * ```ts
 * import { precisionRecallF1 } from '@imgcls/metrics';
 *
 * const { perClass, macro } = precisionRecallF1([[3, 1], [0, 4]]);
 * console.log(perClass[0]); // => { precision: 1, recall: 0.75, f1: 0.8571428571428571, support: 4 }
 * console.log(macro.recall); // => 0.875
 * ```
 */
export function precisionRecallF1(confusion: ConfusionMatrix): PrecisionRecallF1 {
  const counts = countsByClass('precisionRecallF1', confusion);
  const perClass = counts.map(classScores);
  return {
    perClass,
    macro: average(perClass, () => 1),
    micro: microAverage(counts),
    weighted: average(perClass, ({ support }) => support),
  };
}

/**
 * The mean recall of the classes that have images: accuracy as if every class were equally frequent.
 *
 * Equal to scikit-learn's `balanced_accuracy_score`.
 *
 * @throws {RangeError} if the matrix is not square or holds no images.
 */
export function balancedAccuracy(confusion: ConfusionMatrix): number {
  const present = countsByClass('balancedAccuracy', confusion).filter(({ labelled }) => labelled > 0);
  if (present.length === 0) throw new RangeError('balancedAccuracy: the matrix must hold at least one image, got none');
  return sum(present.map(({ found, labelled }) => found / labelled)) / present.length;
}

/** The pairs of different classes that were confused most often, the most frequent first; pairs without images are left out. */
export function mostConfused(confusion: ConfusionMatrix, limit = 10): Confusion[] {
  return confusion
    .flatMap((row, label) => row.map((count, predicted) => ({ label, predicted, count })))
    .filter(({ label, predicted, count }) => label !== predicted && count > 0)
    .sort((a, b) => b.count - a.count)
    .slice(0, limit);
}

function countsByClass(where: string, confusion: ConfusionMatrix): Counts[] {
  const ragged = confusion.find((row) => row.length !== confusion.length);
  if (ragged)
    throw new RangeError(
      `${where}: the matrix must be square, got ${confusion.length} rows and a row of ${ragged.length}`,
    );
  return confusion.map((row, k) => ({
    found: row[k]!,
    labelled: sum(row),
    predicted: sum(confusion.map((other) => other[k]!)),
  }));
}
