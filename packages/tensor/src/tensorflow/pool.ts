import { mul, type Tensor, type Tensor4D, tensor1d } from '@tensorflow/tfjs-core';
import { type AvgPoolAttributes, type MaxPoolGradient, type PoolAttributes, paddingCorrection } from '../pool.ts';
import { cropImages, padded } from '../window.ts';
import { paddingOf } from './conv.ts';
import { type Attribute, op, type TensorflowBackend } from './op.ts';

export const maxPool = (backend: TensorflowBackend, { x }: { x: Tensor4D }, attributes: PoolAttributes): Tensor =>
  op(backend, 'MaxPool', [x], { ...geometry(attributes), ...paddingOf(attributes.padding) });

export const maxPoolGradient = (
  backend: TensorflowBackend,
  { x, y, dy }: MaxPoolGradient['inputs'],
  attributes: PoolAttributes,
): Tensor => op(backend, 'MaxPoolGrad', [x, y, dy], { ...geometry(attributes), ...paddingOf(attributes.padding) });

/** TensorFlow's mean leaves padding out, so the images that it sees have it around. */
export function avgPoolGradient(
  backend: TensorflowBackend,
  { dy }: { dy: Tensor4D },
  { countIncludePad, inputShape, ...attributes }: AvgPoolAttributes,
): Tensor {
  const { padding } = attributes;
  const shape = tensor1d(padded(inputShape, padding), 'int32');
  const shares = countIncludePad ? dy : mul(dy, paddingCorrection(inputShape, attributes));
  const pixels = op(backend, 'AvgPoolGrad', [shape, shares], { ...geometry(attributes), padding: 'VALID' });
  return cropImages(pixels as Tensor4D, padding);
}

const geometry = ({ kernel, stride }: Pick<PoolAttributes, 'kernel' | 'stride'>): Record<string, Attribute> => ({
  ksize: [1, ...kernel, 1],
  strides: [1, ...stride, 1],
});
