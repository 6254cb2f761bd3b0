import { layerNorm, layerNormGradient } from '@imgcls/kernels';
import type { Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import type { KernelsBackend } from '../kernels-backend.ts';
import { alike } from '../tensor-data.ts';
import { storageOf } from './own.ts';

type Epsilon = { epsilon: number };

export function layerNormalized(
  backend: KernelsBackend,
  { x, gamma, beta }: { x: Tensor; gamma: Tensor; beta: Tensor },
  { epsilon }: Epsilon,
): TensorInfo {
  const y = backend.allocate(x.shape, storageOf(backend, x));
  const vectors = { gamma: backend.of(gamma).block, beta: backend.of(beta).block };
  const operands = { ...vectors, x: backend.of(x).buffer, y: backend.of(y).buffer };
  layerNorm(backend.kernels, { ...rowsOf(x), epsilon }, operands);
  return y;
}

/** `[dx, dGamma, dBeta]` */
export function layerNormBackward(
  backend: KernelsBackend,
  { dy, x, gamma }: { dy: Tensor; x: Tensor; gamma: Tensor },
  { epsilon }: Epsilon,
): TensorInfo[] {
  const dx = backend.allocate(x.shape, storageOf(backend, dy));
  const [dGamma, dBeta] = [backend.allocate(gamma.shape), backend.allocate(gamma.shape)];
  const vectors = {
    gamma: backend.of(gamma).block,
    dGamma: backend.of(dGamma).block,
    dBeta: backend.of(dBeta).block,
  };
  alike(backend.kernels, backend.of(dx).buffer, [backend.of(x), backend.of(dy)], (dx, x_, dy) =>
    layerNormGradient(backend.kernels, { ...rowsOf(x), epsilon }, { ...vectors, x: x_, dy, dx }),
  );
  return [dx, dGamma, dBeta];
}

function rowsOf(x: Tensor): { rows: number; columns: number } {
  const columns = x.shape.at(-1)!;
  return { rows: columns === 0 ? 0 : x.size / columns, columns };
}
