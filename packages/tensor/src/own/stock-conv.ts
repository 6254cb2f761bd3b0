import { type Activation, type Conv2dShape, conv2d, conv2dInputGradient, conv2dWeightGradient } from '@imgcls/kernels';
import { backend_util, type NamedAttrMap, type TensorInfo } from '@tensorflow/tfjs-core';
import type { KernelsBackend } from '../kernels-backend.ts';
import { fusedActivation, isFloat, type OwnKernel } from './own.ts';

type Shape4D = [number, number, number, number];
type Info = backend_util.Conv2DInfo;

/** tfjs's own convolutions, which a network not made of our operations has. */
export const stockConvolutions: Readonly<Record<string, OwnKernel>> = {
  Conv2D: (backend, { x, filter }, attributes) =>
    forward(backend, x!, filter!, infoOf(x!.shape, filter!.shape, attributes), attributes),
  FusedConv2D: fused(false),
  DepthwiseConv2dNative: (backend, { x, filter }, attributes) =>
    forward(backend, x!, filter!, infoOf(x!.shape, filter!.shape, attributes, true), attributes),
  FusedDepthwiseConv2D: fused(true),
  Conv2DBackpropInput: (backend, { dy, filter }, attributes) =>
    inputGradient(
      backend,
      dy!,
      filter!,
      infoOf(attributes.inputShape as number[], filter!.shape, attributes),
      attributes,
    ),
  DepthwiseConv2dNativeBackpropInput: (backend, { dy, filter }, attributes) =>
    inputGradient(
      backend,
      dy!,
      filter!,
      infoOf(attributes.inputShape as number[], filter!.shape, attributes, true),
      attributes,
    ),
  Conv2DBackpropFilter: (backend, { x, dy }, attributes) =>
    weightGradient(backend, x!, dy!, infoOf(x!.shape, attributes.filterShape as number[], attributes), attributes),
  DepthwiseConv2dNativeBackpropFilter: (backend, { x, dy }, attributes) =>
    weightGradient(
      backend,
      x!,
      dy!,
      infoOf(x!.shape, attributes.filterShape as number[], attributes, true),
      attributes,
    ),
};

function fused(depthwise: boolean): OwnKernel {
  return (backend, { x, filter, bias }, attributes) => {
    const f = fusedActivation(attributes.activation, attributes.leakyreluAlpha);
    const info = infoOf(x!.shape, filter!.shape, attributes, depthwise);
    if (!f || (bias && !(isFloat(bias) && bias.shape.length === 1 && bias.shape[0] === info.outChannels)))
      return undefined;
    return forward(backend, x!, filter!, info, attributes, f, bias);
  };
}

function forward(
  backend: KernelsBackend,
  x: TensorInfo,
  filter: TensorInfo,
  info: Info,
  attributes: NamedAttrMap,
  f: Activation = {},
  bias?: TensorInfo,
): TensorInfo | undefined {
  const shape = shapeOf(info, attributes);
  if (!shape || !isFloat(x, filter)) return undefined;
  const y = backend.allocate(info.outShape);
  conv2d(backend.kernels, shape, {
    ...f,
    x: backend.of(x).buffer,
    weight: backend.of(filter).block,
    bias: bias && backend.of(bias).block,
    y: backend.of(y).buffer,
  });
  return y;
}

function inputGradient(
  backend: KernelsBackend,
  dy: TensorInfo,
  filter: TensorInfo,
  info: Info,
  attributes: NamedAttrMap,
): TensorInfo | undefined {
  const shape = shapeOf(info, attributes);
  if (!shape || !isFloat(dy, filter) || dy.shape.join() !== info.outShape.join()) return undefined;
  const dx = backend.allocate(info.inShape);
  const operands = { dy: backend.of(dy).buffer, weight: backend.of(filter).block, dx: backend.of(dx).buffer };
  conv2dInputGradient(backend.kernels, shape, operands);
  return dx;
}

function weightGradient(
  backend: KernelsBackend,
  x: TensorInfo,
  dy: TensorInfo,
  info: Info,
  attributes: NamedAttrMap,
): TensorInfo | undefined {
  const shape = shapeOf(info, attributes);
  if (!shape || !isFloat(x, dy) || dy.shape.join() !== info.outShape.join()) return undefined;
  const dWeight = backend.allocate(info.filterShape);
  const operands = { x: backend.of(x).buffer, dy: backend.of(dy).buffer, dWeight: backend.of(dWeight).block };
  conv2dWeightGradient(backend.kernels, shape, operands);
  return dWeight;
}

function infoOf(x: readonly number[], filter: readonly number[], attributes: NamedAttrMap, depthwise = false): Info {
  const { strides, pad, dilations, dimRoundingMode, dataFormat } = attributes as never as StockAttributes;
  const format = depthwise ? 'channelsLast' : backend_util.convertConv2DDataFormat(dataFormat ?? 'NHWC');
  return backend_util.computeConv2DInfo(
    x as Shape4D,
    filter as Shape4D,
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
    depthwise,
    format,
  );
}

interface StockAttributes {
  strides: [number, number];
  pad: 'valid' | 'same' | number;
  dilations?: [number, number];
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
  dataFormat?: 'NHWC' | 'NCHW';
}

/** What our kernels call such a convolution; nothing for channels first, and where the output was rounded up. */
function shapeOf(info: Info, { dimRoundingMode }: NamedAttrMap): Conv2dShape | undefined {
  if (info.dataFormat !== 'channelsLast' || (dimRoundingMode && dimRoundingMode !== 'floor')) return undefined;
  const { batchSize, inHeight, inWidth, inChannels, outChannels, filterShape, padInfo } = info;
  const depthwise = filterShape[2] === inChannels && outChannels !== filterShape[3];
  return {
    batch: batchSize,
    height: inHeight,
    width: inWidth,
    inChannels,
    outChannels,
    groups: depthwise ? inChannels : 1,
    kernelSize: [info.filterHeight, info.filterWidth],
    stride: [info.strideHeight, info.strideWidth],
    dilation: [info.dilationHeight, info.dilationWidth],
    padding: { top: padInfo.top, bottom: padInfo.bottom, left: padInfo.left, right: padInfo.right },
  };
}
