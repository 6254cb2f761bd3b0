import type { BackendName, Precision } from '@imgcls/tensor';
import type { Optimizer, Schedule } from '@imgcls/train';
import { adam, adamW, constant, cosine, oneCycle, rmsprop, sgd, stepDecay, warmup } from '@imgcls/train';

/** All that a run depends on besides its images. Plain JSON: a run folder keeps it. */
export interface Settings {
  model: string;
  epochs: number;
  batchSize: number;
  learningRate: number;
  optimizer: OptimizerName;
  weightDecay: number;
  schedule: ScheduleName;
  seed: number;
  backend: BackendName;
  /** How activations are stored. */
  precision: Precision;
  /** Height and width of what the network sees, in pixels. */
  imageSize: number;
}

export const optimizerNames = ['sgd', 'adam', 'adamw', 'rmsprop'] as const;
export const precisions = ['float32', 'bf16'] as const satisfies readonly Precision[];
export const scheduleNames = ['constant', 'step', 'cosine', 'one-cycle'] as const;
export type OptimizerName = (typeof optimizerNames)[number];
export type ScheduleName = (typeof scheduleNames)[number];

/** The optimizer of a run that makes `totalSteps` updates. */
export function createOptimizer(settings: Settings, totalSteps: number): Optimizer {
  const { optimizer, weightDecay } = settings;
  const learningRate = createSchedule(settings, totalSteps);
  return {
    sgd: () => sgd({ learningRate, momentum: 0.9, nesterov: true, weightDecay }),
    adam: () => adam({ learningRate, weightDecay }),
    adamw: () => adamW({ learningRate, weightDecay }),
    rmsprop: () => rmsprop({ learningRate, weightDecay }),
  }[optimizer]();
}

/** `step` falls to a tenth at half and at three quarters of the run; `cosine` rises over the first twentieth; `one-cycle` needs two steps. */
export function createSchedule({ schedule, learningRate }: Settings, totalSteps: number): Schedule {
  const at = (part: number): number => Math.max(1, Math.round(part * totalSteps));
  const upAndDown = (): Schedule =>
    oneCycle({ maxLearningRate: learningRate, totalSteps, warmupFraction: Math.max(0.3, 1.5 / totalSteps) });
  return {
    constant: () => constant(learningRate),
    step: () => stepDecay({ learningRate, milestones: [...new Set([at(0.5), at(0.75)])] }),
    cosine: () => warmup(cosine({ learningRate, totalSteps }), { steps: at(0.05) }),
    'one-cycle': () => (totalSteps === 1 ? constant(learningRate) : upAndDown()),
  }[schedule]();
}
