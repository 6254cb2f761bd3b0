import type { Tensor } from '@tensorflow/tfjs-core';
import type { Slope } from '../activation.ts';
import { op, type TensorflowBackend } from './op.ts';

/** The gradients that are one op of TensorFlow; the others are undefined. */
export function activationGradient(
  backend: TensorflowBackend,
  { dy, saved }: { dy: Tensor; saved: Tensor },
  { activation, slope }: Slope,
): Tensor | undefined {
  switch (activation) {
    case 'relu':
      return op(backend, 'ReluGrad', [dy, saved]);
    case 'relu6':
      return op(backend, 'Relu6Grad', [dy, saved]);
    case 'leakyRelu':
      return op(backend, 'LeakyReluGrad', [dy, saved], { alpha: { float: slope } });
    case 'elu':
      return op(backend, 'EluGrad', [dy, saved]);
    case 'sigmoid':
      return op(backend, 'SigmoidGrad', [saved, dy]);
    case 'tanh':
      return op(backend, 'TanhGrad', [saved, dy]);
    default:
      return undefined;
  }
}
