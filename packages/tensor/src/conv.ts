import { add, concat, reshape, split, type Tensor, type Tensor1D, type Tensor4D } from '@tensorflow/tfjs-core';
import { channelSum } from './channel-sum.ts';
import {
  asImages,
  asVector,
  checkIntegers,
  checkLayout,
  type Padding2d,
  paddingSides,
  type Size2d,
  sizePair,
} from './check.ts';
import { denseConvolution, denseInputGradient, denseWeightGradient } from './dense-conv.ts';
import {
  canBeDepthwise,
  depthwiseConvolution,
  depthwiseInputGradient,
  depthwiseWeightGradient,
} from './depthwise-conv.ts';
import { type Gradient, type Kernel, run } from './kernel.ts';
import { convolution, inputGradient, weightGradient } from './own/conv.ts';
import { stockInputGradient, stockWeightGradient } from './stock-kernels.ts';
import { outputSizes, type Shape4D, type Window } from './window.ts';

export interface Conv2dOptions {
  /** `[outChannels]`, added to every pixel. */
  bias?: Tensor | undefined;
  stride?: Size2d;
  padding?: Padding2d;
  dilation?: Size2d;
  /** Input and output channels are divided into this many groups that do not see each other. */
  groups?: number;
}

/**
 * Convolves images with a bank of filters (cross-correlation, as everywhere in deep learning).
 *
 * `y[n, i, j, o] = bias[o] + Σ weight[a, b, c, o] · x[n, i·stride + a·dilation - top, j·stride + b·dilation - left, c]`, zeros outside.
 * With `groups` equal to the input channels it is depthwise: output channel `o` sees input channel `⌊o · inChannels / outChannels⌋`.
 *
 * @param x Images, `[N, H, W, inChannels]`.
 * @param weight Filters, `[kernelHeight, kernelWidth, inChannels / groups, outChannels]`.
 * @returns `[N, OH, OW, outChannels]` with `OH = ⌊(H + top + bottom - dilation · (kernelHeight - 1) - 1) / stride⌋ + 1`.
 * @throws {RangeError} if shapes and options do not belong together, or the kernel is larger than the padded image.
 * @example
 * ```ts
 * import { conv2d, useBackend } from '@imgcls/tensor';
 * import { ones } from '@tensorflow/tfjs-core';
 *
 * await useBackend('cpu');
 * const y = conv2d(ones([1, 3, 3, 1]), ones([3, 3, 1, 1]), { padding: 1 });
 * console.log(Array.from(y.dataSync()).join()); // => 4,6,4,6,9,6,4,6,4
 * ```
 */
export function conv2d(
  x: Tensor,
  weight: Tensor,
  { bias, stride = 1, padding = 0, dilation = 1, groups = 1 }: Conv2dOptions = {},
): Tensor4D {
  const images = asImages('conv2d: x', x);
  checkLayout('conv2d: weight', weight, '[kernelHeight, kernelWidth, inChannels / groups, outChannels]');
  const filters = weight as Tensor4D;
  checkIntegers('conv2d: groups', [groups], 1);
  const [kernelHeight, kernelWidth, groupChannels, outChannels] = filters.shape;
  const [, height, width, inChannels] = images.shape;
  if (inChannels % groups || outChannels % groups)
    throw new RangeError(
      `conv2d: inChannels and outChannels must be divisible by groups, got inChannels=${inChannels}, outChannels=${outChannels}, groups=${groups}`,
    );
  if (groupChannels !== inChannels / groups)
    throw new RangeError(
      `conv2d: weight must take inChannels / groups = ${inChannels / groups} channels, got ${groupChannels} in [${weight.shape}]`,
    );
  const window = {
    stride: sizePair('conv2d: stride', stride),
    padding: paddingSides('conv2d: padding', padding),
    dilation: sizePair('conv2d: dilation', dilation),
  };
  outputSizes('conv2d', [height, width], [kernelHeight, kernelWidth], window);
  const inputs = { x: images, weight: filters, bias: asVector('conv2d: bias', bias, outChannels) };
  return run(conv2dKernel, inputs, { ...window, groups });
}

export type Conv2dInputs = { x: Tensor4D; weight: Tensor4D; bias?: Tensor1D | undefined };

