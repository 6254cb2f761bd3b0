import {
  adaptiveAvgPool2d,
  type BatchNorm2dOptions,
  batchNorm2d,
  type Conv2dOptions,
  conv2d,
  type Module,
  module,
  relu,
  sequential,
} from '@imgcls/nn';
import { mul, relu as rectify, sigmoid, type Tensor } from '@imgcls/tensor';

export interface ConvNormOptions extends Omit<Conv2dOptions, 'kernelSize' | 'dilation'> {
  /** Default 3. */
  kernelSize?: number;
  dilation?: number;
  norm?: BatchNorm2dOptions;
  /** What follows the normalisation: by default `relu`, nothing if `false`. */
  activation?: (() => Module) | false;
}

/** A convolution that keeps the size of images up to its stride, batch normalisation, activation: torchvision's `Conv2dNormActivation`. */
export function convNorm(options: ConvNormOptions): Module {
  const { kernelSize = 3, dilation = 1, norm, activation = relu, ...rest } = options;
  const padding = ((kernelSize - 1) / 2) * dilation;
  return sequential(
    conv2d({ kernelSize, dilation, padding, bias: false, ...rest }),
    batchNorm2d(rest.outChannels, norm),
    ...(activation ? [activation()] : []),
  );
}

/** The multiple of `divisor` nearest to `channels`, but not less than nine tenths of it: how width multipliers are rounded. */
export function makeDivisible(channels: number, divisor = 8): number {
  const rounded = Math.max(divisor, Math.floor((channels + divisor / 2) / divisor) * divisor);
  return rounded < 0.9 * channels ? rounded + divisor : rounded;
}

/** What `build` makes for `0 … count - 1`. */
export const repeat = <T>(count: number, build: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => build(index));

/** What lets the channels of an image be weighed by the image as a whole. */
export interface SqueezeExcitationOptions {
  channels: number;
  /** Channels between the two layers. */
  squeezed: number;
  /** Between the two layers. Default `relu`. */
  activation?: (x: Tensor) => Tensor;
  /** To weights. Default `sigmoid`. */
  gate?: (x: Tensor) => Tensor;
  conv?: Pick<Conv2dOptions, 'weight' | 'bias'>;
}

/**
 * Multiplies each channel by a weight that follows from the means of all of them: torchvision's `SqueezeExcitation`.
 *
 * Hu et al. 2017, https://arxiv.org/abs/1709.01507
 */
export function squeezeExcitation(options: SqueezeExcitationOptions): Module {
  const { channels, squeezed, activation = rectify, gate = sigmoid, conv } = options;
  return module(
    {
      avgpool: adaptiveAvgPool2d(1),
      fc1: conv2d({ ...conv, inChannels: channels, outChannels: squeezed, kernelSize: 1 }),
      fc2: conv2d({ ...conv, inChannels: squeezed, outChannels: channels, kernelSize: 1 }),
    },
    ({ avgpool, fc1, fc2 }, x) => mul(x, gate(fc2(activation(fc1(avgpool(x)))))),
    'squeezeExcitation',
  );
}

/** A convolution without bias, batch normalisation and ReLU, under the names `conv` and `bn`: torchvision's `BasicConv2d`. */
export function basicConv(options: Omit<Conv2dOptions, 'bias'>): Module {
  return module(
    { conv: conv2d({ ...options, bias: false }), bn: batchNorm2d(options.outChannels, { epsilon: 0.001 }) },
    ({ conv, bn }, x) => rectify(bn(conv(x))),
    'basicConv',
  );
}

/** What the parts of these names make of x, one after the other. */
export const follow = <K extends string>(parts: Readonly<Record<K, Module>>, names: readonly K[], x: Tensor): Tensor =>
  names.reduce((y, name) => parts[name](y), x);
