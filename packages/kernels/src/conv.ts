import type { Activation } from './activation.ts';
import { type Buffer, isBf16 } from './buffer.ts';
import { depthwiseConv2d, depthwiseInputGradient, depthwiseWeightGradient } from './depthwise.ts';
import { directConv2d, directFilter, directInputGradient, directWeightGradient } from './direct.ts';
import type { Kernels } from './kernels.ts';
import type { Block } from './memory.ts';
import type { NormBefore } from './norm.ts';
import type { Window } from './window.ts';
import {
  type Pass,
  prefersWinograd,
  winograd,
  winogradFilter,
  winogradInputGradient,
  winogradWeightGradient,
} from './winograd.ts';

/** A convolution of images `[batch, height, width, inChannels]` with filters `[kh, kw, inChannels / groups, outChannels]`. */
export interface Conv2dShape extends Window {
  readonly batch: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly groups: number;
}

/** A filter that was laid out once, by `prepareFilter`, for many calls with images of any size. */
export interface PreparedFilter {
  readonly algorithm: 'direct' | 'winograd';
  /** For the caller to release. */
  readonly block: Block;
}

export interface Conv2d extends Activation {
  readonly x: Buffer;
  /** Float32, or what `prepareFilter` made of it. */
  readonly weight: Block | PreparedFilter;
  readonly y: Buffer;
  /** Float32 `[outChannels]`. */
  readonly bias?: Block | undefined;
  /** Added after the bias, laid out and stored as `y`. */
  readonly residual?: Block | undefined;
  /** Where mean and biased variance of each channel of conv(x) + bias go, float32 `[outChannels]`. */
  readonly statistics?: { readonly mean: Block; readonly variance: Block } | undefined;
}

/** `y = activation(conv(x) + bias + residual)`, of which all but the convolution may be left out. */
export function conv2d(kernels: Kernels, shape: Conv2dShape, { weight, ...operands }: Conv2d): void {
  if ('algorithm' in weight) {
    if (weight.algorithm === 'winograd') winograd(kernels, shape, { ...operands, weight: { points: weight.block } });
    else directConv2d(kernels, shape, { ...operands, weight: { panels: weight.block } });
    return;
  }
  const compute = { depthwise: depthwiseConv2d, winograd, direct: directConv2d };
  const { x, y } = operands;
  compute[algorithm(kernels, shape, 'forward', x, y)](kernels, shape, { ...operands, weight });
}

export interface Conv2dInputGradient {
  readonly dy: Buffer;
  /** Float32. */
  readonly weight: Block;
  /** Added to the gradient, laid out and stored as `dx`. Not for depthwise convolutions. */
  readonly residual?: Block | undefined;
  /** What `dx` meets, if the convolution `meetsNorms`. */
  readonly before?: NormBefore | undefined;
  /** The gradient, or what `before` makes of it. */
  readonly dx: Buffer;
}

/** Whether each channel has filters of its own. */
export const isDepthwise = ({ groups, inChannels }: Conv2dShape): boolean => groups > 1 && groups === inChannels;

/**
 * Whether its input gradient can meet the norm before it as it is written: where a depthwise convolution has one filter for each channel. Products are
 * as fast as the walk that this saves would be.
 */
export const meetsNorms = (shape: Conv2dShape): boolean => isDepthwise(shape) && shape.inChannels === shape.outChannels;

/**
 * `dx` from `dy`, plus `residual`.
 *
 * @throws {RangeError} if it is to meet a norm, and can't.
 */
export function conv2dInputGradient(kernels: Kernels, shape: Conv2dShape, operands: Conv2dInputGradient): void {
  if (operands.before && !meetsNorms(shape)) {
    throw new RangeError(
      'conv2dInputGradient: only a depthwise convolution of one filter per channel meets the norm before it',
    );
  }
  const compute = { depthwise: depthwiseInputGradient, winograd: winogradInputGradient, direct: directInputGradient };
  const { dy, dx } = operands;
  compute[algorithm(kernels, shape, 'inputGradient', dy, dx)](kernels, shape, operands);
}

/** `dWeight`, float32 and laid out as the filter, from `x` and `dy`. */
export function conv2dWeightGradient(
  kernels: Kernels,
  shape: Conv2dShape,
  operands: { readonly x: Buffer; readonly dy: Buffer; readonly dWeight: Block },
): void {
  const compute = {
    depthwise: depthwiseWeightGradient,
    winograd: winogradWeightGradient,
    direct: directWeightGradient,
  };
  const { x, dy } = operands;
  compute[algorithm(kernels, shape, 'weightGradient', x, dy)](kernels, shape, operands);
}

/** Lays a filter out as `conv2d` reads it, so that it need not do so in each call. Nothing where it reads filters as they are. */
export function prepareFilter(kernels: Kernels, shape: Conv2dShape, weight: Block): PreparedFilter | undefined {
  switch (algorithm(kernels, shape, 'prepared')) {
    case 'depthwise':
      return undefined;
    case 'winograd':
      return { algorithm: 'winograd', block: winogradFilter(kernels, shape, weight).points };
    case 'direct':
      return { algorithm: 'direct', block: directFilter(kernels, shape, weight).panels };
  }
}

/** What computes a pass of a convolution, between these images, fastest. */
function algorithm(
  kernels: Kernels,
  shape: Conv2dShape,
  pass: Pass,
  ...images: Buffer[]
): 'depthwise' | 'winograd' | 'direct' {
  if (isDepthwise(shape)) return 'depthwise';
  if (kernels.carrier.isa === 'amx' && images.some(isBf16) && prefersAmx(shape, pass)) return 'direct';
  return prefersWinograd(shape, pass) ? 'winograd' : 'direct';
}

/**
 * Whether AMX computes a pass between images of bfloat16 faster than Winograd's tiles: not weight gradients, whose patches and sums take longer than their
 * products. Input gradients have pairs to multiply where the output channels of each tap, over which they sum, are even.
 */
const prefersAmx = ({ outChannels, groups }: Conv2dShape, pass: Pass): boolean =>
  pass === 'forward' || (pass === 'inputGradient' && (outChannels / groups) % 2 === 0);
