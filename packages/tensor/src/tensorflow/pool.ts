import { mul, type Tensor, type Tensor4D, tensor1d } from '@tensorflow/tfjs-core';
import { type AvgPoolAttributes, type MaxPoolGradient, type PoolAttributes, paddingCorrection } from '../pool.ts';
import { cropImages, padded, type Shape4D, unit } from '../window.ts';
import { geometryOf } from './conv.ts';
import { type Attribute, op, type TensorflowBackend } from './op.ts';

export const maxPool = (backend: TensorflowBackend, { x }: { x: Tensor4D }, attributes: PoolAttributes): Tensor =>
  op(backend, 'MaxPool', [x], poolOf(attributes, x.shape));

export const maxPoolGradient = (
  backend: TensorflowBackend,
  { x, y, dy }: MaxPoolGradient['inputs'],
  attributes: PoolAttributes,
): Tensor => op(backend, 'MaxPoolGrad', [x, y, dy], poolOf(attributes, x.shape));

/** TensorFlow's mean leaves padding out, so the images that it sees have it around. */
export function avgPoolGradient(
  backend: TensorflowBackend,
  { dy }: { dy: Tensor4D },
  { countIncludePad, inputShape, ...attributes }: AvgPoolAttributes,
): Tensor {
  const { padding } = attributes;
  const images = padded(inputShape, padding);
  const shares = countIncludePad ? dy : mul(dy, paddingCorrection(inputShape, attributes));
  const window = poolOf({ ...attributes, padding: unit.padding }, images);
  const pixels = op(backend, 'AvgPoolGrad', [tensor1d(images, 'int32'), shares], window);
  return cropImages(pixels as Tensor4D, padding);
}

/** TensorFlow's pools do not dilate. */
function poolOf(attributes: PoolAttributes, image: Shape4D): Record<string, Attribute> {
  const { dilations: _, ...geometry } = geometryOf(attributes, image, attributes.kernel);
  return { ...geometry, ksize: [1, ...attributes.kernel, 1] };
}
