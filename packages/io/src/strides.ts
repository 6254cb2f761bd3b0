import { type Dtype, itemBytes } from './dtype.ts';

/** How many elements a shape has. */
export const sizeOf = (shape: readonly number[]): number =>
  shape.includes(0) ? 0 : shape.reduce((product, n) => product * n, 1);

/** Whether the elements lie one behind the other, the last index running fastest. */
export function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return sizeOf(shape) === 0;
    expected *= shape[axis]!;
  }
  return true;
}

/**
 * The elements of a strided view, in order: a copy.
 *
 * They are moved as integers: as floats, some that are no numbers would lose bits.
 *
 * @param offset Of the first element, in elements, as the strides are.
 */
export function gather(
  bytes: Uint8Array,
  dtype: Dtype,
  offset: number,
  shape: readonly number[],
  strides: readonly number[],
): Uint8Array {
  const size = itemBytes(dtype);
  const array = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, 8: BigUint64Array }[size]!;
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  const source = new array(
    aligned.buffer as ArrayBuffer,
    aligned.byteOffset,
    Math.floor(bytes.length / size),
  ) as Uint8Array;
  const result = new array(sizeOf(shape)) as Uint8Array;
  let filled = 0;
  const fill = (axis: number, start: number): void => {
    const [n, stride] = [shape[axis]!, strides[axis]!];
    for (let i = 0, from = start; i < n; i++, from += stride)
      if (axis === shape.length - 1) result[filled++] = source[from]!;
      else fill(axis + 1, from);
  };
  if (result.length > 0) fill(0, offset);
  return new Uint8Array(result.buffer);
}
