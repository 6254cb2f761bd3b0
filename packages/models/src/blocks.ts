import {
  type BatchNorm2dOptions,
  batchNorm2d,
  type Conv2dOptions,
  conv2d,
  type Module,
  relu,
  sequential,
} from '@imgcls/nn';

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
