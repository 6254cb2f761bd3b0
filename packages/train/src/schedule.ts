/** The learning rate of a step, as a pure function: the first step is 0. Calling it twice gives the same. */
export type Schedule = (step: number) => number;

/** The same learning rate at every step. */
export function constant(learningRate: number): Schedule {
  checkPositive('constant', { learningRate });
  return () => learningRate;
}

export interface StepDecayOptions {
  /** The rate before the first milestone. */
  learningRate: number;
  /** Steps, ascending, from which on the rate is multiplied once more. */
  milestones: readonly number[];
  /** What the rate is multiplied by at each milestone, in (0, 1]. @defaultValue 0.1 */
  factor?: number;
}

/**
 * `learningRate · factor^(milestones passed)`: PyTorch's `MultiStepLR`.
 *
 * @example
 * ```ts
 * import { stepDecay } from '@imgcls/train';
 *
 * const schedule = stepDecay({ learningRate: 0.5, milestones: [100, 150], factor: 0.5 });
 * console.log([0, 99, 100, 150].map(schedule)); // => [ 0.5, 0.5, 0.25, 0.125 ]
 * ```
 */
export function stepDecay({ learningRate, milestones, factor = 0.1 }: StepDecayOptions): Schedule {
  checkPositive('stepDecay', { learningRate, factor });
  if (factor > 1) throw new RangeError(`stepDecay: factor must be at most 1, got ${factor}`);
  if (milestones.some((milestone, i) => !Number.isInteger(milestone) || milestone <= (milestones[i - 1] ?? 0)))
    throw new RangeError(`stepDecay: milestones must be ascending positive integers, got [${milestones.join(', ')}]`);
  return (step) => learningRate * factor ** milestones.filter((milestone) => milestone <= step).length;
}

export interface CosineOptions {
  /** The rate at step 0. */
  learningRate: number;
  /** Steps until the final rate, which holds from then on. */
  totalSteps: number;
  /** @defaultValue 0 */
  finalLearningRate?: number;
}

/**
 * Half a cosine from `learningRate` down to `finalLearningRate`, without restarts: PyTorch's `CosineAnnealingLR` with `T_max = totalSteps`.
 *
 * @example
 * ```ts
 * import { cosine } from '@imgcls/train';
 *
 * const schedule = cosine({ learningRate: 0.4, totalSteps: 100 });
 * console.log([0, 50, 100, 1000].map((step) => schedule(step).toFixed(3)).join(' ')); // => 0.400 0.200 0.000 0.000
 * ```
 * Loshchilov and Hutter 2016, https://arxiv.org/abs/1608.03983
 */
export function cosine({ learningRate, totalSteps, finalLearningRate = 0 }: CosineOptions): Schedule {
  checkPositive('cosine', { learningRate });
  checkSteps('cosine', { totalSteps });
  if (!(finalLearningRate >= 0 && finalLearningRate <= learningRate))
    throw new RangeError(`cosine: finalLearningRate must lie in [0, learningRate], got ${finalLearningRate}`);
  return (step) => cosineBetween(learningRate, finalLearningRate, Math.min(1, step / totalSteps));
}

/**
 * Another schedule, preceded by a linear rise: step `s` of the first `steps` has `(s + 1) / steps` of its rate.
 *
 * The other schedule is not shifted, so its total number of steps includes those of the warm-up.
 *
 * @example
 * ```ts
 * import { constant, warmup } from '@imgcls/train';
 *
 * console.log([0, 1, 3, 4].map(warmup(constant(1), { steps: 4 }))); // => [ 0.25, 0.5, 1, 1 ]
 * ```
 * Goyal et al. 2017, section 2.2, https://arxiv.org/abs/1706.02677
 */
export function warmup(schedule: Schedule, { steps }: { steps: number }): Schedule {
  checkSteps('warmup', { steps });
  return (step) => schedule(step) * Math.min(1, (step + 1) / steps);
}

export interface OneCycleOptions {
  /** The highest rate, reached at the end of the rise. */
  maxLearningRate: number;
  /** Steps of the whole training: its epochs times its batches. The final rate holds from then on. */
  totalSteps: number;
  /** Part of the steps spent rising, in (0, 1). @defaultValue 0.3 */
  warmupFraction?: number;
  /** The first rate is `maxLearningRate / initialDivisor`. @defaultValue 25 */
  initialDivisor?: number;
  /** The last rate is the first one divided by this. @defaultValue 1e4 */
  finalDivisor?: number;
  /** The form of both ramps. @defaultValue 'cosine' */
  anneal?: 'cosine' | 'linear';
}

/**
 * Up and down once: PyTorch's `OneCycleLR`, which in addition moves the momentum unless `cycle_momentum=False`.
 *
 * @example
 * ```ts
 * import { oneCycle } from '@imgcls/train';
 *
 * const schedule = oneCycle({ maxLearningRate: 1, totalSteps: 100 });
 * console.log([0, 29, 99].map((step) => schedule(step).toFixed(6)).join(' ')); // => 0.040000 1.000000 0.000004
 * ```
 * Smith and Topin 2017, https://arxiv.org/abs/1708.07120
 */
export function oneCycle({
  maxLearningRate,
  totalSteps,
  warmupFraction = 0.3,
  initialDivisor = 25,
  finalDivisor = 1e4,
  anneal = 'cosine',
}: OneCycleOptions): Schedule {
  checkPositive('oneCycle', { maxLearningRate, initialDivisor, finalDivisor });
  checkSteps('oneCycle', { totalSteps });
  const peak = warmupFraction * totalSteps - 1; // the (fractional) step of the highest rate, counted from 0
  const last = totalSteps - 1;
  if (!(warmupFraction < 1 && peak > 0))
    throw new RangeError(
      `oneCycle: warmupFraction · totalSteps must be more than 1 and warmupFraction below 1, got ${warmupFraction} · ${totalSteps}; train for more steps or raise warmupFraction`,
    );
  const between = anneal === 'cosine' ? cosineBetween : linearBetween;
  const initial = maxLearningRate / initialDivisor;
  return (step) =>
    step <= peak
      ? between(initial, maxLearningRate, step / peak)
      : between(maxLearningRate, initial / finalDivisor, Math.min(1, (step - peak) / (last - peak)));
}

const cosineBetween = (from: number, to: number, part: number): number =>
  to + ((from - to) * (1 + Math.cos(Math.PI * part))) / 2;

const linearBetween = (from: number, to: number, part: number): number => from + (to - from) * part;

function checkPositive(where: string, values: Record<string, number>): void {
  for (const [name, value] of Object.entries(values))
    if (!(value > 0 && Number.isFinite(value)))
      throw new RangeError(`${where}: ${name} must be a positive number, got ${value}`);
}

function checkSteps(where: string, values: Record<string, number>): void {
  for (const [name, value] of Object.entries(values))
    if (!(Number.isInteger(value) && value >= 1))
      throw new RangeError(`${where}: ${name} must be a positive integer, got ${value}`);
}
