import { type Buffer, isBf16 } from './buffer.ts';
import type { Kernels } from './kernels.ts';
import type { Block } from './memory.ts';

/** A matrix of which every row is normalised. All buffers of a call are stored alike; gamma and beta are float32 `[columns]`. */
export interface LayerNormShape {
  readonly rows: number;
  readonly columns: number;
  readonly epsilon: number;
}

/** `y = (x - mean) / √(variance + epsilon) · gamma + beta` with each row's own mean and biased variance. `y` may be `x`. */
export function layerNorm(
  kernels: Kernels,
  { rows, columns, epsilon }: LayerNormShape,
  { x, gamma, beta, y }: { x: Buffer; gamma: Block; beta: Block; y: Buffer },
): void {
  kernels.call('layer_norm', isBf16(x), rows, columns, x.block, gamma, beta, epsilon, y.block);
}

export interface LayerNormGradient {
  readonly x: Buffer;
  readonly gamma: Block;
  readonly dy: Buffer;
  /** May be `dy`. */
  readonly dx: Buffer;
  readonly dGamma: Block;
  readonly dBeta: Block;
}

export function layerNormGradient(
  kernels: Kernels,
  { rows, columns, epsilon }: LayerNormShape,
  { x, gamma, dy, dx, dGamma, dBeta }: LayerNormGradient,
): void {
  const inputs = [x.block, gamma, epsilon, dy.block] as const;
  kernels.call('layer_norm_gradient', isBf16(x), rows, columns, ...inputs, dx.block, dGamma, dBeta);
}