export interface Conv2dAttributes extends Window {
  readonly groups: number;
}

export interface InputGradient {
  inputs: { dy: Tensor4D; weight: Tensor4D };
  attributes: Conv2dAttributes & { readonly inputShape: Shape4D };
}

export interface WeightGradient {
  inputs: { x: Tensor4D; dy: Tensor4D };
  attributes: Conv2dAttributes & { readonly weightShape: Shape4D };
}

const conv2dKernel: Kernel<Conv2dInputs, Conv2dAttributes, Tensor4D> = {
  name: 'ImgclsConv2d',
  composed({ x, weight, bias }, { groups, ...window }) {
    const y = convolve(x, weight, window, groups);
    return bias ? add(y, bias) : y;
  },
  own: convolution,
};

/** The gradient of a convolution's input, from that of its output. */
const inputGradientKernel: Kernel<InputGradient['inputs'], InputGradient['attributes'], Tensor4D> = {
  name: 'ImgclsConv2dInputGradient',
  composed({ dy, weight }, { inputShape, groups, ...window }) {
    if (groups === 1) return denseInputGradient(dy, weight, window, inputShape);
    if (weight.shape[2] === 1 && canBeDepthwise(window)) return depthwiseInputGradient(dy, weight, window, inputShape);
    const groupShape: Shape4D = [inputShape[0], inputShape[1], inputShape[2], weight.shape[2]];
    return perGroup(groups, dy, weight, (dy, weight) =>
      run(inputGradientKernel, { dy, weight }, { ...window, inputShape: groupShape, groups: 1 }),
    );
  },
  own: inputGradient,
  on: { webgl: stockInputGradient, webgpu: stockInputGradient },
};

/** The gradient of a convolution's filters, from that of its output. */
const weightGradientKernel: Kernel<WeightGradient['inputs'], WeightGradient['attributes'], Tensor4D> = {
  name: 'ImgclsConv2dWeightGradient',
  composed({ x, dy }, { weightShape, groups, ...window }) {
    if (groups === 1) return denseWeightGradient(x, dy, window, weightShape);
    if (weightShape[2] === 1 && canBeDepthwise(window)) return depthwiseWeightGradient(x, dy, window, weightShape);
    const groupShape: Shape4D = [weightShape[0], weightShape[1], weightShape[2], weightShape[3] / groups];
    return perGroup(groups, x, dy, (x, dy) =>
      run(weightGradientKernel, { x, dy }, { ...window, weightShape: groupShape, groups: 1 }),
    );
  },
  own: weightGradient,
  on: { webgl: stockWeightGradient, webgpu: stockWeightGradient },
};

export const conv2dGradient: Gradient<Conv2dInputs, Conv2dAttributes, 'x' | 'weight', Tensor4D> = {
  kernel: conv2dKernel,
  saves: ['x', 'weight'],
  backward: (dy, { x, weight }, attributes) => ({
    x: () => run(inputGradientKernel, { dy, weight }, { ...attributes, inputShape: x.shape }),
    weight: () => run(weightGradientKernel, { x, dy }, { ...attributes, weightShape: weight.shape }),
    bias: () => channelSum(dy),
  }),
};

function convolve(x: Tensor4D, weight: Tensor4D, window: Window, groups: number): Tensor4D {
  if (groups === 1) return denseConvolution(x, weight, window);
  const [kernelHeight, kernelWidth, groupChannels, outChannels] = weight.shape;
  if (groupChannels === 1 && canBeDepthwise(window)) {
    const filter = reshape(weight, [kernelHeight, kernelWidth, groups, outChannels / groups]) as Tensor4D;
    return depthwiseConvolution(x, filter, window);
  }
  return perGroup(groups, x, weight, (x, weight) => denseConvolution(x, weight, window));
}

/** Computes each group of the last axis on its own, and joins them again. */
function perGroup(groups: number, a: Tensor4D, b: Tensor4D, f: (a: Tensor4D, b: Tensor4D) => Tensor4D): Tensor4D {
  const parts = split<Tensor4D>(b, groups, 3);
  return concat(
    split<Tensor4D>(a, groups, 3).map((part, g) => f(part, parts[g]!)),
    3,
  );
}
