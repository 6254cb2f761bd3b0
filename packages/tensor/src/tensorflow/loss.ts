import { sum, type Tensor } from '@tensorflow/tfjs-core';
import { ops, type TensorflowBackend } from './op.ts';

/** `SoftmaxCrossEntropyWithLogits` takes any coefficients as its labels; its gradient would want them to sum to 1, so that is not used. */
export function crossEntropy(
  backend: TensorflowBackend,
  { logits, coefficients }: { logits: Tensor; coefficients: Tensor },
  { perExample }: { perExample: boolean },
): Tensor {
  const [losses] = ops(backend, 'SoftmaxCrossEntropyWithLogits', [logits, coefficients], {}, 2);
  return perExample ? losses! : sum(losses!);
}
