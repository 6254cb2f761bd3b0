import { reshape, type Tensor, type Tensor4D, tensor1d } from '@tensorflow/tfjs-core';
import type { Conv2dAttributes, Conv2dInputs, InputGradient, WeightGradient } from '../conv.ts';
import { cropImages, padded, padImages, type Shape4D, unit, type Window } from '../window.ts';
import { product } from './bf16.ts';
import { type Attribute, op, type TensorflowBackend } from './op.ts';

/** `Conv2D` pads as it is told, and knows groups and dilation. */
export function convolution(
  backend: TensorflowBackend,
  { x, weight, bias }: Conv2dInputs,
  attributes: Conv2dAttributes,
): Tensor {
  const depthwise = depthwiseShape(weight.shape, attributes);
  const geometry = geometryOf(attributes, x.shape, weight.shape);
  const y = depthwise
    ? op(backend, 'DepthwiseConv2dNative', [x, reshape(weight, depthwise)], geometry)
    : product(backend, 'Conv2D', [x, weight], geometry);
  return bias ? op(backend, 'BiasAdd', [y, bias]) : y;
}

export function inputGradient(
  backend: TensorflowBackend,
  { dy, weight }: InputGradient['inputs'],
  { inputShape, ...attributes }: InputGradient['attributes'],
): Tensor | undefined {
  const depthwise = depthwiseShape(weight.shape, attributes);
  if (!depthwise && !hasGradients(backend, attributes)) return undefined;
  const { padding } = attributes;
  if (padsSlowly(backend, attributes, inputShape, weight.shape)) {
    const unpadded = { ...attributes, padding: unit.padding, inputShape: padded(inputShape, padding) };
    return cropImages(inputGradient(backend, { dy, weight }, unpadded) as Tensor4D, padding);
  }
  const shape = tensor1d(inputShape, 'int32');
  const geometry = geometryOf(attributes, inputShape, weight.shape);
  return depthwise
    ? op(backend, 'DepthwiseConv2dNativeBackpropInput', [shape, reshape(weight, depthwise), dy], geometry)
    : product(backend, 'Conv2DBackpropInput', [shape, weight, dy], geometry);
}

export function weightGradient(
  backend: TensorflowBackend,
  { x, dy }: WeightGradient['inputs'],
  { weightShape, ...attributes }: WeightGradient['attributes'],
): Tensor | undefined {
  const depthwise = depthwiseShape(weightShape, attributes);
  if (!depthwise && !hasGradients(backend, attributes)) return undefined;
  if (padsSlowly(backend, attributes, x.shape, weightShape)) {
    const unpadded = { ...attributes, padding: unit.padding, weightShape };
    return weightGradient(backend, { x: padImages(x, attributes.padding), dy }, unpadded);
  }
  const geometry = geometryOf(attributes, x.shape, weightShape);
  const shape = tensor1d(depthwise ?? weightShape, 'int32');
  if (!depthwise) return product(backend, 'Conv2DBackpropFilter', [x, shape, dy], geometry);
  return reshape(op(backend, 'DepthwiseConv2dNativeBackpropFilter', [x, shape, dy], geometry), weightShape);
}

/** The filters `[KH, KW, C, M]` of TensorFlow's depthwise ops, where these can compute it: they take one stride for both axes, and do not dilate. */
function depthwiseShape(
  [height, width, groupChannels, outChannels]: Shape4D,
  { groups, stride, dilation }: Conv2dAttributes,
): Shape4D | undefined {
  if (groups === 1 || groupChannels > 1 || stride[0] !== stride[1] || dilation.some((step) => step > 1))
    return undefined;
  return [height, width, groups, outChannels / groups];
}

/** On a CPU TensorFlow has the gradients of plain convolutions only. */
const hasGradients = ({ isUsingGpuDevice }: TensorflowBackend, { groups, dilation }: Conv2dAttributes): boolean =>
  isUsingGpuDevice || (groups === 1 && dilation.every((step) => step === 1));

/** On a CPU the gradients leave oneDNN, which is three times as fast, where sides are told one by one. */
const padsSlowly = (
  { isUsingGpuDevice }: TensorflowBackend,
  window: Window,
  image: Shape4D,
  kernel: Shape4D,
): boolean => !isUsingGpuDevice && geometryOf(window, image, kernel).padding === 'EXPLICIT';

/** A window in the words of TensorFlow. */
export function geometryOf(
  { stride, padding, dilation }: Window,
  [, ...image]: Shape4D,
  kernel: readonly [number, number, ...unknown[]],
): Record<string, Attribute> {
  const attributes = { strides: [1, ...stride, 1], dilations: [1, ...dilation, 1] };
  if (padding.flat().every((side) => side === 0)) return { ...attributes, padding: 'VALID' };
  const isSame = ([0, 1] as const).every((axis) => {
    const reach = (kernel[axis] - 1) * dilation[axis] + 1;
    const places = Math.ceil(image[axis]! / stride[axis]);
    const total = Math.max((places - 1) * stride[axis] + reach - image[axis]!, 0);
    return padding[axis][0] === Math.floor(total / 2) && padding[axis][1] === Math.ceil(total / 2);
  });
  if (isSame) return { ...attributes, padding: 'SAME' };
  return { ...attributes, padding: 'EXPLICIT', explicit_paddings: [0, 0, ...padding.flat(), 0, 0] };
}
