import { buffer, type Parameter } from '@imgcls/nn';
import { reshape, type Tensor } from '@imgcls/tensor';
import { gather, type Tensor1D, tensor, transpose } from '@tensorflow/tfjs-core';

/** Cuts images into windows of `size` × `size`: `[N, H, W, C]` to `[N, windows, size · size, C]`, row by row. */
export function windowsOf(x: Tensor, size: number): Tensor {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const rows = reshape(x, [(n * h) / size, size, w / size, size * c]);
  return reshape(transpose(rows, [0, 2, 1, 3]), [n, (h * w) / size ** 2, size ** 2, c]);
}

/** Puts the windows of images of this height and width together again: what `windowsOf` does, undone. */
export function fromWindows(x: Tensor, size: number, [height, width]: readonly [number, number]): Tensor {
  const [n, , , c] = x.shape as [number, number, number, number];
  const rows = reshape(x, [(n * height) / size, width / size, size, size * c]);
  return reshape(transpose(rows, [0, 2, 1, 3]), [n, height, width, c]);
}

/**
 * Which row of the table of biases belongs to each pair of places of a window: places that lie alike to each other share one.
 *
 * @param shape `[size⁴]` or `[size², size²]`.
 */
export function relativePositionIndex(size: number, shape: number[]): Parameter {
  const places = Array.from({ length: size ** 2 }, (_, i) => [Math.floor(i / size), i % size] as const);
  const rows = places.flatMap(([y, x]) =>
    places.map(([otherY, otherX]) => (y - otherY + size - 1) * (2 * size - 1) + (x - otherX + size - 1)),
  );
  return buffer(tensor(rows, shape, 'int32'), { optional: true });
}

/** The biases of each pair of places, `[1, heads, size², size²]`, from their table `[(2 · size - 1)², heads]`. */
export function relativePositionBias(table: Tensor, index: Tensor): Tensor {
  const places = Math.sqrt(index.size);
  const biases = gather(table, reshape(index, [index.size]) as Tensor1D); // [size⁴, heads]
  return reshape(transpose(biases, [1, 0]), [1, table.shape[1]!, places, places]);
}
