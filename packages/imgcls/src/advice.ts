import { type ClassScores, type ConfusionMatrix, mostConfused, precisionRecallF1 } from '@imgcls/metrics';
import { percent, plural, someOf } from './format.ts';

/** What training came to, as far as advice depends on it. */
export interface Outcome {
  /** Accuracy on the training images (as augmented) in the epoch that was kept. */
  trainAccuracy: number;
  /** Accuracy and images of the validation split in that epoch. */
  validation: { accuracy: number; count: number };
  /** The epoch that was kept, of how many. */
  bestEpoch: number;
  epochs: number;
  classes: readonly string[];
  /** Training images of each class. */
  trainCounts: readonly number[];
  /** The fraction of training images that have the same label, or labels, as most have. */
  commonest: number;
  /** The name of the network. */
  model: string;
  /** Whether the network sees images smaller than they are. */
  shrunk: boolean;
}

/** Whether the network learned too little, too much by heart, or well. */
export type Fitness = 'guessing' | 'underfitting' | 'overfitting' | 'good';

/**
 * Compares how often the network is right on images it has learned from and on others.
 *
 * A gap counts as overfitting when it is more than 5 points and more than twice its standard error: with few validation images, luck
 * alone makes one.
 */
export function fitness({ trainAccuracy, validation, commonest }: Outcome): Fitness {
  const noise = 2 * standardError(validation.accuracy, validation.count);
  if (trainAccuracy < commonest + 0.05 && validation.accuracy < commonest + noise) return 'guessing';
  if (trainAccuracy - validation.accuracy > Math.max(0.05, noise)) return 'overfitting';
  return trainAccuracy < 0.9 && validation.accuracy < 0.9 ? 'underfitting' : 'good';
}

/** The fitness in a sentence, with the numbers behind it. */
export function diagnosis(outcome: Outcome): string {
  const [train, validation] = [percent(outcome.trainAccuracy), percent(outcome.validation.accuracy)];
  return {
    guessing: `It did not learn: ${train} of the training images are right, no more than by always giving the commonest answer.`,
    underfitting: `Underfitting: ${train} of the training and ${validation} of the validation images are right; it has not even learned the images it was shown.`,
    overfitting: `Overfitting: ${train} of the training images are right, but only ${validation} of the validation images; it knows its images by heart.`,
    good: `A good fit: ${train} of the training and ${validation} of the validation images are right, so it does as well on images it has never seen.`,
  }[fitness(outcome)];
}

/** What to try next, the most promising first. */
export function nextSteps(outcome: Outcome): string[] {
  const { classes, trainCounts, bestEpoch, epochs, model, shrunk } = outcome;
  const scarce = classes.filter((_, k) => trainCounts[k]! < Math.max(...trainCounts) / 4);
  const steps = {
    guessing: ['a lower --learning-rate (a tenth)', 'a look at the folders: are the images in the right ones?'],
    underfitting: [
      'more --epochs',
      ...(model === 'simple_cnn' ? ['a stronger network: --model resnet9'] : []),
      ...(shrunk ? ['a larger --image-size: they are shrunk'] : []),
    ],
    overfitting: ['more images, of the weakest classes first', 'a stronger --weight-decay (ten times)'],
    good: [
      'more images of the weakest classes',
      ...(bestEpoch > 0.9 * epochs ? ['more --epochs: the last ones were the best'] : []),
    ],
  }[fitness(outcome)];
  if (scarce.length > 0)
    steps.unshift(`more images of ${someOf(scarce)}: less than a quarter of what the largest class has`);
  return steps;
}

/** The classes that are found least often, in a line; none if all are found always. */
export function weakestClasses(perClass: readonly ClassScores[], classes: readonly string[]): string[] {
  const weakest = perClass
    .map(({ recall, support, f1 }, k) => ({ name: classes[k]!, recall, support, f1 }))
    .filter(({ support, f1 }) => support > 0 && f1 < 1)
    .sort((a, b) => a.f1 - b.f1)
    .slice(0, 3)
    .map(
      ({ name, recall, support, f1 }) =>
        `${name} (${Math.round(recall * support)} of ${support} found, F1 ${f1.toFixed(2)})`,
    );
  return weakest.length > 0 ? [`Weakest classes: ${weakest.join(', ')}`] : [];
}

/** The classes that are found least often, and the pairs that are taken for one another most often. */
export function weakSpots(confusion: ConfusionMatrix, classes: readonly string[]): string[] {
  const pairs = mostConfused(confusion, 3).map(
    (pair) => `${classes[pair.label]} taken for ${classes[pair.predicted]} (${plural(pair.count, 'time')})`,
  );
  return [
    ...weakestClasses(precisionRecallF1(confusion).perClass, classes),
    ...(pairs.length > 0 ? [`Most confused: ${pairs.join(', ')}`] : []),
  ];
}

/**
 * Between what the true accuracy lies, with 95 % confidence, when `accuracy` was seen on `count` images.
 *
 * Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953: unlike `p ± 2σ` it holds near 0 and 1 and for few images.
 */
export function accuracyInterval(accuracy: number, count: number): [low: number, high: number] {
  const z = 1.96;
  const scale = 1 / (1 + z ** 2 / count);
  const centre = scale * (accuracy + z ** 2 / (2 * count));
  const reach = scale * z * Math.sqrt((accuracy * (1 - accuracy)) / count + z ** 2 / (4 * count ** 2));
  return [Math.max(0, centre - reach), Math.min(1, centre + reach)];
}

const standardError = (accuracy: number, count: number): number => Math.sqrt((accuracy * (1 - accuracy)) / count);
