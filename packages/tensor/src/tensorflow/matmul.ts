import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { product } from './bf16.ts';
import { op, type TensorflowBackend } from './op.ts';

export function linear(
  backend: TensorflowBackend,
  { x, weight, bias }: { x: Tensor2D; weight: Tensor2D; bias?: Tensor1D },
): Tensor {
  const y = product(backend, 'MatMul', [x, weight]);
  return bias ? op(backend, 'BiasAdd', [y, bias]) : y;
}

export const linearInputGradient = (
  backend: TensorflowBackend,
  { dy, weight }: { dy: Tensor2D; weight: Tensor2D },
): Tensor => product(backend, 'MatMul', [dy, weight], { transpose_b: true });
