import { type Buffer, isBf16 } from './buffer.ts';
import type { Kernels } from './kernels.ts';
import { type Window, windowArguments } from './window.ts';

/** Images `[batch, height, width, channels]`, and the window that slides over them. All buffers of a call are stored alike. */
export type PoolShape = Omit<Window, 'dilation'> & { readonly batch: number; readonly channels: number };

/** The largest value of each window; NaN, if one is in it. Padding is never the largest. */
export function maxPool(kernels: Kernels, shape: PoolShape, { x, y }: { x: Buffer; y: Buffer }): void {
  kernels.call('max_pool', isBf16(x), ...numbers(shape), x.block, y.block);
}

/** `dx` from `dy`: each window's gradient goes to the first of its largest values, row by row. */
export function maxPoolGradient(
  kernels: Kernels,
  shape: PoolShape,
  { x, dy, dx }: { x: Buffer; dy: Buffer; dx: Buffer },
): void {
  kernels.call('max_pool_gradient', isBf16(x), ...numbers(shape), x.block, dy.block, dx.block);
}

export type AvgPoolShape = PoolShape & {
  /** Whether padding counts as zeros in the mean; otherwise it is left out. */
  readonly countIncludePad: boolean;
};

/** The mean of each window. */
export function avgPool(kernels: Kernels, shape: AvgPoolShape, { x, y }: { x: Buffer; y: Buffer }): void {
  kernels.call('avg_pool', isBf16(x), ...numbers(shape), shape.countIncludePad, x.block, y.block);
}

/** `dx` from `dy`. */
export function avgPoolGradient(kernels: Kernels, shape: AvgPoolShape, { dy, dx }: { dy: Buffer; dx: Buffer }): void {
  kernels.call('avg_pool_gradient', isBf16(dy), ...numbers(shape), shape.countIncludePad, dy.block, dx.block);
}

const numbers = (shape: PoolShape): number[] => [
  shape.batch,
  shape.channels,
  ...windowArguments({ ...shape, dilation: [1, 1] }),
];
