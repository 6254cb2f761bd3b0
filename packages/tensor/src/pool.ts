import {
  add,
  avgPool,
  fill,
  maxPool,
  mul,
  onesLike,
  step,
  sub,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tensor4d,
  tidy,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { asImages, type Padding2d, type Pair, paddingSides, type Size2d, sizePair } from './check.ts';
import { depthwiseInputGradient, pixelsUnder, taps } from './depthwise-conv.ts';
import { type Gradient, type Kernel, run } from './kernel.ts';
import * as own from './own/pool.ts';
import { reshape as reshaped } from './shape.ts';
import { stockMaxPoolGradient } from './stock-kernels.ts';
import { lowest, outputSizes, padImages, placePixels, type Shape4D, type Window } from './window.ts';

export interface Pool2dOptions {
  kernelSize: Size2d;
  /** How far the window moves; without it, its own size. */
  stride?: Size2d;
  /** At most half the window on each side, so that no window lies outside the image. */
  padding?: Padding2d;
}

export interface AvgPool2dOptions extends Pool2dOptions {
  /** Whether padding counts as zeros in the average; otherwise it is left out. */
  countIncludePad?: boolean;
}

/**
 * The largest value of each window, channel by channel.
 *
 * @param x Images, `[N, H, W, C]`.
 * @returns `[N, OH, OW, C]` with `OH = ⌊(H + top + bottom - kernelHeight) / stride⌋ + 1`. The gradient goes to one largest value of each window.
 * @throws {RangeError} if the window does not fit, or the padding is more than half of it.
 * @example
 * ```ts
 * import { maxPool2d, useBackend } from '@imgcls/tensor';
 * import { tensor } from '@tensorflow/tfjs-core';
 *
 * await useBackend('cpu');
 * const x = tensor([1, 2, 3, 4], [1, 2, 2, 1]);
 * console.log(maxPool2d(x, { kernelSize: 2 }).dataSync()[0]); // => 4
 * ```
 */
export function maxPool2d(x: Tensor, options: Pool2dOptions): Tensor4D {
  const images = asImages('maxPool2d: x', x);
  return run(maxPoolKernel, { x: images }, poolWindow('maxPool2d', images, options));
}

/**
 * The mean of each window, channel by channel.
 *
 * @param x Images, `[N, H, W, C]`.
 * @returns `[N, OH, OW, C]` with `OH = ⌊(H + top + bottom - kernelHeight) / stride⌋ + 1`.
 * @throws {RangeError} if the window does not fit, or the padding is more than half of it.
 */
export function avgPool2d(x: Tensor, { countIncludePad = true, ...options }: AvgPool2dOptions): Tensor4D {
  const images = asImages('avgPool2d: x', x);
  const window = poolWindow('avgPool2d', images, options);
  return run(avgPoolKernel, { x: images }, { ...window, countIncludePad, inputShape: images.shape });
}

/** The mean over all pixels: `[N, H, W, C]` becomes `[N, C]`. */
export function globalAvgPool2d(x: Tensor): Tensor2D {
  return overAllPixels('globalAvgPool2d', x, avgPool2d);
}

/** The largest value over all pixels: `[N, H, W, C]` becomes `[N, C]`. */
export function globalMaxPool2d(x: Tensor): Tensor2D {
  return overAllPixels('globalMaxPool2d', x, maxPool2d);
}

function overAllPixels(where: string, x: Tensor, pool: (x: Tensor, options: Pool2dOptions) => Tensor): Tensor2D {
  const [n, h, w, c] = asImages(`${where}: x`, x).shape;
  return tidy(() => reshaped(pool(x, { kernelSize: [h, w] }), [n, c]) as Tensor2D);
}

type PoolInputs = { x: Tensor4D };
export type PoolAttributes = Window & { readonly kernel: Pair };
export type AvgPoolAttributes = PoolAttributes & { readonly countIncludePad: boolean; readonly inputShape: Shape4D };

const maxPoolKernel: Kernel<PoolInputs, PoolAttributes, Tensor4D> = {
  name: 'ImgclsMaxPool2d',
  composed: ({ x }, { kernel, stride, padding }) =>
    maxPool(padImages(x, padding, lowest), [...kernel], [...stride], 'valid'),
  own: own.maxPooled,
};

export interface MaxPoolGradient {
  inputs: { dy: Tensor4D; x: Tensor4D; y: Tensor4D };
  attributes: PoolAttributes;
}

/** Tap by tap: where a tap saw the largest value, and no tap before it did, the gradient goes back to the pixel it saw. */
const maxPoolGradientKernel: Kernel<MaxPoolGradient['inputs'], PoolAttributes, Tensor4D> = {
  name: 'ImgclsMaxPool2dGradient',
  composed({ dy, x, y }, { kernel, ...window }) {
    const images = padImages(x, window.padding, lowest);
    const size: Pair = [x.shape[1], x.shape[2]];
    let open: Tensor = onesLike(y);
    let dx: Tensor = zerosLike(x);
    for (const tap of taps(kernel))
      [dx, open] = tidy(() => {
        const below = step(sub(y, pixelsUnder(tap, images, kernel, window))); // 0 where the tap saw the largest
        const share = sub(open, mul(open, below));
        const start: Pair = [tap[0] - window.padding[0][0], tap[1] - window.padding[1][0]];
        const pixels = placePixels(mul(dy, share) as Tensor4D, start, window.stride, size);
        return [add(dx, pixels), mul(open, below)];
      });
    return dx as Tensor4D;
  },
  own: own.maxPoolBackward,
  on: { webgl: stockMaxPoolGradient, webgpu: stockMaxPoolGradient },
};

export const maxPoolGradient: Gradient<PoolInputs, PoolAttributes, 'x' | 'y', Tensor4D> = {
  kernel: maxPoolKernel,
  saves: ['x', 'y'],
  backward: (dy, { x, y }, attributes) => ({ x: () => run(maxPoolGradientKernel, { dy, x, y }, attributes) }),
};

const avgPoolKernel: Kernel<PoolInputs, AvgPoolAttributes, Tensor4D> = {
  name: 'ImgclsAvgPool2d',
  composed({ x }, { countIncludePad, inputShape, ...attributes }) {
    const { kernel, stride, padding } = attributes;
    const means = avgPool(padImages(x, padding), [...kernel], [...stride], 'valid');
    return countIncludePad ? means : mul(means, paddingCorrection(inputShape, attributes));
  },
  own: own.avgPooled,
};

/** Every pixel gets its share of each window it was in: the input's gradient of a depthwise convolution with constant filters. */
const avgPoolGradientKernel: Kernel<{ dy: Tensor4D }, AvgPoolAttributes, Tensor4D> = {
  name: 'ImgclsAvgPool2dGradient',
  composed({ dy }, { countIncludePad, inputShape, ...attributes }) {
    const { kernel } = attributes;
    const shares = countIncludePad ? dy : mul(dy, paddingCorrection(inputShape, attributes));
    const filter = fill([...kernel, 1, dy.shape[3]], 1 / (kernel[0] * kernel[1])) as Tensor4D;
    return depthwiseInputGradient(shares as Tensor4D, filter, attributes, inputShape);
  },
  own: own.avgPoolBackward,
};

export const avgPoolGradient: Gradient<PoolInputs, AvgPoolAttributes, never, Tensor4D> = {
  kernel: avgPoolKernel,
  saves: [],
  backward: (dy, _, attributes) => ({ x: () => run(avgPoolGradientKernel, { dy }, attributes) }),
};

/** `window size / pixels of the image in the window` for each place of the window, `[1, OH, OW, 1]`. */
export function paddingCorrection(
  [, height, width]: readonly number[],
  { kernel, stride, padding, dilation }: PoolAttributes,
): Tensor4D {
  const [rows, columns] = outputSizes('avgPool2d', [height!, width!], kernel, { stride, padding, dilation });
  const inside = (place: number, axis: 0 | 1, size: number) => {
    const start = place * stride[axis] - padding[axis][0];
    return Math.min(start + kernel[axis], size) - Math.max(start, 0);
  };
  const correction = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++)
      correction[i * columns + j] = (kernel[0] * kernel[1]) / (inside(i, 0, height!) * inside(j, 1, width!));
  return tensor4d(correction, [1, rows, columns, 1]);
}

function poolWindow(
  where: string,
  x: Tensor4D,
  { kernelSize, stride = kernelSize, padding = 0 }: Pool2dOptions,
): PoolAttributes {
  const kernel = sizePair(`${where}: kernelSize`, kernelSize);
  const window: Window = {
    stride: sizePair(`${where}: stride`, stride),
    padding: paddingSides(`${where}: padding`, padding),
    dilation: [1, 1],
  };
  if (window.padding.some((sides, axis) => sides.some((side) => side > kernel[axis]! / 2)))
    throw new RangeError(
      `${where}: padding must be at most half of kernelSize ${kernel.join('x')}, got ${JSON.stringify(padding)}`,
    );
  outputSizes(where, [x.shape[1], x.shape[2]], kernel, window);
  return { ...window, kernel };
}
