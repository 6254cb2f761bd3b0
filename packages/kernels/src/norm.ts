import { type Activation, activationArguments } from './activation.ts';
import { type Buffer, isBf16 } from './buffer.ts';
import type { Kernels } from './kernels.ts';
import type { Block } from './memory.ts';
import type { Value } from './program.ts';

/** A matrix, channels last: an image's pixels are rows. All buffers of a call are stored alike; what belongs to channels is float32. */
export interface Rows {
  readonly rows: number;
  readonly channels: number;
}

/** What a channel is normalised by, `[channels]` each; the variance is the biased one. */
export interface NormParameters {
  readonly mean: Block;
  readonly variance: Block;
  readonly gamma: Block;
  readonly beta: Block;
}

export type BatchNormShape = Rows & Activation & { readonly epsilon: number };

/** Mean and biased variance of each channel. */
export function batchNormStatistics(
  kernels: Kernels,
  { rows, channels }: Rows,
  { x, mean, variance }: { x: Buffer; mean: Block; variance: Block },
): void {
  kernels.call('batch_norm_statistics', isBf16(x), rows, channels, x.block, mean, variance);
}

export interface RunningStatistics {
  /** Those of a batch, `[channels]`. */
  readonly mean: Block;
  readonly variance: Block;
  /** Changed in place, `[channels]`. */
  readonly runningMean: Block;
  readonly runningVariance: Block;
  /** One int32, of which there is one more. */
  readonly batches: Block;
}

/** `running ← (1 - momentum) · running + momentum · batch`, the variance of the batch times `correction`. */
export function batchNormRunning(
  kernels: Kernels,
  { channels, momentum, correction }: { channels: number; momentum: number; correction: number },
  { mean, variance, runningMean, runningVariance, batches }: RunningStatistics,
): void {
  const shares = [1 - momentum, momentum, momentum * correction] as const;
  kernels.call('batch_norm_running', channels, ...shares, mean, variance, runningMean, runningVariance, batches);
}

/** `y = f((x - mean) · gamma / √(variance + epsilon) + beta + residual)`; `y` may be `x` or `residual`. */
export function batchNormApply(
  kernels: Kernels,
  { rows, channels, epsilon, ...f }: BatchNormShape,
  { x, residual, y, ...p }: NormParameters & { x: Buffer; residual?: Buffer | undefined; y: Buffer },
): void {
  const matrix = [isBf16(x), rows, channels, ...activationArguments(f)] as const;
  kernels.call('batch_norm', ...matrix, x.block, ...parameterArguments(p, epsilon), residual?.block, y.block);
}

/**
 * The weights and the bias of a convolution whose outputs are what `batchNormApply` makes of the outputs of another: `weights` are
 * `[rows, channels]`, the last axis those of the output. Each is computed in double and rounded once.
 */
export function batchNormFold(
  kernels: Kernels,
  { rows, channels, epsilon }: Rows & { readonly epsilon: number },
  { weights, bias, toWeights, toBias, ...p }: BatchNormFold,
): void {
  kernels.call('batch_norm_fold', rows, channels, weights, bias, ...parameterArguments(p, epsilon), toWeights, toBias);
}

export interface BatchNormFold extends NormParameters {
  readonly weights: Block;
  /** `[channels]`; zeros if absent. */
  readonly bias?: Block | undefined;
  readonly toWeights: Block;
  readonly toBias: Block;
}

export interface BatchNormGradient extends NormParameters {
  readonly x: Buffer;
  readonly dy: Buffer;
  /**
   * Needed where a residual was added: then f's derivative is told from `y`, which gelu, silu, hardSigmoid, hardSwish and a leakyRelu of negative
   * slope do not allow. Without it, f's argument is computed again from `x`.
   */
  readonly y?: Buffer | undefined;
  /** May be `dy`. */
  readonly dx: Buffer;
  /** The residual's gradient, `dy · f′`; may be `dy`. */
  readonly dResidual?: Buffer | undefined;
  readonly dGamma: Block;
  readonly dBeta: Block;
  /** What whoever wrote `dy` has gathered for a `NormBefore`: then `dy` came through the activation already, and none follows. */
  readonly sums?: Block | undefined;
  /** Gradients that the statistics have besides, `[channels]`. */
  readonly dMean?: Block | undefined;
  readonly dVariance?: Block | undefined;
}

