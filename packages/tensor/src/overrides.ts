import { avgPool, engine, mul, reshape, type Tensor, type Tensor1D, type Tensor4D } from '@tensorflow/tfjs-core';
import type { Conv2dAttributes, Conv2dInputs, InputGradient, WeightGradient } from './conv.ts';
import type { Override } from './kernel.ts';
import type { MaxPoolGradient, PoolAttributes } from './pool.ts';
import { cropImages, lowest, padded, padImages } from './window.ts';

// The kernels that a backend computes in its own way, one list per backend; all that is not in it is composed (see kernel.ts).

const conv2dOnPadded: Override<Conv2dInputs, Conv2dAttributes, Tensor4D> = ({ x, ...rest }, attributes, composed) =>
  composed({ x: padImages(x, attributes.padding), ...rest }, { ...attributes, padding: none });

const none = [
  [0, 0],
  [0, 0],
] as const;

const stockInputGradient: Override<InputGradient['inputs'], InputGradient['attributes'], Tensor4D> = (
  { dy, weight },
  attributes,
  composed,
) => {
  if (!isPlain(attributes)) return composed({ dy, weight }, attributes);
  const { stride, padding, inputShape } = attributes;
  const stock = { strides: [...stride], pad: 'valid', dataFormat: 'NHWC', inputShape: padded(inputShape, padding) };
  return cropImages(engine().runKernel('Conv2DBackpropInput', { dy, filter: weight }, stock) as Tensor4D, padding);
};

const stockWeightGradient: Override<WeightGradient['inputs'], WeightGradient['attributes'], Tensor4D> = (
  { x, dy },
  attributes,
  composed,
) => {
  if (!isPlain(attributes)) return composed({ x, dy }, attributes);
  const { stride, padding, weightShape } = attributes;
  const stock = { strides: [...stride], pad: 'valid', dataFormat: 'NHWC', filterShape: weightShape };
  return engine().runKernel('Conv2DBackpropFilter', { x: padImages(x, padding), dy }, stock) as Tensor4D;
};

const stockMaxPoolGradient: Override<MaxPoolGradient['inputs'], PoolAttributes, Tensor4D> = (
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

/** The mean over the pixels of each image, then over the images: 10 times faster on `wasm` than a sum over the outer axes. */
const channelSumByPooling: Override<{ x: Tensor }, object, Tensor1D> = ({ x }, attributes, composed) => {
  if (x.rank < 3) return composed({ x }, attributes);
  const [n, channels] = [x.shape[0]!, x.shape.at(-1)!];
  const rows = x.size / channels;
  const perImage = avgPool(reshape(x, [n, rows / n, 1, channels]) as Tensor4D, [rows / n, 1], 1, 'valid');
  const mean = avgPool(reshape(perImage, [1, n, 1, channels]) as Tensor4D, [n, 1], 1, 'valid');
  return mul(reshape(mean, [channels]), rows);
};

const graphics = {
  ImgclsConv2dInputGradient: stockInputGradient,
  ImgclsConv2dWeightGradient: stockWeightGradient,
  ImgclsMaxPool2dGradient: stockMaxPoolGradient,
};

/** By backend and kernel. */
export const overrides: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  wasm: { ImgclsChannelSum: channelSumByPooling },
  webgl: graphics,
  webgpu: graphics,
  tensorflow: { ...graphics, ImgclsConv2d: conv2dOnPadded },
};
