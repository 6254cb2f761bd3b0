import { type Activation, activationArguments } from './activation.ts';
import { type Buffer, isBf16 } from './buffer.ts';
import type { Kernels } from './kernels.ts';
import type { Block } from './memory.ts';

/** A convolution of images `[batch, height, width, inChannels]` with filters `[kh, kw, inChannels / groups, outChannels]`. */
export interface Conv2dShape {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly groups: number;
  /** Rows, columns. */
  readonly kernelSize: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly padding: { readonly top: number; readonly bottom: number; readonly left: number; readonly right: number };
}

/** A filter that was laid out once, by `prepareFilter`, for many calls. */
export interface PreparedFilter {
  readonly panels: Block;
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
export function conv2d(kernels: Kernels, shape: Conv2dShape, operands: Conv2d): void {
  const { x, weight, y, bias, residual, statistics } = operands;
  const filter = 'panels' in weight ? [undefined, weight.panels] : [weight, undefined];
  const epilogue = [bias, residual, ...activationArguments(operands), statistics?.mean, statistics?.variance];
  kernels.call('conv', ...numbers(shape), x.block, isBf16(x), ...filter, y.block, isBf16(y), ...epilogue);
}

/** `dx` from `dy`. */
export function conv2dInputGradient(
  kernels: Kernels,
  shape: Conv2dShape,
  { dy, weight, dx }: { readonly dy: Buffer; readonly weight: Block; readonly dx: Buffer },
): void {
  kernels.call('conv_input_gradient', ...numbers(shape), dy.block, isBf16(dy), weight, dx.block, isBf16(dx));
}

/** `dWeight`, float32 and laid out as the filter, from `x` and `dy`. */
export function conv2dWeightGradient(
  kernels: Kernels,
  shape: Conv2dShape,
  { x, dy, dWeight }: { readonly x: Buffer; readonly dy: Buffer; readonly dWeight: Block },
): void {
  kernels.call('conv_weight_gradient', ...numbers(shape), x.block, isBf16(x), dy.block, isBf16(dy), dWeight);
}

/** Lays a filter out as `conv2d` reads it, so that it need not do so in each call. The caller releases the block. */
export function prepareFilter(kernels: Kernels, shape: Conv2dShape, weight: Block): PreparedFilter {
  const { inChannels, outChannels, groups, kernelSize } = shape;
  const widestPanel = 32; // of AVX-512; others are divisors
  const columns = Math.ceil(outChannels / groups / widestPanel) * widestPanel;
  const floats = kernelSize[0] * kernelSize[1] * inChannels * columns;
  const panels = kernels.memory.allocate(floats * Float32Array.BYTES_PER_ELEMENT);
  kernels.call('conv_pack', ...numbers(shape), weight, panels);
  return { panels };
}

/** Rows and columns of `y`. */
export function outputSize({ height, width, kernelSize, stride, dilation, padding }: Conv2dShape): [number, number] {
  const along = (size: number, axis: 0 | 1): number =>
    Math.floor((size - dilation[axis] * (kernelSize[axis] - 1) - 1) / stride[axis]) + 1;
  return [along(height + padding.top + padding.bottom, 0), along(width + padding.left + padding.right, 1)];
}

/** As conv.cc reads a shape. */
function numbers(shape: Conv2dShape): number[] {
  const { batch, height, width, inChannels, outChannels, groups, kernelSize, stride, dilation, padding } = shape;
  const [outHeight, outWidth] = outputSize(shape);
  return [
    ...[batch, inChannels, outChannels, groups],
    ...[height, outHeight, kernelSize[0], stride[0], dilation[0], padding.top],
    ...[width, outWidth, kernelSize[1], stride[1], dilation[1], padding.left],
  ];
}
