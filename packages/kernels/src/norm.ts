import { type Activation, activationArguments } from './activation.ts';
import { type Buffer, isBf16 } from './buffer.ts';
import type { Kernels } from './kernels.ts';
import type { Block } from './memory.ts';

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

/** `y = f((x - mean) · gamma / √(variance + epsilon) + beta + residual)`; `y` may be `x` or `residual`. */
export function batchNormApply(
  kernels: Kernels,
  { rows, channels, epsilon, ...f }: BatchNormShape,
  { x, residual, y, ...p }: NormParameters & { x: Buffer; residual?: Buffer | undefined; y: Buffer },
): void {
  const matrix = [isBf16(x), rows, channels, ...activationArguments(f)] as const;
  kernels.call('batch_norm', ...matrix, x.block, ...parameterArguments(p, epsilon), residual?.block, y.block);
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
  { x, dy, y, dx, dResidual, dGamma, dBeta, dMean, dVariance, ...p }: BatchNormGradient,
): void {
  const matrix = [isBf16(x), rows, channels, ...activationArguments(f)] as const;
  const statistics = [constantStatistics, dMean, dVariance] as const;
  const gradients = [dy.block, y?.block, dx.block, dResidual?.block, dGamma, dBeta] as const;
  kernels.call(
    'batch_norm_gradient',
    ...matrix,
    x.block,
    ...parameterArguments(p, epsilon),
    ...statistics,
    ...gradients,
  );
}

/** `y[c] = Σ x[r, c]`. */
export function channelSum(kernels: Kernels, { rows, channels }: Rows, { x, y }: { x: Buffer; y: Block }): void {
  kernels.call('channel_sum', isBf16(x), rows, channels, x.block, y);
}

const parameterArguments = ({ mean, variance, gamma, beta }: NormParameters, epsilon: number) =>
  [mean, variance, gamma, beta, epsilon] as const;