/**
 * The gradients of batchNormApply.
 *
 * @param constantStatistics Whether mean and variance are constants, as in evaluation, or functions of `x`.
 */
export function batchNormGradient(
  kernels: Kernels,
  { rows, channels, epsilon, constantStatistics, ...f }: BatchNormShape & { readonly constantStatistics: boolean },
  { x, dy, y, dx, dResidual, dGamma, dBeta, sums, dMean, dVariance, ...p }: BatchNormGradient,
): void {
  const matrix = [isBf16(x), rows, channels, ...activationArguments(f)] as const;
  const statistics = [constantStatistics, dMean, dVariance] as const;
  const gradients = [dy.block, y?.block, dx.block, dResidual?.block, dGamma, dBeta, sums] as const;
  kernels.call(
    'batch_norm_gradient',
    ...matrix,
    x.block,
    ...parameterArguments(p, epsilon),
    ...statistics,
    ...gradients,
  );
}

/**
 * The batch norm and the activation that gave a convolution's input. Its gradient `dx` meets them as it is written: it becomes `dz = dx · f′`, and what
 * `batchNormGradient` needs of that is gathered.
 */
export interface NormBefore extends NormParameters, Activation {
  readonly epsilon: number;
  /** What was normalised, laid out and stored as `dx`. */
  readonly x: Buffer;
  /** As `batchNormGradient` needs it. */
  readonly y?: Buffer | undefined;
  /** Where the sums of dz and of dz · (x - mean) by channel go, float32 `[2, channels]`. */
  readonly sums: Block;
}

/** As norm-slope.h reads it. */
export const normBeforeArguments = (before: NormBefore | undefined): Value[] =>
  before
    ? [
        ...[before.x.block, before.y?.block],
        ...parameterArguments(before, before.epsilon),
        ...activationArguments(before),
        before.sums,
      ]
    : Array<undefined>(10).fill(undefined);

/** Images `[batch, height, width, channels]` that are normalised, activated and pooled. */
export type BatchNormMaxPoolShape = Activation & {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly epsilon: number;
};

/** Max pooling of batchNormApply's result by windows of 2x2 pixels, two apart: `y` is `[batch, ⌊height / 2⌋, ⌊width / 2⌋, channels]`. */
export function batchNormMaxPool(
  kernels: Kernels,
  { epsilon, ...shape }: BatchNormMaxPoolShape,
  { x, y, ...p }: NormParameters & { x: Buffer; y: Buffer },
): void {
  const images = [isBf16(x), ...imageArguments(shape)] as const;
  kernels.call('batch_norm_max_pool', ...images, x.block, ...parameterArguments(p, epsilon), y.block);
}

/**
 * The gradients of batchNormMaxPool, as batchNormGradient has them.
 *
 * @param y What came out, from which sums are taken faster, unless it is bfloat16, which is too coarse for that.
 */
export function batchNormMaxPoolGradient(
  kernels: Kernels,
  { epsilon, constantStatistics, ...shape }: BatchNormMaxPoolShape & { readonly constantStatistics: boolean },
  { x, dy, y, dx, dGamma, dBeta, dMean, dVariance, ...p }: Omit<BatchNormGradient, 'dResidual' | 'sums'>,
): void {
  const inputs = [isBf16(x), ...imageArguments(shape), x.block, ...parameterArguments(p, epsilon)] as const;
  const statistics = [constantStatistics, dMean, dVariance] as const;
  const outputs = [dy.block, y && !isBf16(y) ? y.block : undefined, dx.block, dGamma, dBeta] as const;
  kernels.call('batch_norm_max_pool_gradient', ...inputs, ...statistics, ...outputs);
}

/** `y[c] = Σ x[r, c]`. */
export function channelSum(kernels: Kernels, { rows, channels }: Rows, { x, y }: { x: Buffer; y: Block }): void {
  kernels.call('channel_sum', isBf16(x), rows, channels, x.block, y);
}

const parameterArguments = ({ mean, variance, gamma, beta }: NormParameters, epsilon: number) =>
  [mean, variance, gamma, beta, epsilon] as const;

const imageArguments = ({ batch, height, width, channels, ...f }: Omit<BatchNormMaxPoolShape, 'epsilon'>) =>
  [batch, height, width, channels, ...activationArguments(f)] as const;
