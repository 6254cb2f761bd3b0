import { add, mul, reshape, rsqrt, type Tensor, type Tensor1D, tensor1d } from '@tensorflow/tfjs-core';
import type { BatchNormInputs, GradientInputs } from '../norm.ts';
import { op, ops, type TensorflowBackend } from './op.ts';

type Epsilon = { epsilon: number };

export function batchNorm(
  backend: TensorflowBackend,
  { x, gamma, beta, mean, variance }: BatchNormInputs,
  { epsilon }: Epsilon,
): Tensor {
  return reshape(fused(backend, [x, gamma, beta, mean, variance], epsilon, false)[0]!, x.shape);
}

/** TensorFlow gives the unbiased variance. */
export function batchNormTraining(
  backend: TensorflowBackend,
  { x, gamma, beta }: Pick<BatchNormInputs, 'x' | 'gamma' | 'beta'>,
  { epsilon }: Epsilon,
): Tensor[] {
  const none = tensor1d([], 'float32');
  const [y, mean, variance] = fused(backend, [x, gamma, beta, none, none], epsilon, true);
  const count = x.size / gamma.size;
  return [reshape(y!, x.shape), mean!, mul(variance!, (count - 1) / count)];
}

/** `[dx, dGamma, dBeta]`; undefined where the statistics themselves have gradients, which TensorFlow's op does not know. */
export function batchNormGradient(
  backend: TensorflowBackend,
  { dy, x, gamma, mean, variance, dMean, dVariance }: GradientInputs,
  { epsilon, constantStatistics }: Epsilon & { constantStatistics: boolean },
): Tensor[] | undefined {
  if (![dMean, dVariance].every((slope) => slope === undefined || isZero(backend, slope))) return undefined;
  const attributes = { epsilon: { float: epsilon }, is_training: !constantStatistics, data_format: 'NHWC' };
  // cuDNN's op wants back what it has saved: 1 / √(variance + epsilon), and in its third version a workspace that is gone.
  const onGpu = backend.isUsingGpuDevice;
  const saved = onGpu && !constantStatistics ? rsqrt(add(variance, epsilon)) : variance;
  const inputs = [asImages(dy), asImages(x), gamma, mean, saved];
  const [dx, dGamma, dBeta] = onGpu
    ? ops(backend, 'FusedBatchNormGradV2', inputs, attributes, 5)
    : ops(backend, 'FusedBatchNormGradV3', [...inputs, variance], attributes, 5);
  return [reshape(dx!, x.shape), dGamma!, dBeta!];
}

export function channelSum(backend: TensorflowBackend, { x }: { x: Tensor }): Tensor {
  return op(backend, 'BiasAddGrad', [x.rank === 1 ? reshape(x, [1, x.size]) : x]);
}

function fused(
  backend: TensorflowBackend,
  inputs: [Tensor, ...Tensor[]],
  epsilon: number,
  training: boolean,
): Tensor[] {
  const [x, ...vectors] = inputs;
  const attributes = { epsilon: { float: epsilon }, is_training: training, data_format: 'NHWC' };
  return ops(backend, 'FusedBatchNormV3', [asImages(x), ...vectors], attributes, 6);
}

const asImages = (x: Tensor): Tensor => (x.rank === 4 ? x : reshape(x, [-1, 1, 1, x.shape.at(-1)!]));

/** Whether a tensor is the zeros that tfjs makes for a slope that nobody asked for: it is still on the host, so telling costs nothing. */
function isZero({ tensorMap }: TensorflowBackend, { dataId }: Tensor1D): boolean {
  const { values } = tensorMap.get(dataId);
  return values !== null && Array.from(values).every((value) => value === 0);
}
