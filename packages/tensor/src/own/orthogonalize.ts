import { orthogonalize } from '@imgcls/kernels';
import type { Tensor2D, TensorInfo } from '@tensorflow/tfjs-core';
import type { KernelsBackend } from '../kernels-backend.ts';

export function orthogonal(
  backend: KernelsBackend,
  { x }: { x: Tensor2D },
  { steps }: { steps: number },
): TensorInfo | undefined {
  const [rows, columns] = x.shape;
  if (x.size === 0) return undefined;
  const y = backend.allocate(x.shape);
  const blocks = { x: backend.of(x).block, y: backend.of(y).block };
  orthogonalize(backend.kernels, { rows, columns, steps }, blocks);
  return y;
}
