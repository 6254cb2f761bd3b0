import { checkMultiLabel, type Metric, type MultiLabelPredictions, multiLabelSumsMetric } from './metric.ts';
import { average, type ClassScores, type Counts, classScores, microAverage, type Scores, scoresOf } from './scores.ts';

/** From where on a class counts as predicted. */
export interface ThresholdOptions {
  /** The least score of a class that is predicted: 0.5 suits probabilities, 0 their logits. Default 0.5. */
  threshold?: number;
}

/** Scores of predictions of several classes an image, and averages of them. */
export interface MultiLabelScores {
  perClass: ClassScores[];
  /** All pairs of an image and a class count the same. */
  micro: Scores;
  /** Every class counts the same, also one without images (with 0). */
  macro: Scores;
  /** Classes count by their number of images. */
  weighted: Scores;
  /** The mean of the images' own scores; one that shows nothing, or of which nothing is said, has 0. */
  samples: Scores;
  /** The fraction of images of which every class is told rightly. */
  subsetAccuracy: number;
  /** The fraction of all pairs of an image and a class that are told wrongly. */
  hammingLoss: number;
}

/**
 * Precision, recall and F1 by class with their averages, subset accuracy and Hamming loss.
 *
 * Equal to scikit-learn's `precision_recall_fscore_support(zero_division=0)`, `accuracy_score` and `hamming_loss` of `scores >= threshold`.
 *
 * @param numClasses K: what each batch must have.
 * @example
 * ```ts
 * import { measure, multiLabelScores } from '@imgcls/metrics';
 *
 * const predictions = {
 *   scores: Float32Array.of(0.9, 0.8, 0.1, 0.2, 0.7, 0.6), // two images, three classes
 *   numClasses: 3,
 *   labels: Uint8Array.of(1, 1, 0, 0, 1, 0),
 * };
 * const { perClass, subsetAccuracy, hammingLoss } = measure(multiLabelScores(3), predictions);
 * console.log(perClass[2], subsetAccuracy, hammingLoss.toFixed(2)); // => { precision: 0, recall: 0, f1: 0, support: 0 } 0.5 0.17
 * ```
 */
export function multiLabelScores(
  numClasses: number,
  { threshold = 0.5 }: ThresholdOptions = {},
): Metric<MultiLabelScores, MultiLabelPredictions> {
  const name = `multiLabelScores(${numClasses}, { threshold: ${threshold} })`;
  checkNumClasses('multiLabelScores', numClasses);
  const [found, labelled, predicted, perImage] = [0, numClasses, 2 * numClasses, 3 * numClasses]; // where the sums lie
  return multiLabelSumsMetric({
    name,
    length: perImage + 4,
    add: (sums, scores, labels) => {
      checkColumns(name, scores.length, numClasses);
      const own: Counts = { found: 0, labelled: 0, predicted: 0 };
      for (let k = 0; k < numClasses; k++) {
        const [isLabelled, isPredicted] = [labels[k]!, Number(scores[k]! >= threshold)];
        sums[found + k]! += isLabelled * isPredicted;
        sums[labelled + k]! += isLabelled;
        sums[predicted + k]! += isPredicted;
        own.found += isLabelled * isPredicted;
        own.labelled += isLabelled;
        own.predicted += isPredicted;
      }
      const { precision, recall, f1 } = scoresOf(own);
      const isExact = Number(own.found === own.labelled && own.found === own.predicted);
      [precision, recall, f1, isExact].forEach((value, i) => {
        sums[perImage + i]! += value;
      });
    },
    result: (sums, count) => {
      const counts = Array.from({ length: numClasses }, (_, k) => ({
        found: sums[found + k]!,
        labelled: sums[labelled + k]!,
        predicted: sums[predicted + k]!,
      }));
      const perClass = counts.map(classScores);
      const [precision, recall, f1, exact] = Array.from(sums.subarray(perImage), (sum) => sum / count) as Four;
      const wrong = counts.reduce((sum, of) => sum + of.labelled + of.predicted - 2 * of.found, 0);
      return {
        perClass,
        micro: microAverage(counts),
        macro: average(perClass, () => 1),
        weighted: average(perClass, ({ support }) => support),
        samples: { precision, recall, f1 },
        subsetAccuracy: exact,
        hammingLoss: wrong / (count * numClasses),
      };
    },
  });
}

type Four = [number, number, number, number];

