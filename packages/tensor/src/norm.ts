import {
  add,
  div,
  mul,
  neg,
  ones,
  rsqrt,
  scalar,
  square,
  sub,
  type Tensor,
  type Tensor1D,
  tidy,
  type Variable,
  zeros,
} from '@tensorflow/tfjs-core';
import { channelSum } from './channel-sum.ts';
import { asVector, checkFloat } from './check.ts';
import { type Gradient, type Kernel, run } from './kernel.ts';
import * as own from './own/norm.ts';

export interface BatchNormTrainingOptions {
  /** Scale of each channel, `[C]`; without it 1. */
  gamma?: Tensor | undefined;
  /** Offset of each channel, `[C]`; without it 0. */
  beta?: Tensor | undefined;
  /** Added to the variance before its root is taken. */
  epsilon?: number;
}

export interface BatchNormOptions extends BatchNormTrainingOptions {
  /** `[C]`. */
  mean: Tensor;
  /** `[C]`. */
  variance: Tensor;
}

/**
 * Batch normalization with given statistics, as in evaluation: `gamma · (x - mean) / √(variance + epsilon) + beta` for each channel.
 *
 * @param x Channels last, any rank.
 * @returns The shape of `x`. Gradients flow to `x`, `gamma` and `beta`; `mean` and `variance` are constants.
 * @throws {RangeError} if a vector is not `[C]`.
 */
export function batchNorm<T extends Tensor>(
  x: T,
  { gamma, beta, mean, variance, epsilon = 1e-5 }: BatchNormOptions,
): T {
  const channels = channelCount('batchNorm', x);
  const statistics = {
    mean: asVector('batchNorm: mean', mean, channels),
    variance: asVector('batchNorm: variance', variance, channels),
  };
  return tidy(() =>
    run(batchNormKernel, { x, ...statistics, ...affine('batchNorm', channels, gamma, beta) }, { epsilon }),
  ) as T;
}

/**
 * Batch normalization with the statistics of the batch, as in training: the mean and the variance of each channel over all other axes.
 *
 * @param x Channels last, any rank.
 * @returns `y` in the shape of `x`, and the statistics `[C]`; the variance is the biased one (divided by the count).
 *   Gradients flow through all three.
 * @throws {RangeError} if `gamma` or `beta` is not `[C]`.
 * @example
 * ```ts
 * import { batchNormTraining, useBackend } from '@imgcls/tensor';
 * import { tensor2d } from '@tensorflow/tfjs-core';
 *
 * await useBackend('cpu');
 * const { y, mean, variance } = batchNormTraining(tensor2d([[1], [3]]), { epsilon: 0 });
 * console.log(Array.from(y.dataSync()), mean.dataSync()[0], variance.dataSync()[0]); // => [ -1, 1 ] 2 1
 * ```
 * Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167
 */
export function batchNormTraining<T extends Tensor>(
  x: T,
  { gamma, beta, epsilon = 1e-5 }: BatchNormTrainingOptions = {},
): { y: T; mean: Tensor1D; variance: Tensor1D } {
  const channels = channelCount('batchNormTraining', x);
  const [y, mean, variance] = tidy(() =>
    run(batchNormTrainingKernel, { x, ...affine('batchNormTraining', channels, gamma, beta) }, { epsilon }),
  );
  return { y: y as T, mean: mean as Tensor1D, variance: variance as Tensor1D };
}

/** What evaluation goes by, kept while training goes on. */
export interface RunningStatistics {
  /** `[C]`. */
  mean: Variable;
  /** `[C]`. */
  variance: Variable;
  /** How many batches there were: int32, a scalar. */
  batches: Variable;
}

/**
 * Moves running statistics towards those of a batch, in place, and counts the batch: `running ← (1 - momentum) · running + momentum · batch`, the variance
 * by its unbiased estimate, `count / (count - 1)` times the biased one, where `count` says how many values of each channel the batch has, at least 2.
 *
 * @param batch As `batchNormTraining` gives them. No gradient flows from here.
 * @throws {RangeError} if the shapes differ.
 */
export function updateRunningStatistics(
  running: RunningStatistics,
  batch: { mean: Tensor; variance: Tensor },
  { momentum, count }: { momentum: number; count: number },
): void {
  const channels = running.mean.size;
  const mean = asVector('updateRunningStatistics: mean', batch.mean, channels);
  const variance = asVector('updateRunningStatistics: variance', batch.variance, channels);
  const { mean: runningMean, variance: runningVariance, batches } = running;
  const inputs = { mean, variance, runningMean, runningVariance, batches };
  run(runningKernel, inputs, { momentum, correction: count / (count - 1) });
}

export type RunningInputs = {
  mean: Tensor1D;
  variance: Tensor1D;
  runningMean: Variable;
  runningVariance: Variable;
  batches: Variable;
};
export type RunningAttributes = { momentum: number; correction: number };

const runningKernel: Kernel<RunningInputs, RunningAttributes, Tensor[]> = {
  name: 'ImgclsRunningStatistics',
  composed({ mean, variance, runningMean, runningVariance, batches }, { momentum, correction }) {
    runningMean.assign(add(mul(runningMean, 1 - momentum), mul(mean, momentum)));
    runningVariance.assign(add(mul(runningVariance, 1 - momentum), mul(variance, momentum * correction)));
    batches.assign(add(batches, scalar(1, 'int32')));
    return [];
  },
  own: own.runningStatistics,
};

