import { activationArguments } from './activation.ts';
import { type Buffer, isBf16 } from './buffer.ts';
import type { Conv2d, Conv2dInputGradient, Conv2dShape } from './conv.ts';
import type { Kernels } from './kernels.ts';
import type { Block } from './memory.ts';
import { outputSize } from './window.ts';

/** A filter's 36 points per pair of channels, made by `winogradFilter`. */
export interface WinogradFilter {
  readonly points: Block;
}

/** Whether Winograd can compute a convolution: 3×3, stride 1, neither dilation nor groups. */
export const hasWinograd = ({ kernelSize, stride, dilation, groups }: Conv2dShape): boolean =>
  groups === 1 && [...kernelSize, ...stride, ...dilation].join() === '3,3,1,1,1,1';

/** `prepared`: forward, with a filter that was transformed before. */
export type Pass = 'forward' | 'prepared' | 'inputGradient' | 'weightGradient';

const LARGE_MAP = 112 * 112;

/**
 * Whether Winograd is faster than the direct convolution, by this model of both, in multiplications (measured: native/README.md).
 *
 * Direct takes 9 for each output and pair of channels. Winograd takes 36 for each tile and pair of channels (1.2 times as dear, for they come
 * in smaller products), and transforms 36 points of each pair of channels, and of each tile and channel, at a price that memory sets.
 *
 * Predictions of large maps are direct nevertheless: it is two to three times as exact, and what a stem gets wrong every later layer amplifies.
 */
export function prefersWinograd(shape: Conv2dShape, pass: Pass): boolean {
  if (!hasWinograd(shape)) return false;
  if (pass === 'inputGradient') return prefersWinograd(mirrored(shape), 'forward');
  const [height, width] = outputSize(shape);
  if (pass === 'prepared' && height * width >= LARGE_MAP) return false;
  const tiles = shape.batch * Math.ceil(height / 4) * Math.ceil(width / 4);
  const { inChannels } = shape;
  const [inWidth, outWidth] = [inChannels, shape.outChannels].map((channels) => Math.ceil(channels / 16) * 16) as [
    number,
    number,
  ];
  const pairs = inChannels * outWidth;
  const filterPrice = { forward: 30, prepared: 15, weightGradient: 50 }[pass];
  const direct = 9 * shape.batch * height * width * pairs;
  return 36 * (1.2 * tiles * pairs + filterPrice * pairs + 10 * tiles * (inWidth + outWidth)) < direct;
}

/** `y = activation(conv(x) + bias + residual)`, as `conv2d`, for shapes that `hasWinograd`. */
export function winograd(
  kernels: Kernels,
  shape: Conv2dShape,
  operands: Omit<Conv2d, 'weight'> & { readonly weight: Block | WinogradFilter },
): void {
  const { x, weight, y, bias, residual, statistics } = operands;
  const filter = 'points' in weight ? [undefined, false, weight.points] : [weight, false, undefined];
  const epilogue = [bias, residual, ...activationArguments(operands), statistics?.mean, statistics?.variance];
  kernels.call('winograd', ...numbers(shape), x.block, isBf16(x), ...filter, y.block, isBf16(y), ...epilogue);
}

/** `dx` from `dy`, plus `residual`: the convolution of `dy` with the filter turned around. */
export function winogradInputGradient(
  kernels: Kernels,
  shape: Conv2dShape,
  { dy, weight, residual, dx }: Conv2dInputGradient,
): void {
  const epilogue = [undefined, residual, ...activationArguments({}), undefined, undefined];
  kernels.call(
    'winograd',
    ...numbers(mirrored(shape)),
    dy.block,
    isBf16(dy),
    weight,
    true,
    undefined,
    dx.block,
    isBf16(dx),
    ...epilogue,
  );
}

/** `dWeight`, float32 `[3, 3, inChannels, outChannels]`, from `x` and `dy`. */
export function winogradWeightGradient(
  kernels: Kernels,
  shape: Conv2dShape,
  { x, dy, dWeight }: { readonly x: Buffer; readonly dy: Buffer; readonly dWeight: Block },
): void {
  kernels.call('winograd_weight_gradient', ...numbers(shape), x.block, isBf16(x), dy.block, isBf16(dy), dWeight);
}

/** Transforms a filter once, for many calls of `winograd`. The caller releases the block. */
export function winogradFilter(
  kernels: Kernels,
  { inChannels, outChannels }: Conv2dShape,
  weight: Block,
): WinogradFilter {
  const widestPanel = 32; // of AVX-512; others are divisors
  const floats = 36 * inChannels * Math.ceil(outChannels / widestPanel) * widestPanel;
  const points = kernels.memory.allocate(floats * Float32Array.BYTES_PER_ELEMENT);
  kernels.call('winograd_filter', inChannels, outChannels, weight, points);
  return { points };
}

/** The convolution that computes the input's gradient from the output's. */
function mirrored(shape: Conv2dShape): Conv2dShape {
  const [height, width] = outputSize(shape);
  const { top, bottom, left, right } = shape.padding;
  return {
    ...shape,
    ...{ height, width, inChannels: shape.outChannels, outChannels: shape.inChannels },
    padding: { top: 2 - top, bottom: 2 - bottom, left: 2 - left, right: 2 - right },
  };
}

/** As winograd.cc reads a shape. */
function numbers(shape: Conv2dShape): number[] {
  const { batch, height, width, inChannels, outChannels, padding } = shape;
  return [batch, height, width, inChannels, ...outputSize(shape), outChannels, padding.top, padding.left];
}
