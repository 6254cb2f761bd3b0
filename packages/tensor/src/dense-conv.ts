import { concat, engine, reshape, reverse, slice, type Tensor4D, transpose } from '@tensorflow/tfjs-core';
import type { Pair } from './check.ts';
import { padImages, type Shape4D, spreadGradient, stockAttributes, unit, type Window } from './window.ts';

/**
 * The stock kernel, of which filters `[KH, KW, C, O]` see all channels.
 *
 * It is run by name: the stock operation refuses stride and dilation together, the kernels do not.
 */
export function denseConvolution(x: Tensor4D, filter: Tensor4D, window: Window): Tensor4D {
  return engine().runKernel('Conv2D', { x, filter }, stockAttributes(window)) as Tensor4D;
}

/**
 * A convolution of the output's gradient with the flipped filters: with a stride, its pixels are first moved that far apart, zeros between.
 * A convolution runs at full speed everywhere; the stock gradient kernels do not, or are missing.
 */
export function denseInputGradient(dy: Tensor4D, weight: Tensor4D, window: Window, inputShape: Shape4D): Tensor4D {
  const flipped = transpose(reverse(weight, [0, 1]), [0, 1, 3, 2]); // [KH, KW, O, C]
  return denseConvolution(spreadGradient(dy, weight, window, inputShape), flipped, {
    ...unit,
    dilation: window.dilation,
  });
}

/**
 * Convolutions again, one per row of taps, with images as the channels, the output's gradient as the filter, and stride and dilation in each
 * other's place. The channels lie below each other in one tall image, over which the filter moves a whole channel at a time:
 * exactly the multiplications needed, in one large product.
 */
export function denseWeightGradient(x: Tensor4D, dy: Tensor4D, window: Window, weightShape: Shape4D): Tensor4D {
  const { stride, padding, dilation } = window;
  const [kernelHeight, , channels] = weightShape;
  const [n, outHeight] = dy.shape;
  const sides = ([0, 1] as const).map((axis): Pair => {
    const seen = (dy.shape[axis + 1]! - 1) * stride[axis] + 1 + (weightShape[axis]! - 1) * dilation[axis];
    return [padding[axis][0], seen - x.shape[axis + 1]! - padding[axis][0]]; // exactly the pixels that some window saw
  }) as [Pair, Pair];
  const channelImages = transpose(padImages(x, sides), [3, 1, 2, 0]); // [C, H, W, N]
  const [, height, width] = channelImages.shape as Shape4D;
  const tall = reshape(channelImages, [1, channels * height, width, n]);
  const filter = transpose(dy, [1, 2, 0, 3]); // [OH, OW, N, O]
  const steps: Window = { ...unit, stride: [height, dilation[1]], dilation: stride };
  const reach = (channels - 1) * height + (outHeight - 1) * stride[0] + 1;
  const rows = Array.from({ length: kernelHeight }, (_, row) => {
    const seen = slice(tall, [0, row * dilation[0], 0, 0], [1, reach, width, n]) as Tensor4D;
    return denseConvolution(seen, filter, steps); // [1, C, KW, O]
  });
  return transpose(concat(rows, 0), [0, 2, 1, 3]);
}
