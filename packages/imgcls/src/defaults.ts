import { colorJitter, horizontalFlip, randomAffine, type Transform } from '@imgcls/data';
import type { BackendName } from '@imgcls/tensor';
import type { OptimizerName, Settings } from './settings.ts';

/** What is known of the images before training. */
export interface Material {
  /** How many there are. */
  count: number;
  /** The median of their shorter sides, in pixels. */
  side: number;
  channels: 1 | 3;
  /** Whether they are files of many kinds, and not a data set whose images are all alike. */
  photos: boolean;
}

const LEARNING_RATES: Readonly<Record<OptimizerName, number>> = {
  sgd: 0.02,
  adam: 0.001,
  adamw: 0.002,
  rmsprop: 0.001,
};
const WEIGHT_DECAYS: Readonly<Record<OptimizerName, number>> = { sgd: 5e-4, adam: 0, adamw: 0.05, rmsprop: 0 };

/** What an engine gets done in minutes. */
interface Budget {
  /** Images that training sees in all, each epoch anew. */
  images: number;
  /** Larger images are made so small. */
  side: number;
  /** Of the stages of resnet9. */
  channels: readonly [number, number, number, number];
}

const ON_CPU: Budget = { images: 20_000, side: 32, channels: [16, 24, 48, 96] };
const ON_GPU: Budget = { images: 200_000, side: 64, channels: [64, 128, 256, 512] };
const BUDGETS: Readonly<Record<BackendName, Budget>> = {
  native: { ...ON_CPU, channels: [32, 64, 128, 256] },
  cpu: ON_CPU,
  wasm: ON_CPU,
  tensorflow: { ...ON_CPU, channels: [32, 64, 128, 256] }, // whose name does not tell whether it has a GPU
  webgl: ON_GPU,
  webgpu: ON_GPU,
};

/** The smallest images that every network takes. */
const SMALLEST_SIDE = 8;

/** The settings of a run, where the user has not named them: such that a few thousand images take minutes. */
export function withDefaults(asked: Partial<Settings>, backend: BackendName, { side, count }: Material): Settings {
  const optimizer = asked.optimizer ?? 'adamw';
  const budget = BUDGETS[backend];
  return {
    model: 'resnet9',
    epochs: Math.round(Math.min(Math.max(budget.images / count, 5), 50)),
    batchSize: 32,
    optimizer,
    learningRate: LEARNING_RATES[optimizer],
    weightDecay: WEIGHT_DECAYS[optimizer],
    schedule: 'one-cycle',
    seed: 0,
    backend,
    precision: 'float32',
    imageSize: Math.max(SMALLEST_SIDE, Math.min(side, budget.side)),
    ...asked,
  };
}

/** Options of the network that the command line doesn't name. */
export function modelOptions({ model, backend }: Settings): Record<string, unknown> {
  return model === 'resnet9' ? { channels: BUDGETS[backend].channels } : {};
}

/** The random changes of training images that leave what they show the same. */
export function augmentationFor({ channels, photos }: Material): Transform[] {
  const moved = randomAffine({
    degrees: 10,
    translate: 0.1,
    scale: [0.9, 1.1],
    interpolation: 'bilinear',
    fill: 'edge',
  });
  if (channels === 1) return [moved]; // digits and letters mean something else in a mirror
  return photos
    ? [horizontalFlip(), moved, colorJitter({ brightness: 0.2, contrast: 0.2 })]
    : [horizontalFlip(), moved];
}