type Affine = { gamma: Tensor1D; beta: Tensor1D };
export type BatchNormInputs = Affine & { x: Tensor; mean: Tensor1D; variance: Tensor1D };
type Epsilon = { epsilon: number };

const batchNormKernel: Kernel<BatchNormInputs, Epsilon> = {
  name: 'ImgclsBatchNorm',
  composed({ x, mean, variance, gamma, beta }, { epsilon }) {
    const scale = mul(gamma, rsqrt(add(variance, epsilon)));
    return add(mul(x, scale), sub(beta, mul(mean, scale)));
  },
  own: own.batchNorm,
};

export const batchNormGradient: Gradient<BatchNormInputs, Epsilon, keyof BatchNormInputs> = {
  kernel: batchNormKernel,
  saves: ['x', 'mean', 'variance', 'gamma', 'beta'],
  backward(dy, saved, { epsilon }) {
    const [dx, dGamma, dBeta] = run(gradientKernel, { dy, ...saved }, { epsilon, constantStatistics: true });
    return { x: () => dx!, gamma: () => dGamma!, beta: () => dBeta! };
  },
};

type BatchNormTrainingInputs = Affine & { x: Tensor };

const batchNormTrainingKernel: Kernel<BatchNormTrainingInputs, Epsilon, Tensor[]> = {
  name: 'ImgclsBatchNormTraining',
  composed({ x, gamma, beta }, { epsilon }) {
    const count = x.size / x.shape.at(-1)!;
    const mean = div(channelSum(x), count);
    const centred = sub(x, mean);
    const variance = div(channelSum(square(centred)), count);
    const y = add(mul(centred, mul(gamma, rsqrt(add(variance, epsilon)))), beta);
    return [y, mean, variance];
  },
  own: own.batchNormTraining,
};

export const batchNormTrainingGradient: Gradient<
  BatchNormTrainingInputs,
  Epsilon,
  keyof BatchNormTrainingInputs | 'y1' | 'y2',
  Tensor[]
> = {
  kernel: batchNormTrainingKernel,
  saves: ['x', 'gamma', 'beta', 'y1', 'y2'],
  backward([dy, dMean, dVariance], { y1: mean, y2: variance, ...saved }, { epsilon }) {
    const inputs = { dy: dy!, dMean: dMean as Tensor1D, dVariance: dVariance as Tensor1D, ...saved };
    const statistics = { mean: mean as Tensor1D, variance: variance as Tensor1D };
    const [dx, dGamma, dBeta] = run(
      gradientKernel,
      { ...inputs, ...statistics },
      { epsilon, constantStatistics: false },
    );
    return { x: () => dx!, gamma: () => dGamma!, beta: () => dBeta! };
  },
};

export type GradientInputs = BatchNormInputs & {
  dy: Tensor;
  /** Gradients of the statistics themselves, absent in evaluation. */
  dMean?: Tensor1D;
  dVariance?: Tensor1D;
};

/**
 * The gradients of `x`, `gamma` and `beta`. With `r = 1 / √(variance + epsilon)` a value gets `gamma · r · dy`; where the statistics are those of
 * the batch, of `M` values per channel, it gets `gamma · r · (dy - Σdy / M - (x - mean) · r² · Σ(dy · (x - mean)) / M)` through `y`, `dMean / M`
 * through the mean and `2 · (x - mean) · dVariance / M` through the variance: its own `dy` scaled, plus a line in `x - mean`.
 */
const gradientKernel: Kernel<GradientInputs, Epsilon & { constantStatistics: boolean }, Tensor[]> = {
  name: 'ImgclsBatchNormGradient',
  composed({ dy, dMean, dVariance, x, mean, variance, gamma }, { epsilon, constantStatistics }) {
    const count = x.size / x.shape.at(-1)!;
    const centred = sub(x, mean);
    const r = rsqrt(add(variance, epsilon));
    const scale = mul(gamma, r);
    const [sumDy, sumDyCentred] = [channelSum(dy), channelSum(mul(dy, centred))];
    const dGamma = mul(sumDyCentred, r);
    if (constantStatistics) return [mul(dy, scale), dGamma, sumDy];
    const through = (slope: Tensor | undefined, sum: Tensor) => (slope ? sub(slope, sum) : neg(sum));
    const line = through(dVariance && mul(2, dVariance), mul(mul(scale, square(r)), sumDyCentred));
    const offset = through(dMean, mul(scale, sumDy));
    return [add(mul(dy, scale), div(add(mul(centred, line), offset), count)), dGamma, sumDy];
  },
  own: own.batchNormBackward,
};

function affine(where: string, channels: number, gamma: Tensor | undefined, beta: Tensor | undefined): Affine {
  return {
    gamma: asVector(`${where}: gamma`, gamma, channels) ?? ones([channels]),
    beta: asVector(`${where}: beta`, beta, channels) ?? zeros([channels]),
  };
}

function channelCount(where: string, x: Tensor): number {
  checkFloat(`${where}: x`, x);
  const channels = x.shape.at(-1);
  if (channels === undefined) throw new RangeError(`${where}: x must have channels as its last axis, got a scalar`);
  return channels;
}
