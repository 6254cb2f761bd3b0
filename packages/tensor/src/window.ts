import { type engine, pad, reshape, slice, type Tensor4D } from '@tensorflow/tfjs-core';
import type { Pair, Sides } from './check.ts';

/** How a window slides over an image: what convolution and pooling share. Kernel attributes, hence plain arrays. */
export interface Window {
  readonly stride: Pair;
  readonly padding: Sides;
  readonly dilation: Pair;
}

export type Shape4D = [number, number, number, number];

/** A window that moves pixel by pixel, nothing around. */
export const unit: Window = {
  stride: [1, 1],
  padding: [
    [0, 0],
    [0, 0],
  ],
  dilation: [1, 1],
};

/** The window in the words of tfjs's convolution kernels. */
export function stockAttributes({ stride, padding, dilation }: Window): StockAttributes {
  const pad = padding.flat().some((side) => side > 0) ? [[0, 0], ...padding, [0, 0]] : 'valid';
  return { strides: stride, pad, dataFormat: 'NHWC', dilations: dilation } as unknown as StockAttributes;
}

type StockAttributes = Parameters<ReturnType<typeof engine>['runKernel']>[2];

/** How many places a window of `kernel` taps finds along an axis of `size`. */
function outputSize(
  size: number,
  kernel: number,
  { stride, padding, dilation }: { stride: number; padding: Pair; dilation: number },
): number {
  const padded = size + padding[0] + padding[1];
  return Math.floor((padded - (kernel - 1) * dilation - 1) / stride) + 1;
}

/** Output height and width; throws if the window fits nowhere. */
export function outputSizes(where: string, image: Pair, kernel: Pair, { stride, padding, dilation }: Window): Pair {
  const along = (axis: 0 | 1) =>
    outputSize(image[axis], kernel[axis], { stride: stride[axis], padding: padding[axis], dilation: dilation[axis] });
  const sizes: Pair = [along(0), along(1)];
  if (sizes[0] < 1 || sizes[1] < 1)
    throw new RangeError(
      `${where}: the kernel must fit into the padded image, got kernel ${kernel.join('x')}, dilation ${dilation.join('x')}, ` +
        `image ${image.join('x')}, padding ${JSON.stringify(padding)}`,
    );
  return sizes;
}

/** Adds rows and columns of `value` around images; where a side is negative it cuts them off instead. */
export function padImages(x: Tensor4D, [vertical, horizontal]: Sides, value = 0): Tensor4D {
  const sides = [...vertical, ...horizontal];
  const [, h, w] = x.shape;
  let images = x;
  if (sides.some((side) => side < 0)) {
    const cut = (side: number) => Math.max(0, -side);
    const [top, bottom, left, right] = sides.map(cut) as [number, number, number, number];
    images = slice(images, [0, top, left, 0], [-1, h - top - bottom, w - left - right, -1]);
  }
  if (sides.some((side) => side > 0)) {
    const add = (pair: Pair): [number, number] => [Math.max(0, pair[0]), Math.max(0, pair[1])];
    images = pad(images, [[0, 0], add(vertical), add(horizontal), [0, 0]], value);
  }
  return images;
}

/** Padding that loses against every value: the smallest float32, since not every backend can pad with -Infinity. */
export const lowest = -3.4028234663852886e38;

/** Takes off again what `padImages` has put around. */
export function cropImages(x: Tensor4D, [[top, bottom], [left, right]]: Sides): Tensor4D {
  return padImages(x, [
    [-top, -bottom],
    [-left, -right],
  ]);
}

/** The shape `[N, H, W, C]` with padding around. */
export function padded([n, h, w, c]: Shape4D, [[top, bottom], [left, right]]: Sides): Shape4D {
  return [n, h + top + bottom, w + left + right, c];
}

/** Puts pixels into images of `size`, from `start` on and `stride` apart, zeros elsewhere; what lies outside is left out. */
export function placePixels(pixels: Tensor4D, start: Pair, stride: Pair, size: Pair): Tensor4D {
  const [n, rows, columns, channels] = pixels.shape;
  const [down, right] = stride;
  if (down === 1 && right === 1) return padImages(pixels, sidesAround([rows, columns], start, size));
  // Each pixel becomes a cell of the stride's size, and lies in it so that the cells begin at a multiple of the stride: mostly nothing is cut off.
  const inCell = [0, 1].map((axis) => modulo(start[axis]!, stride[axis]!)) as [number, number];
  const cell: [number, number][] = [
    [0, 0],
    [inCell[0], down - 1 - inCell[0]],
    [0, 0],
    [inCell[1] * channels, (right - 1 - inCell[1]) * channels],
  ];
  const cells = pad(reshape(pixels, [n * rows, 1, columns, channels]), cell);
  const apart = reshape(cells, [n, rows * down, columns * right, channels]) as Tensor4D;
  const first: Pair = [start[0] - inCell[0], start[1] - inCell[1]];
  return padImages(apart, sidesAround([rows * down, columns * right], first, size));
}

const sidesAround = (inner: Pair, start: Pair, outer: Pair): Sides => [
  [start[0], outer[0] - start[0] - inner[0]],
  [start[1], outer[1] - start[1] - inner[1]],
];

const modulo = (a: number, b: number): number => ((a % b) + b) % b;

/** A convolution's output gradient, its pixels `stride` apart and with zeros around, so that a full convolution has the input's size. */
export function spreadGradient(
  dy: Tensor4D,
  weight: Tensor4D,
  { stride, padding, dilation }: Window,
  [, height, width]: Shape4D,
): Tensor4D {
  const [down, right] = [(weight.shape[0] - 1) * dilation[0], (weight.shape[1] - 1) * dilation[1]];
  return placePixels(dy, [down - padding[0][0], right - padding[1][0]], stride, [height + down, width + right]);
}
