import { crossEntropy, type Scalar, type Tensor, type Tensor2D } from '@imgcls/tensor';
import { tensor1d } from '@tensorflow/tfjs-core';
import type { TrainingBatch } from './batch.ts';

/** The mean loss of a batch: logits `[N, K]` and targets (int32 `[N]`, or float32 `[N, K]`) in, a scalar out. */
export type LossFunction = (logits: Tensor2D, targets: Tensor) => Scalar;

/** What is minimized: cross-entropy, shaped by two options, or a function of one's own. */
export interface LossOptions {
  /** How much of each label is spread evenly over all classes, in [0, 1). @defaultValue 0 */
  labelSmoothing?: number;
  /** How much an image of each class counts, `[K]`. @defaultValue 1 for each */
  classWeights?: readonly number[];
  /** Replaces cross-entropy. Takes the mean over the images of a batch. */
  loss?: LossFunction;
}

/** A loss that knows how much a batch counts among others, so that means over batches are means over images. */
export interface Loss {
  mean: LossFunction;
  /** What `mean` divides by: the images, or the sum of their class weights. */
  weight(batch: TrainingBatch): number;
}

export function lossOf(where: string, { loss, labelSmoothing, classWeights }: LossOptions): Loss {
  const count = ({ shape }: TrainingBatch) => shape[0];
  if (loss) {
    if (labelSmoothing !== undefined || classWeights)
      throw new TypeError(
        `${where}: labelSmoothing and classWeights belong to cross-entropy, got them with an own loss`,
      );
    return { mean: loss, weight: count };
  }
  const smoothing = labelSmoothing === undefined ? {} : { labelSmoothing };
  if (!classWeights) return { mean: (logits, targets) => crossEntropy(logits, targets, smoothing), weight: count };
  const wrong = classWeights.findIndex((weight) => !(weight >= 0 && Number.isFinite(weight)));
  if (wrong >= 0)
    throw new RangeError(`${where}: classWeights must be at least 0, got ${classWeights[wrong]} for class ${wrong}`);
  return {
    mean: (logits, targets) =>
      crossEntropy(logits, targets, { ...smoothing, classWeights: tensor1d([...classWeights], 'float32') }),
    weight: (batch) =>
      batch.labels instanceof Int32Array
        ? batch.labels.reduce((sum, label) => sum + (classWeights[label] ?? 0), 0)
        : count(batch),
  };
}
