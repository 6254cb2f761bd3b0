/** How many elements lie between neighbours along each axis, the last axis being the densest. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/** The shape that several have when lengths of 1 are repeated, from the last axis on (NumPy's broadcasting). */
export function broadcastShape(...shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const lengths = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1);
    return lengths.find((length) => length !== 1) ?? 1;
  });
}

/** The strides with which an array of one shape is read as if it had the other. */
export function broadcastStrides(shape: readonly number[], to: readonly number[]): number[] {
  const strides = stridesOf(shape);
  const missing = to.length - shape.length;
  return to.map((_, axis) => (axis < missing || shape[axis - missing] === 1 ? 0 : strides[axis - missing]!));
}
