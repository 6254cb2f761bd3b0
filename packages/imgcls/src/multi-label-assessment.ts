import type { Dataset } from '@imgcls/data';
import type { Classifier } from '@imgcls/io';
import { averagePrecision, type ClassScores, type MultiLabelScores, measure, multiLabelScores } from '@imgcls/metrics';
import { multiLabelPredictions } from '@imgcls/train';
import type { Assessed, Mistake } from './assessment.ts';
import { evaluationLoader } from './preparation.ts';

/** How well a classifier that tells several labels does on images, as JSON tells it. */
export interface MultiLabelAssessment
  extends Pick<MultiLabelScores, 'micro' | 'macro' | 'weighted' | 'samples' | 'hammingLoss'> {
  /** The fraction of images of which every label is told rightly. */
  accuracy: number;
  /** The mean of the labels' average precisions. */
  meanAveragePrecision: number;
  /** Mean binary cross-entropy in nats. */
  loss: number;
  /** From this probability on a label is told. */
  threshold: number;
  /** How many images. */
  count: number;
  perClass: ({ label: string; averagePrecision: number } & ClassScores)[];
}

/** Measures a classifier on a data set as it sees it, whose `labelSets` index the classifier's labels. */
export async function assessMultiLabel(
  { model, preprocessing, labels: names, multiLabel = {} }: Classifier,
  dataset: Dataset,
  workers = 0,
): Promise<Assessed<MultiLabelAssessment>> {
  const { threshold = 0.5 } = multiLabel;
  const images = evaluationLoader(dataset, preprocessing, workers);
  const predicted = await multiLabelPredictions(model, images);
  const { scores: logits, numClasses, labels, indices } = predicted;
  const measured = { scores: Float64Array.from(logits, (logit) => 1 / (1 + Math.exp(-logit))), numClasses, labels };
  const { perClass, subsetAccuracy, ...averages } = measure(multiLabelScores(numClasses, { threshold }), measured);
  const ranked = measure(averagePrecision(numClasses), measured);
  const assessment = {
    accuracy: subsetAccuracy,
    meanAveragePrecision: ranked.macro,
    loss: meanLoss(logits, labels),
    ...averages,
    threshold,
    count: indices.length,
    perClass: perClass.map((of, k) => ({ label: names[k]!, averagePrecision: ranked.perClass[k]!, ...of })),
  };
  return { assessment, mistakes: mistakesIn({ ...measured, threshold }, indices, names), skipped: images.skipped };
}

/** `log(1 + exp(∓logit))` on average, so that nothing overflows. */
function meanLoss(logits: Float32Array, labels: Uint8Array): number {
  const lossOf = (wrong: number): number => Math.max(wrong, 0) + Math.log1p(Math.exp(-Math.abs(wrong)));
  return logits.reduce((sum, logit, i) => sum + lossOf(labels[i] ? -logit : logit), 0) / logits.length;
}

interface Measured {
  /** Probabilities, `[N, K]`. */
  scores: Float64Array;
  numClasses: number;
  labels: Uint8Array;
  threshold: number;
}

/** The images of which not every label is told rightly, those with the surest wrong answer first. */
function mistakesIn(
  { scores, numClasses, labels, threshold }: Measured,
  indices: Int32Array,
  names: readonly string[],
): Mistake[] {
  const together = (isShown: (k: number) => boolean): string =>
    names.filter((_, k) => isShown(k)).join(', ') || 'nothing';
  return Array.from(indices, (index, i) => {
    const probability = (k: number): number => scores[i * numClasses + k]!;
    const isTold = (k: number): boolean => probability(k) >= threshold;
    const isShown = (k: number): boolean => labels[i * numClasses + k] === 1;
    const wrong = names.flatMap((_, k) =>
      isTold(k) === isShown(k) ? [] : isTold(k) ? probability(k) : 1 - probability(k),
    );
    return {
      index,
      label: together(isShown),
      predicted: together(isTold),
      probability: Math.max(0, ...wrong),
      isWrong: wrong.length > 0,
    };
  })
    .filter(({ isWrong }) => isWrong)
    .sort((a, b) => b.probability - a.probability)
    .map(({ isWrong: _, ...mistake }) => mistake);
}
