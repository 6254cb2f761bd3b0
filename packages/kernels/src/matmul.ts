import { type Activation, activationArguments } from './activation.ts';
import { type Buffer, isBf16 } from './buffer.ts';
import type { Kernels } from './kernels.ts';
import type { Block } from './memory.ts';

/** `[batch, m, k] · [batch, k, n]`. */
export interface MatmulShape {
  /** Without it, 1. */
  readonly batch?: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** A matrix of a product; rows lie one after the other. */
export interface Matrix extends Buffer {
  /** Whether columns lie one after the other instead: `[k, m]` for the left one, `[n, k]` for the right one. */
  readonly transposed?: boolean | undefined;
  /** Whether all batches share one matrix. */
  readonly shared?: boolean | undefined;
}

export interface Matmul extends Activation {
  readonly a: Matrix;
  readonly b: Matrix;
  readonly y: Buffer;
  /** Without it, 1. */
  readonly scale?: number | undefined;
  /** Float32 `[n]`. */
  readonly bias?: Block | undefined;
  /** Added after the bias, laid out and stored as `y`. `y` itself: what was there is added to. */
  readonly residual?: Block | undefined;
}

/** `y = activation(scale · a · b + bias + residual)`, of which all but the product may be left out. */
export function matmul(kernels: Kernels, shape: MatmulShape, operands: Matmul): void {
  const { batch = 1, m, n, k } = shape;
  const { a, b, y, scale = 1, bias, residual } = operands;
  kernels.call(
    'matmul',
    ...[batch, m, n, k],
    ...[a.block, isBf16(a), a.shared ? 0 : m * k, a.transposed],
    ...[b.block, isBf16(b), b.shared ? 0 : k * n, b.transposed],
    ...[y.block, isBf16(y), scale, bias, residual, ...activationArguments(operands)],
  );
}
