import { reshape, type Tensor, tensor1d } from '@tensorflow/tfjs-core';
import type { Conv2dAttributes, Conv2dInputs, InputGradient, WeightGradient } from '../conv.ts';
import type { Shape4D, Window } from '../window.ts';
import { type Attribute, op, type TensorflowBackend } from './op.ts';

/** `Conv2D` pads as it is told, and knows groups and dilation. */
export function convolution(
  backend: TensorflowBackend,
  { x, weight, bias }: Conv2dInputs,
  attributes: Conv2dAttributes,
): Tensor {
  const depthwise = depthwiseShape(weight.shape, attributes);
  const y = depthwise
    ? op(backend, 'DepthwiseConv2dNative', [x, reshape(weight, depthwise)], geometry(attributes))
    : op(backend, 'Conv2D', [x, weight], geometry(attributes));
  return bias ? op(backend, 'BiasAdd', [y, bias]) : y;
}

export function inputGradient(
  backend: TensorflowBackend,
  { dy, weight }: InputGradient['inputs'],
  { inputShape, ...attributes }: InputGradient['attributes'],
): Tensor | undefined {
  const shape = tensor1d(inputShape, 'int32');
  const depthwise = depthwiseShape(weight.shape, attributes);
  if (depthwise) {
    const inputs = [shape, reshape(weight, depthwise), dy];
    return op(backend, 'DepthwiseConv2dNativeBackpropInput', inputs, geometry(attributes));
  }
  if (!hasGradients(backend, attributes)) return undefined;
  return op(backend, 'Conv2DBackpropInput', [shape, weight, dy], geometry(attributes));
}

export function weightGradient(
  backend: TensorflowBackend,
  { x, dy }: WeightGradient['inputs'],
  { weightShape, ...attributes }: WeightGradient['attributes'],
): Tensor | undefined {
  const depthwise = depthwiseShape(weightShape, attributes);
  if (depthwise) {
    const inputs = [x, tensor1d(depthwise, 'int32'), dy];
    return reshape(op(backend, 'DepthwiseConv2dNativeBackpropFilter', inputs, geometry(attributes)), weightShape);
  }
  if (!hasGradients(backend, attributes)) return undefined;
  return op(backend, 'Conv2DBackpropFilter', [x, tensor1d(weightShape, 'int32'), dy], geometry(attributes));
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

function geometry({ stride, padding, dilation }: Window): Record<string, Attribute> {
  return { strides: [1, ...stride, 1], dilations: [1, ...dilation, 1], ...paddingOf(padding) };
}

/** Padding in the words of TensorFlow. */
export function paddingOf(padding: Window['padding']): Record<string, Attribute> {
  if (padding.flat().every((side) => side === 0)) return { padding: 'VALID' };
  return { padding: 'EXPLICIT', explicit_paddings: [0, 0, ...padding.flat(), 0, 0] };
}
