import {
  add,
  concat,
  engine,
  mul,
  pad,
  reshape,
  reverse,
  slice,
  split,
  stridedSlice,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor4D,
  tile,
  transpose,
} from '@tensorflow/tfjs-core';
import { channelSum } from './channel-sum.ts';
import {
  asImages,
  asVector,
  checkIntegers,
  checkLayout,
  type Padding2d,
  type Pair,
  paddingSides,
  type Size2d,
  sizePair,
} from './check.ts';
import { type Gradient, type Kernel, run } from './kernel.ts';
import { outputSizes, padImages, type Window } from './window.ts';

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
 * console.log(Array.from(y.dataSync())); // => [4, 6, 4, 6, 9, 6, 4, 6, 4]
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
};

/** The gradient of a convolution's input, from that of its output. */
const inputGradientKernel: Kernel<InputGradient['inputs'], InputGradient['attributes'], Tensor4D> = {
  name: 'ImgclsConv2dInputGradient',
  composed({ dy, weight }, { inputShape, groups, ...window }) {
    if (groups === 1) return denseInputGradient(dy, weight, window, inputShape);
    if (weight.shape[2] === 1) return depthwiseInputGradient(dy, weight, window, inputShape);
    const groupShape: Shape4D = [inputShape[0], inputShape[1], inputShape[2], weight.shape[2]];
    return perGroup(groups, dy, weight, (dy, weight) =>
      run(inputGradientKernel, { dy, weight }, { ...window, inputShape: groupShape, groups: 1 }),
    );
  },
};

