import { type Dropout, dropout } from '@imgcls/kernels';
import type { Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import type { KernelsBackend } from '../kernels-backend.ts';
import { storageOf } from './own.ts';

export function dropped(backend: KernelsBackend, { x }: { x: Tensor }, choice: Dropout): TensorInfo {
  const y = backend.allocate(x.shape, storageOf(backend, x));
  dropout(backend.kernels, x.size, choice, { x: backend.of(x).buffer, y: backend.of(y).buffer });
  return y;
}
