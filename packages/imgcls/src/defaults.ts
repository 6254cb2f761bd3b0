import { colorJitter, horizontalFlip, randomAffine, type Transform } from '@imgcls/data';
import type { BackendName } from '@imgcls/tensor';
import type { OptimizerName, Settings } from './settings.ts';

/** What is known of the images before training. */
export interface Material {
  /** The median of their shorter sides, in pixels. */
  side: number;
  channels: 1 | 3;
  /** Whether they are photos of one's own, of many sizes, and not a data set of small images. */
  photos: boolean;
}

const LEARNING_RATES: Readonly<Record<OptimizerName, number>> = {
  sgd: 0.02,
  adam: 0.001,
  adamw: 0.002,
  rmsprop: 0.001,
};
const WEIGHT_DECAYS: Readonly<Record<OptimizerName, number>> = { sgd: 5e-4, adam: 0, adamw: 0.05, rmsprop: 0 };

/** The settings that the user has not named. */
export function withDefaults(asked: Partial<Settings>, backend: BackendName, { side }: Material): Settings {
  const optimizer = asked.optimizer ?? 'adamw';
  return {
    model: 'resnet9',
    epochs: 30,
    batchSize: 32,
    optimizer,
    learningRate: LEARNING_RATES[optimizer],
    weightDecay: WEIGHT_DECAYS[optimizer],
    schedule: 'one-cycle',
    seed: 0,
    backend,
    imageSize: Math.min(side, 64),
    ...asked,
  };
}

/** The random changes of training images that leave what they show the same. */
export function augmentationFor({ channels, photos }: Material): Transform[] {
  const moved = randomAffine({ degrees: 10, translate: 0.1, scale: [0.9, 1.1] });
  if (channels === 1) return [moved]; // digits and letters mean something else in a mirror
  return photos
    ? [horizontalFlip(), moved, colorJitter({ brightness: 0.2, contrast: 0.2 })]
    : [horizontalFlip(), moved];
}

/** Options of the network that the command line doesn't name. */
export function modelOptions({ model }: Settings): Record<string, unknown> {
  return model === 'resnet9' ? { channels: [32, 64, 128, 256] } : {};
}