/** The gradient of a convolution's filters, from that of its output. */
const weightGradientKernel: Kernel<WeightGradient['inputs'], WeightGradient['attributes'], Tensor4D> = {
  name: 'ImgclsConv2dWeightGradient',
  composed({ x, dy }, { weightShape, groups, ...window }) {
    if (groups === 1) return denseWeightGradient(x, dy, window, weightShape);
    if (weightShape[2] === 1) return depthwiseWeightGradient(x, dy, window, weightShape);
    const groupShape: Shape4D = [weightShape[0], weightShape[1], weightShape[2], weightShape[3] / groups];
    return perGroup(groups, x, dy, (x, dy) =>
      run(weightGradientKernel, { x, dy }, { ...window, weightShape: groupShape, groups: 1 }),
    );
  },
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

export type Shape4D = [number, number, number, number];

function convolve(x: Tensor4D, weight: Tensor4D, window: Window, groups: number): Tensor4D {
  if (groups === 1) return denseConvolution(x, weight, window);
  const [kernelHeight, kernelWidth, groupChannels, outChannels] = weight.shape;
  if (groupChannels === 1) {
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

/** The stock kernel. It is run by name because the stock operation refuses stride and dilation together, the kernels do not. */
function denseConvolution(x: Tensor4D, filter: Tensor4D, { stride, padding, dilation }: Window): Tensor4D {
  const pad = padding.flat().some((side) => side > 0) ? [[0, 0], ...padding, [0, 0]] : 'valid';
  const attributes = { strides: stride, pad, dataFormat: 'NHWC', dilations: dilation } as unknown as StockAttributes;
  return engine().runKernel('Conv2D', { x, filter }, attributes) as Tensor4D;
}

type StockAttributes = Parameters<ReturnType<typeof engine>['runKernel']>[2];

function depthwiseConvolution(x: Tensor4D, filter: Tensor4D, { stride, padding, dilation }: Window): Tensor4D {
  const attributes = {
    strides: stride,
    pad: 'valid',
    dataFormat: 'NHWC',
    dilations: dilation,
  } as unknown as StockAttributes;
  return engine().runKernel('DepthwiseConv2dNative', { x: padImages(x, padding), filter }, attributes) as Tensor4D;
}

/**
 * A convolution of the output's gradient with the flipped filters: with a stride, its pixels are first moved that far apart, zeros between.
 * A convolution runs at full speed everywhere; the stock gradient kernels do not (on `wasm` they are 6 times slower or missing).
 */
function denseInputGradient(dy: Tensor4D, weight: Tensor4D, window: Window, inputShape: Shape4D): Tensor4D {
  const flipped = transpose(reverse(weight, [0, 1]), [0, 1, 3, 2]); // [KH, KW, O, C]
  return denseConvolution(spread(dy, weight, window, inputShape), flipped, { ...unit, dilation: window.dilation });
}

export function depthwiseInputGradient(dy: Tensor4D, weight: Tensor4D, window: Window, inputShape: Shape4D): Tensor4D {
  const [kernelHeight, kernelWidth, , outChannels] = weight.shape;
  const [n, height, width, channels] = inputShape;
  const flipped = reshape(reverse(weight, [0, 1]), [kernelHeight, kernelWidth, outChannels, 1]) as Tensor4D;
  const each = depthwiseConvolution(spread(dy, weight, window, inputShape), flipped, {
    ...unit,
    dilation: window.dilation,
  });
  if (channels === outChannels) return each;
  return reshape(sum(reshape(each, [n * height * width, channels, outChannels / channels]), 2), inputShape) as Tensor4D;
}

const unit: Window = { stride: [1, 1], padding: [[0, 0], [0, 0]], dilation: [1, 1] }; // biome-ignore format: one line

/** The output's gradient with `stride - 1` zeros between its pixels, and as many around as make a full convolution the input's size. */
function spread(dy: Tensor4D, weight: Tensor4D, { stride, padding, dilation }: Window, inputShape: Shape4D): Tensor4D {
  const [n, outHeight, outWidth, channels] = dy.shape;
  const [down, right] = stride;
  const sides = ([0, 1] as const).map((axis): Pair => {
    const reach = (weight.shape[axis]! - 1) * dilation[axis];
    const before = reach - padding[axis][0];
    return [before, inputShape[axis + 1]! + reach - before - dy.shape[axis + 1]! * stride[axis]];
  }) as [Pair, Pair];
  if (down === 1 && right === 1) return padImages(dy, sides);
  const pixels = reshape(dy, [n * outHeight, 1, outWidth, channels]);
  const zeros: [number, number][] = [[0, 0], [0, down - 1], [0, 0], [0, (right - 1) * channels]]; // biome-ignore format: one line
  return padImages(reshape(pad(pixels, zeros), [n, outHeight * down, outWidth * right, channels]) as Tensor4D, sides);
}

/**
 * Convolutions again, one per row of taps, with images as the channels, the output's gradient as the filter, and stride and dilation in each
 * other's place. The channels lie below each other in one tall image, over which the filter moves a whole channel at a time:
 * exactly the multiplications needed, in one large product.
 */
function denseWeightGradient(x: Tensor4D, dy: Tensor4D, window: Window, weightShape: Shape4D): Tensor4D {
  const { stride, padding, dilation } = window;
  const [kernelHeight, , channels] = weightShape;
  const [n, outHeight] = dy.shape;
  const sides = ([0, 1] as const).map((axis): Pair => {
    const seen = (dy.shape[axis + 1]! - 1) * stride[axis] + 1 + (weightShape[axis]! - 1) * dilation[axis];
    return [padding[axis][0], seen - x.shape[axis + 1]! - padding[axis][0]]; // exactly the pixels that some window saw
  }) as [Pair, Pair];
  const padded = transpose(padImages(x, sides), [3, 1, 2, 0]); // [C, H, W, N]
  const [, height, width] = padded.shape as Shape4D;
  const image = reshape(padded, [1, channels * height, width, n]);
  const filter = transpose(dy, [1, 2, 0, 3]); // [OH, OW, N, O]
  const steps: Window = { ...unit, stride: [height, dilation[1]], dilation: stride };
  const reach = (channels - 1) * height + (outHeight - 1) * stride[0] + 1;
  const rows = Array.from({ length: kernelHeight }, (_, row) => {
    const seen = slice(image, [0, row * dilation[0], 0, 0], [1, reach, width, n]) as Tensor4D;
    return denseConvolution(seen, filter, steps); // [1, C, KW, O]
  });
  return transpose(concat(rows, 0), [0, 2, 1, 3]);
}

/** Tap by tap: the pixels that a tap saw, times the output's gradient, summed over all of them. */
function depthwiseWeightGradient(x: Tensor4D, dy: Tensor4D, window: Window, weightShape: Shape4D): Tensor4D {
  const [kernelHeight, kernelWidth, , outChannels] = weightShape;
  const [n, outHeight, outWidth] = dy.shape;
  const [down, right] = window.stride;
  const images = repeatChannels(padImages(x, window.padding), outChannels / x.shape[3]);
  const taps: Tensor[] = [];
  for (let a = 0; a < kernelHeight; a++)
    for (let b = 0; b < kernelWidth; b++) {
      const [top, left] = [a * window.dilation[0], b * window.dilation[1]];
      const end = [n, top + (outHeight - 1) * down + 1, left + (outWidth - 1) * right + 1, outChannels];
      const seen = stridedSlice(images, [0, top, left, 0], end, [1, down, right, 1]) as Tensor4D;
      taps.push(channelSum(mul(seen, dy)));
    }
  return reshape(concat(taps), weightShape) as Tensor4D;
}

/** Every channel `times` times, one after the other. */
function repeatChannels(x: Tensor4D, times: number): Tensor4D {
  if (times === 1) return x;
  const [n, h, w, channels] = x.shape;
  return reshape(tile(reshape(x, [n * h * w, channels, 1]), [1, 1, times]), [n, h, w, channels * times]) as Tensor4D;
}
