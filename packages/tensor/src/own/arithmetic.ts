import { binary } from '@imgcls/kernels';
import { backend_util, type Tensor, type TensorInfo } from '@tensorflow/tfjs-core';
import type { KernelsBackend } from '../kernels-backend.ts';
import { storageOf } from './own.ts';

/**
 * Of equal shapes, a sum becomes part of what gives one of the two, where that still waits: of what nobody else reads, if there is a choice,
 * for the other would be computed once more.
 */
export function add(backend: KernelsBackend, { a, b }: { a: Tensor; b: Tensor }): TensorInfo {
  const [left, right] = [backend.of(a), backend.of(b)];
  const storage = storageOf(backend, a, b);
  if (a.shape.join() === b.shape.join()) {
    const [first, second] = left.isShared ? [right, left] : [left, right];
    const joined = first.pending?.plus?.(second) ?? second.pending?.plus?.(first);
    if (joined) return backend.later(a.shape, storage, joined);
  }
  const y = backend.allocate(backend_util.assertAndGetBroadcastShape(a.shape, b.shape), storage);
  const operands = { a: left.elements, b: right.elements, y: backend.of(y).elements };
  binary(backend.kernels, 'add', { a: a.shape, b: b.shape }, operands);
  return y;
}
