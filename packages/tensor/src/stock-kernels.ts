import { engine, type Tensor4D } from '@tensorflow/tfjs-core';
import type { Conv2dAttributes, InputGradient, WeightGradient } from './conv.ts';
import type { Override } from './kernel.ts';
import type { MaxPoolGradient, PoolAttributes } from './pool.ts';
import { cropImages, lowest, padded, padImages } from './window.ts';

// tfjs's own gradient kernels: backends on graphics processors have them fast, others not. All of them get
// images that are padded already: not every backend pads these kernels as it is told.

export const stockInputGradient: Override<InputGradient['inputs'], InputGradient['attributes'], Tensor4D> = (
  { dy, weight },
  attributes,
  composed,
) => {
  if (!isPlain(attributes)) return composed({ dy, weight }, attributes);
  const { stride, padding, inputShape } = attributes;
  const stock = { strides: [...stride], pad: 'valid', dataFormat: 'NHWC', inputShape: padded(inputShape, padding) };
  return cropImages(engine().runKernel('Conv2DBackpropInput', { dy, filter: weight }, stock) as Tensor4D, padding);
};

export const stockWeightGradient: Override<WeightGradient['inputs'], WeightGradient['attributes'], Tensor4D> = (
  { x, dy },
  attributes,
  composed,
) => {
  if (!isPlain(attributes)) return composed({ x, dy }, attributes);
  const { stride, padding, weightShape } = attributes;
  const stock = { strides: [...stride], pad: 'valid', dataFormat: 'NHWC', filterShape: weightShape };
  return engine().runKernel('Conv2DBackpropFilter', { x: padImages(x, padding), dy }, stock) as Tensor4D;
};

export const stockMaxPoolGradient: Override<MaxPoolGradient['inputs'], PoolAttributes, Tensor4D> = (
  { dy, x, y },
  attributes,
) => {
  const { kernel, stride, padding } = attributes;
  const stock = { filterSize: [...kernel], strides: [...stride], pad: 'valid' };
  const inputs = { dy, input: padImages(x, padding, lowest), output: y };
  return cropImages(engine().runKernel('MaxPoolGrad', inputs, stock) as Tensor4D, padding);
};

/** What the stock gradient kernels can do: they know neither groups nor dilation. */
const isPlain = ({ groups, dilation }: Conv2dAttributes): boolean =>
  groups === 1 && dilation.every((step) => step === 1);
