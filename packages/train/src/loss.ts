import { binaryCrossEntropy, crossEntropy, type Scalar, type Tensor, type Tensor2D } from '@imgcls/tensor';
import { tensor1d } from '@tensorflow/tfjs-core';
import type { TrainingBatch } from './batch.ts';

/** The mean loss of a batch: logits `[N, K]` and targets (int32 `[N]`, or float32 `[N, K]`) in, a scalar out. */
export type LossFunction = (logits: Tensor2D, targets: Tensor) => Scalar;

/**
 * What is minimized: cross-entropy; of batches that say `multiLabel` binary cross-entropy, each class by itself. Both are shaped by options. Or a
 * function of one's own.
 */
export interface LossOptions {
  /** How much of each label is spread evenly over all classes (of multi-label batches over yes and no), in [0, 1). @defaultValue 0 */
  labelSmoothing?: number;
  /** How much an image of each class counts, `[K]`, where it has one. @defaultValue 1 for each */
  classWeights?: readonly number[];
  /** How much images that show a class count in its loss, `[K]`, where they may show several. @defaultValue 1 for each */
  positiveWeights?: readonly number[];
  /** Replaces cross-entropy. Takes the mean over the images of a batch. */
  loss?: LossFunction;
}

/** A loss that knows how much a batch counts among others, so that means over batches are means over images. */
export interface Loss {
  mean(logits: Tensor2D, targets: Tensor, batch: TrainingBatch): Scalar;
  /** What `mean` divides by: the images, or the sum of their class weights. */
  weight(batch: TrainingBatch): number;
}

export function lossOf(where: string, options: LossOptions): Loss {
  const { loss, labelSmoothing, classWeights, positiveWeights } = options;
  if (loss) {
    if (labelSmoothing !== undefined || classWeights || positiveWeights)
      throw new TypeError(
        `${where}: labelSmoothing, classWeights and positiveWeights belong to cross-entropy, got them with an own loss`,
      );
    return { mean: loss, weight: count };
  }
  checkWeights(where, { classWeights, positiveWeights });
  const [one, several] = [ofOneClass(options), ofSeveral(options)];
  const fitting = ({ multiLabel }: TrainingBatch): Loss => {
    if (multiLabel && classWeights)
      throw new TypeError(
        `${where}: classWeights are for images of one class, got a multi-label batch; give positiveWeights`,
      );
    if (!multiLabel && positiveWeights)
      throw new TypeError(
        `${where}: positiveWeights are for multi-label batches, got one of images of one class; give classWeights`,
      );
    return multiLabel ? several : one;
  };
  return {
    mean: (logits, targets, batch) => fitting(batch).mean(logits, targets, batch),
    weight: (batch) => fitting(batch).weight(batch),
  };
}

const count = ({ shape }: TrainingBatch): number => shape[0];

function ofOneClass({ labelSmoothing = 0, classWeights }: LossOptions): Loss {
  if (!classWeights)
    return { mean: (logits, targets) => crossEntropy(logits, targets, { labelSmoothing }), weight: count };
  return {
    mean: (logits, targets) => crossEntropy(logits, targets, { labelSmoothing, classWeights: asTensor(classWeights) }),
    weight: (batch) =>
      batch.labels instanceof Int32Array
        ? batch.labels.reduce((sum, label) => sum + (classWeights[label] ?? 0), 0)
        : count(batch),
  };
}

const ofSeveral = ({ labelSmoothing = 0, positiveWeights }: LossOptions): Loss => ({
  mean: (logits, targets) =>
    binaryCrossEntropy(logits, targets, {
      labelSmoothing,
      positiveWeights: positiveWeights && asTensor(positiveWeights),
    }),
  weight: count,
});

const asTensor = (weights: readonly number[]): Tensor => tensor1d([...weights], 'float32');

function checkWeights(where: string, weights: Record<string, readonly number[] | undefined>): void {
  for (const [name, values] of Object.entries(weights)) {
    const wrong = values?.findIndex((weight) => !(weight >= 0 && Number.isFinite(weight))) ?? -1;
    if (wrong >= 0)
      throw new RangeError(`${where}: ${name} must be at least 0, got ${values![wrong]} for class ${wrong}`);
  }
}
