import type { Dataset, Preprocessing, SkippedFile } from '@imgcls/data';
import {
  type ConfusionMatrix,
  confusionMatrix,
  logLoss,
  measure,
  type PrecisionRecallF1,
  precisionRecallF1,
} from '@imgcls/metrics';
import type { Module } from '@imgcls/nn';
import { predictions } from '@imgcls/train';
import { evaluationLoader } from './preparation.ts';

/** How well a classifier does on images, as JSON tells it. */
export interface Assessment extends Pick<PrecisionRecallF1, 'macro'> {
  accuracy: number;
  /** Mean cross-entropy in nats. */
  loss: number;
  /** How many images. */
  count: number;
  perClass: ({ label: string } & PrecisionRecallF1['perClass'][number])[];
  /** `[true][predicted]`, in the order of `perClass`. */
  confusion: ConfusionMatrix;
}

/** An image that was taken for something else. */
export interface Mistake {
  /** Where in the data set it is. */
  index: number;
  label: string;
  predicted: string;
  /** How sure the classifier was of its answer. */
  probability: number;
}

/** What comes of measuring. */
export interface Assessed<T> {
  assessment: T;
  mistakes: Mistake[];
  /** Files that could not be read any more. */
  skipped: readonly SkippedFile[];
}

/**
 * Measures a model on a data set.
 *
 * @param dataset As the network sees it; its labels index `classes`.
 * @param classes The classifier's.
 * @param workers Threads that decode.
 */
export async function assess(
  model: Module,
  dataset: Dataset,
  preprocessing: Preprocessing,
  classes: readonly string[],
  workers = 0,
): Promise<Assessed<Assessment>> {
  const images = evaluationLoader(dataset, preprocessing, workers);
  const { scores, numClasses, labels, indices } = await predictions(model, images);
  const measured = { scores: softmaxRows(scores, numClasses), numClasses, labels };
  const confusion = measure(confusionMatrix(numClasses), measured);
  const { perClass, macro, micro } = precisionRecallF1(confusion);
  const assessment = {
    accuracy: micro.recall,
    loss: measure(logLoss(), measured),
    macro,
    perClass: perClass.map((of, k) => ({ label: classes[k]!, ...of })),
    confusion,
    count: labels.length,
  };
  return { assessment, mistakes: mistakesIn(measured, indices, classes), skipped: images.skipped };
}

interface Measured {
  /** Probabilities, `[N, K]`. */
  scores: Float64Array;
  numClasses: number;
  labels: Int32Array;
}

/** The wrong answers, the surest first. */
function mistakesIn(
  { scores, numClasses, labels }: Measured,
  indices: Int32Array,
  classes: readonly string[],
): Mistake[] {
  const answers = Array.from(labels, (label, i) => {
    const row = scores.subarray(i * numClasses, (i + 1) * numClasses);
    const probability = Math.max(...row);
    return { index: indices[i]!, label, predicted: row.indexOf(probability), probability };
  });
  return answers
    .filter(({ label, predicted }) => label !== predicted)
    .sort((a, b) => b.probability - a.probability)
    .map((answer) => ({ ...answer, label: classes[answer.label]!, predicted: classes[answer.predicted]! }));
}

function softmaxRows(logits: Float32Array, k: number): Float64Array {
  const probabilities = new Float64Array(logits.length);
  for (let start = 0; start < logits.length; start += k) {
    const row = logits.subarray(start, start + k);
    const highest = Math.max(...row);
    const sum = row.reduce((total, logit) => total + Math.exp(logit - highest), 0); // in float64
    for (let i = 0; i < k; i++) probabilities[start + i] = Math.exp(row[i]! - highest) / sum;
  }
  return probabilities;
}
