import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';

/** One number for both, or height and width. */
export type Size2d = number | readonly [height: number, width: number];

/** Rows and columns of zeros around an image: one number for all sides, `[vertical, horizontal]`, or `[[top, bottom], [left, right]]`. */
export type Padding2d =
  | number
  | readonly [vertical: number, horizontal: number]
  | readonly [readonly [top: number, bottom: number], readonly [left: number, right: number]];

export type Pair = readonly [number, number];
export type Sides = readonly [Pair, Pair];

/** The tensor as images; throws unless it is float32 `[N, H, W, C]`. */
export function asImages(where: string, tensor: Tensor): Tensor4D {
  checkLayout(where, tensor, '[N, H, W, C]');
  return tensor as Tensor4D;
}

/** The tensor as a matrix; throws unless it is float32 and has two dimensions, which `layout` names. */
export function asMatrix(where: string, tensor: Tensor, layout: string): Tensor2D {
  checkLayout(where, tensor, layout);
  return tensor as Tensor2D;
}

/** The tensor as one number per channel, if there is one; throws unless it is float32 `[length]`. */
export function asVector<T extends Tensor | undefined>(where: string, tensor: T, length: number): AsVector<T> {
  if (tensor) {
    checkFloat(where, tensor);
    if (tensor.rank !== 1 || tensor.size !== length)
      throw new RangeError(`${where} must have the shape [${length}], got [${tensor.shape}]`);
  }
  return tensor as unknown as AsVector<T>;
}

type AsVector<T> = T extends Tensor ? Tensor1D : undefined;

/** Throws unless the tensor is float32 with as many dimensions as `layout` names, as in `'[N, K]'`. */
export function checkLayout(where: string, tensor: Tensor, layout: string): void {
  if (tensor.rank !== layout.split(',').length)
    throw new RangeError(`${where} must have the layout ${layout}, got [${tensor.shape}]`);
  checkFloat(where, tensor);
}

/** Throws unless the tensor is float32. */
export function checkFloat(where: string, tensor: Tensor): void {
  if (tensor.dtype !== 'float32')
    throw new TypeError(
      `${where} must be float32, got ${tensor.dtype}; convert it with cast(), or images with normalize()`,
    );
}

/** Height and width from an option that may be one number, each an integer of at least `least`. */
export function sizePair(where: string, value: Size2d, least = 1): Pair {
  const pair: Pair = typeof value === 'number' ? [value, value] : value;
  checkIntegers(where, pair, least, value);
  return pair;
}

/** The four sides from an option that may be shorter, each an integer of at least 0. */
export function paddingSides(where: string, value: Padding2d): Sides {
  const [vertical, horizontal] = typeof value === 'number' ? [value, value] : value;
  const sides: Sides = [
    typeof vertical === 'number' ? [vertical, vertical] : vertical,
    typeof horizontal === 'number' ? [horizontal, horizontal] : horizontal,
  ];
  checkIntegers(where, sides.flat(), 0, value);
  return sides;
}

/** Throws unless all are integers of at least `least`. */
export function checkIntegers(where: string, values: readonly number[], least: number, got: unknown = values): void {
  if (!values.every((value) => Number.isInteger(value) && value >= least))
    throw new RangeError(`${where} must hold integers of at least ${least}, got ${JSON.stringify(got)}`);
}