/** The fraction of images of which every class is told rightly: scikit-learn's `accuracy_score` of several labels an image. */
export function subsetAccuracy({ threshold = 0.5 }: ThresholdOptions = {}): Metric<number, MultiLabelPredictions> {
  return multiLabelSumsMetric({
    name: `subsetAccuracy({ threshold: ${threshold} })`,
    length: 1,
    add: (sums, scores, labels) => {
      if (labels.every((label, k) => Number(scores[k]! >= threshold) === label)) sums[0]! += 1;
    },
    result: ([exact], count) => exact! / count,
  });
}

/** How well classes rank images: whether those that show the class have the highest scores. */
export interface AveragePrecision {
  /** Of each class; 0 for one without images, as in scikit-learn. */
  perClass: number[];
  /** The mean over all classes: mAP. */
  macro: number;
}

/**
 * The average precision of each class, and its mean: no threshold is involved, and so logits do as well as probabilities.
 *
 * `Σₙ (recallₙ - recallₙ₋₁) · precisionₙ` over the different scores from the highest down, as scikit-learn's `average_precision_score`. All scores
 * are kept until the result is asked for.
 *
 * @param numClasses K: what each batch must have.
 * @example
 * ```ts
 * import { averagePrecision, measure } from '@imgcls/metrics';
 *
 * const predictions = { scores: Float32Array.of(0.9, 0.8, 0.7), numClasses: 1, labels: Uint8Array.of(1, 0, 1) };
 * console.log(measure(averagePrecision(1), predictions).macro.toFixed(3)); // => 0.833
 * ```
 */
export function averagePrecision(numClasses: number): Metric<AveragePrecision, MultiLabelPredictions> {
  checkNumClasses('averagePrecision', numClasses);
  return new KeptScores(numClasses);
}

class KeptScores implements Metric<AveragePrecision, MultiLabelPredictions> {
  readonly #numClasses: number;
  readonly #name: string;
  readonly #parts: MultiLabelPredictions[] = [];

  constructor(numClasses: number) {
    this.#numClasses = numClasses;
    this.#name = `averagePrecision(${numClasses})`;
  }

  update(predictions: MultiLabelPredictions): void {
    checkMultiLabel(this.#name, predictions);
    checkColumns(this.#name, predictions.numClasses, this.#numClasses);
    const { scores, labels, numClasses } = predictions;
    this.#parts.push({ scores: scores.slice(), labels: labels.slice(), numClasses });
  }

  merge(other: this): void {
    const theirs = other instanceof KeptScores ? other.#name : 'something else';
    if (theirs !== this.#name)
      throw new TypeError(`${this.#name}.merge: other must be a ${this.#name} too, got ${theirs}`);
    this.#parts.push(...other.#parts);
  }

  result(): AveragePrecision {
    if (this.#parts.every(({ scores }) => scores.length === 0))
      throw new RangeError(`${this.#name}.result: must have seen at least one image, got none`);
    const perClass = Array.from({ length: this.#numClasses }, (_, k) => averagePrecisionOf(this.#ofClass(k)));
    return { perClass, macro: perClass.reduce((a, b) => a + b, 0) / this.#numClasses };
  }

  #ofClass(k: number): Ranked[] {
    return this.#parts.flatMap(({ scores, labels, numClasses }) =>
      Array.from({ length: scores.length / numClasses }, (_, i) => ({
        score: scores[i * numClasses + k]!,
        label: labels[i * numClasses + k]!,
      })),
    );
  }
}

interface Ranked {
  score: number;
  label: number;
}

function averagePrecisionOf(images: Ranked[]): number {
  images.sort((a, b) => b.score - a.score);
  let [found, counted, sum] = [0, 0, 0];
  images.forEach(({ score, label }, i) => {
    found += label;
    if (images[i + 1]?.score === score) return; // equal scores come in together
    sum += (found - counted) * (found / (i + 1));
    counted = found;
  });
  return found === 0 ? 0 : sum / found;
}

function checkNumClasses(where: string, numClasses: number): void {
  if (!(Number.isInteger(numClasses) && numClasses >= 1))
    throw new RangeError(`${where}: numClasses must be a positive integer, got ${numClasses}`);
}

function checkColumns(where: string, got: number, numClasses: number): void {
  if (got !== numClasses) throw new RangeError(`${where}: scores must be for ${numClasses} classes, got ${got}`);
}
