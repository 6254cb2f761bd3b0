import { type Buffer, isBf16 } from './buffer.ts';
import type { Kernels } from './kernels.ts';
import type { Block } from './memory.ts';

/** A matrix of which every row is a distribution. All buffers of a call are stored alike. */
export interface Distributions {
  readonly rows: number;
  readonly columns: number;
}

/** `y = eˣ / Σ eˣ` over each row; `y` may be `x`. */
export function softmax(kernels: Kernels, { rows, columns }: Distributions, { x, y }: { x: Buffer; y: Buffer }): void {
  kernels.call('softmax', isBf16(x), rows, columns, x.block, y.block);
}

/** The logarithm of softmax, without overflow; `y` may be `x`. */
export function logSoftmax(
  kernels: Kernels,
  { rows, columns }: Distributions,
  { x, y }: { x: Buffer; y: Buffer },
): void {
  kernels.call('log_softmax', isBf16(x), rows, columns, x.block, y.block);
}

/** What a gradient of softmax or logSoftmax takes: what they gave, and its gradient. `dx` may be `dy`. */
export interface SoftmaxGradient {
  readonly dy: Buffer;
  readonly y: Buffer;
  readonly dx: Buffer;
}

export function softmaxGradient(
  kernels: Kernels,
  { rows, columns }: Distributions,
  { dy, y, dx }: SoftmaxGradient,
): void {
  kernels.call('softmax_gradient', isBf16(dy), rows, columns, dy.block, y.block, dx.block);
}

export function logSoftmaxGradient(
  kernels: Kernels,
  { rows, columns }: Distributions,
  { dy, y, dx }: SoftmaxGradient,
): void {
  kernels.call('log_softmax_gradient', isBf16(dy), rows, columns, dy.block, y.block, dx.block);
}

/** Of one number for all rows, or of one for each. */
export type CrossEntropyShape = Distributions & { readonly perExample: boolean };

/** `loss = -Σ coefficients · log softmax(logits)`; coefficients and losses are float32. */
export function crossEntropy(
  kernels: Kernels,
  { rows, columns, perExample }: CrossEntropyShape,
  { logits, coefficients, loss }: { logits: Buffer; coefficients: Block; loss: Block },
): void {
  kernels.call('cross_entropy', isBf16(logits), rows, columns, logits.block, coefficients, perExample, loss);
}

/** `dLogits` from `dy`, the gradient of the loss. */
export function crossEntropyGradient(
  kernels: Kernels,
  { rows, columns, perExample }: CrossEntropyShape,
  { logits, coefficients, dy, dLogits }: { logits: Buffer; coefficients: Block; dy: Block; dLogits: Buffer },
): void {
  const inputs = [logits.block, coefficients, perExample, dy] as const;
  kernels.call('cross_entropy_gradient', isBf16(logits), rows, columns, ...inputs, dLogits.block);
}

/**
 * crossEntropy's coefficients for class indices, as PyTorch's CrossEntropyLoss weighs them.
 *
 * @param mean Whether they are those of the mean loss, divided by the sum of the targets' weights, or of the sum.
 * @throws {Error} if a target is no index of a column.
 */
export function crossEntropyCoefficients(
  kernels: Kernels,
  { rows, columns, labelSmoothing, mean }: Distributions & { readonly labelSmoothing: number; readonly mean: boolean },
  { targets, classWeights, coefficients }: { targets: Block; classWeights?: Block | undefined; coefficients: Block },
): void {
  const inputs = [targets, classWeights, labelSmoothing, mean] as const;
  kernels.call('cross_entropy_coefficients', rows, columns, ...inputs, coefficients);
}
