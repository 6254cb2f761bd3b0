import { activationArguments } from './activation.ts';
import { type Buffer, isBf16 } from './buffer.ts';
import type { Conv2d, Conv2dInputGradient, Conv2dShape } from './conv.ts';
import type { Kernels } from './kernels.ts';
import type { Block } from './memory.ts';
import { windowArguments } from './window.ts';

// Convolutions of every shape as products of patches: see native/conv.cc.

/** A filter packed into panels by `directFilter`. */
export interface DirectFilter {
  readonly panels: Block;
}

/** `y = activation(conv(x) + bias + residual)`, as `conv2d`. */
export function directConv2d(
  kernels: Kernels,
  shape: Conv2dShape,
  operands: Omit<Conv2d, 'weight'> & { readonly weight: Block | DirectFilter },
): void {
  const { x, weight, y, bias, residual, statistics } = operands;
  const filter = 'panels' in weight ? [undefined, weight.panels] : [weight, undefined];
  const epilogue = [bias, residual, ...activationArguments(operands), statistics?.mean, statistics?.variance];
  kernels.call('conv', ...numbers(shape), x.block, isBf16(x), ...filter, y.block, isBf16(y), ...epilogue);
}

/** `dx` from `dy`, plus `residual`. */
export function directInputGradient(
  kernels: Kernels,
  shape: Conv2dShape,
  { dy, weight, residual, dx }: Conv2dInputGradient,
): void {
  const inputs = [dy.block, isBf16(dy), weight, residual];
  kernels.call('conv_input_gradient', ...numbers(shape), ...inputs, dx.block, isBf16(dx));
}

/** `dWeight`, float32 and laid out as the filter, from `x` and `dy`. */
export function directWeightGradient(
  kernels: Kernels,
  shape: Conv2dShape,
  { x, dy, dWeight }: { readonly x: Buffer; readonly dy: Buffer; readonly dWeight: Block },
): void {
  kernels.call('conv_weight_gradient', ...numbers(shape), x.block, isBf16(x), dy.block, isBf16(dy), dWeight);
}

/** Packs a filter once, for many calls of `directConv2d`. The caller releases the block. */
export function directFilter(kernels: Kernels, shape: Conv2dShape, weight: Block): DirectFilter {
  const { inChannels, outChannels, groups, kernelSize } = shape;
  const widestPanel = 32; // of AVX-512; others are divisors
  const columns = Math.ceil(outChannels / groups / widestPanel) * widestPanel;
  const floats = kernelSize[0] * kernelSize[1] * inChannels * columns;
  const panels = kernels.memory.allocate(floats * Float32Array.BYTES_PER_ELEMENT);
  kernels.call('conv_pack', ...numbers(shape), weight, panels);
  return { panels };
}

/** As conv.cc reads a shape. */
const numbers = (shape: Conv2dShape): number[] => [
  ...[shape.batch, shape.inChannels, shape.outChannels, shape.groups],
  ...windowArguments(shape),
];
