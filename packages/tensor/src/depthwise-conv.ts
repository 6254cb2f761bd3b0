import { concat, engine, mul, ones, pad, reshape, reverse, sum, type Tensor4D } from '@tensorflow/tfjs-core';
import { channelSum } from './channel-sum.ts';
import type { Pair } from './check.ts';
import { padImages, type Shape4D, spreadGradient, stockAttributes, unit, type Window } from './window.ts';

/** The stock kernel, of which filters `[KH, KW, C, M]` see one channel each, `M` per channel. */
export function depthwiseConvolution(x: Tensor4D, filter: Tensor4D, { padding, ...window }: Window): Tensor4D {
  const attributes = stockAttributes({ ...window, padding: unit.padding });
  return engine().runKernel('DepthwiseConv2dNative', { x: padImages(x, padding), filter }, attributes) as Tensor4D;
}

/** The stock depthwise kernels cannot stride and dilate at once. */
export const canBeDepthwise = ({ stride, dilation }: Window): boolean =>
  stride.every((step) => step === 1) || dilation.every((step) => step === 1);

/** As for all convolutions, one of the output's gradient with the flipped filters; the filters of one channel are summed up. */
export function depthwiseInputGradient(dy: Tensor4D, weight: Tensor4D, window: Window, inputShape: Shape4D): Tensor4D {
  const [kernelHeight, kernelWidth, , outChannels] = weight.shape;
  const [n, height, width, channels] = inputShape;
  const flipped = reshape(reverse(weight, [0, 1]), [kernelHeight, kernelWidth, outChannels, 1]) as Tensor4D;
  const pixels = spreadGradient(dy, weight, window, inputShape);
  const each = depthwiseConvolution(pixels, flipped, { ...unit, dilation: window.dilation });
  if (channels === outChannels) return each;
  return reshape(sum(reshape(each, [n * height * width, channels, outChannels / channels]), 2), inputShape) as Tensor4D;
}

/** Tap by tap: the pixels that a tap saw, times the output's gradient, summed over all of them. */
export function depthwiseWeightGradient(x: Tensor4D, dy: Tensor4D, window: Window, weightShape: Shape4D): Tensor4D {
  const [kernelHeight, kernelWidth, , outChannels] = weightShape;
  const images = padImages(x, window.padding);
  const times = outChannels / x.shape[3];
  const sums = taps([kernelHeight, kernelWidth]).map((tap) =>
    channelSum(mul(pixelsUnder(tap, images, [kernelHeight, kernelWidth], window, times), dy)),
  );
  return reshape(concat(sums), weightShape) as Tensor4D;
}

/** Row and column of every tap of a kernel, row by row. */
export function taps([height, width]: Pair): Pair[] {
  return Array.from({ length: height * width }, (_, i): Pair => [Math.floor(i / width), i % width]);
}

/**
 * The pixels that one tap of a window sees at all its places, every channel `times` times.
 *
 * Found by a convolution with a filter that is 1 at that tap, which every backend has fast, unlike strided slices.
 *
 * @param images What the window slides over, padding included.
 */
export function pixelsUnder(
  [row, column]: Pair,
  images: Tensor4D,
  [height, width]: Pair,
  { stride, dilation }: Window,
  times = 1,
): Tensor4D {
  const around: [number, number][] = [
    [row, height - 1 - row],
    [column, width - 1 - column],
    [0, 0],
    [0, 0],
  ];
  const filter = pad(ones([1, 1, images.shape[3], times]), around) as Tensor4D;
  return depthwiseConvolution(images, filter, { stride, dilation, padding: unit.padding });
}
