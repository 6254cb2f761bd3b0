import { pad, slice, type Tensor4D } from '@tensorflow/tfjs-core';
import type { Pair, Sides } from './check.ts';

/** How a window slides over an image: what convolution and pooling share. Kernel attributes, hence plain arrays. */
export interface Window {
  readonly stride: Pair;
  readonly padding: Sides;
  readonly dilation: Pair;
}

/** How many places a window of `kernel` taps finds along an axis of `size`. */
export function outputSize(
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

/** Takes off again what `padImages` has put around. */
export function cropImages(x: Tensor4D, [[top, bottom], [left, right]]: Sides): Tensor4D {
  return padImages(x, [
    [-top, -bottom],
    [-left, -right],
  ]);
}

/** The shape `[N, H, W, C]` with padding around. */
export function padded(
  [n, h, w, c]: readonly [number, number, number, number],
  [[top, bottom], [left, right]]: Sides,
): [number, number, number, number] {
  return [n, h + top + bottom, w + left + right, c];
}
