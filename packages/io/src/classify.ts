import { type Image, preprocess, stackImages } from '@imgcls/data';
import { dispose, normalize, softmax, type Tensor, tidy } from '@imgcls/tensor';
import type { Classifier } from './classifier.ts';
import { ClassifierError } from './manifest.ts';

/** How sure a classifier is of a label. */
export interface Prediction {
  label: string;
  /** In [0, 1]. */
  probability: number;
}

/** What a classifier says of an image: the likeliest label, and the next ones. */
export interface Classification extends Prediction {
  /** The likeliest first. */
  top: Prediction[];
  /** Of a classifier that tells several labels: those that the image shows, the likeliest first; perhaps none. */
  labels?: Prediction[];
}

/** What `classify` needs of a classifier; its model may be any function from images `[N, height, width, channels]` to logits `[N, K]`. */
export interface Classifying extends Pick<Classifier, 'labels' | 'preprocessing' | 'multiLabel'> {
  model(images: Tensor): Tensor;
}

/** How images are classified. */
export interface ClassifyOptions {
  /** How many of the likeliest labels are told; all where there are fewer. @defaultValue 5 */
  top?: number;
  /** How many images go through the model at once. @defaultValue 32 */
  batchSize?: number;
}

/**
 * What images show.
 *
 * Each is preprocessed as the classifier says, whatever its size and channels. Probabilities are the softmax of the logits, or their sigmoid where the
 * classifier tells several labels.
 *
 * @param images On the host, as `decodeImage` of `@imgcls/data` gives them.
 * @throws {ClassifierError} if the model's logits are no numbers, or not one for each label.
 * @throws {RangeError} if `top` or `batchSize` is no positive integer.
 * @example
 * ```ts
 * import { classify } from '@imgcls/io';
 * import { globalAvgPool2d } from '@imgcls/nn';
 * import { useBackend } from '@imgcls/tensor';
 *
 * await useBackend('cpu');
 * const preprocessing = { height: 1, width: 1, channels: 3, resize: 'squash', mean: [0, 0, 0], std: [1, 1, 1] } as const;
 * const strongestColour = { model: globalAvgPool2d(), labels: ['red', 'green', 'blue'], preprocessing };
 * const [answer] = await classify(strongestColour, [{ data: Uint8Array.of(0, 255, 0), height: 1, width: 1, channels: 3 }]);
 * console.log(answer?.label, answer?.probability.toFixed(2)); // => green 0.58
 * ```
 */
export async function classify(
  classifier: Classifying,
  images: readonly Image[],
  { top = 5, batchSize = 32 }: ClassifyOptions = {},
): Promise<Classification[]> {
  for (const [name, value] of Object.entries({ top, batchSize }))
    if (!(Number.isInteger(value) && value >= 1))
      throw new RangeError(`classify: ${name} must be a positive integer, got ${value}`);
  const { labels } = classifier;
  const results: Classification[] = [];
  for (let i = 0; i < images.length; i += batchSize) {
    const batch = images.slice(i, i + batchSize);
    const probabilities = await probabilitiesOf(classifier, batch); // [n, K]
    for (let row = 0; row < batch.length; row++)
      results.push(ranked(classifier, probabilities.subarray(row * labels.length, (row + 1) * labels.length), top));
  }
  return results;
}

async function probabilitiesOf(
  { model, labels, preprocessing, multiLabel }: Classifying,
  images: readonly Image[],
): Promise<Float32Array> {
  const { images: pixels, shape } = stackImages(images.map((image) => preprocess(image, preprocessing)));
  const probabilities = tidy(() => {
    const logits = model(normalize(pixels, shape, preprocessing));
    checkShape(logits, images.length, labels.length);
    return multiLabel ? logits : softmax(logits);
  });
  try {
    const values = (await probabilities.data()) as Float32Array;
    if (values.some(Number.isNaN))
      throw new ClassifierError(
        'classify: the logits of the model must be numbers, got NaN or infinity: its weights are no good',
      );
    return multiLabel ? values.map((logit) => 1 / (1 + Math.exp(-logit))) : values;
  } finally {
    dispose(probabilities);
  }
}

function checkShape({ shape }: Tensor, count: number, numClasses: number): void {
  if (shape.length !== 2 || shape[0] !== count || shape[1] !== numClasses)
    throw new ClassifierError(
      `classify: the model must give [${count}, ${numClasses}] logits for ${count} images and ${numClasses} labels, got [${shape}]`,
    );
}

function ranked({ labels, multiLabel }: Classifying, probabilities: Float32Array, top: number): Classification {
  const all = labels
    .map((label, k) => ({ label, probability: probabilities[k]! }))
    .sort((a, b) => b.probability - a.probability); // stable: ties by index
  const best = { ...all[0]!, top: all.slice(0, top) };
  if (!multiLabel) return best;
  const { threshold = 0.5 } = multiLabel;
  return { ...best, labels: all.filter(({ probability }) => probability >= threshold) };
}
