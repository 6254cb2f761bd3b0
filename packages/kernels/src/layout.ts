import { type Elements, type ElementType, elementBytes, typed } from './element.ts';
import { fill } from './elementwise.ts';
import type { Kernels } from './kernels.ts';
import type { Block } from './memory.ts';
import { Inside } from './program.ts';
import { broadcastStrides, stridesOf } from './strides.ts';

export type Shape = readonly number[];

/** Elements that lie anywhere in a block: the first, and how many lie between neighbours along each axis; it may be 0 or negative. */
export interface Strided {
  readonly block: Block;
  readonly offset: number;
  readonly strides: readonly number[];
}

/** Elements of the same type. */
export interface FromTo {
  readonly x: Elements;
  readonly y: Elements;
}

/** `y = x`, element by element, wherever they lie. `x` and `y` may be in one block where they do not overlap. */
export function copy(kernels: Kernels, type: ElementType, shape: Shape, { x, y }: { x: Strided; y: Strided }): void {
  const bytes = elementBytes[type];
  const first = ({ block, offset }: Strided) => new Inside(block, offset * bytes);
  kernels.call('copy', first(x), first(y), bytes, shape.length, ...shape, ...x.strides, ...y.strides);
}

/** The part of `x` that begins at `begin`, every `steps[axis]`-th along each axis (backwards where negative), `size` long. */
export function slice(
  kernels: Kernels,
  { shape, begin, size, steps }: { shape: Shape; begin: Shape; size: Shape; steps?: Shape },
  { x, y }: FromTo,
): void {
  const strides = stridesOf(shape);
  const from = {
    block: x.block,
    offset: dot(begin, strides),
    strides: strides.map((stride, axis) => stride * (steps?.[axis] ?? 1)),
  };
  copy(kernels, x.storage, size, { x: from, y: dense(y, size) });
}

/** `y`'s axis `i` is `x`'s axis `permutation[i]`. */
export function transpose(
  kernels: Kernels,
  { shape, permutation }: { shape: Shape; permutation: Shape },
  { x, y }: FromTo,
): void {
  const strides = stridesOf(shape);
  const size = permutation.map((axis) => shape[axis]!);
  const from = { block: x.block, offset: 0, strides: permutation.map((axis) => strides[axis]!) };
  copy(kernels, x.storage, size, { x: from, y: dense(y, size) });
}

/** Backwards along some axes. */
export function reverse(kernels: Kernels, { shape, axes }: { shape: Shape; axes: Shape }, operands: FromTo): void {
  const begin = shape.map((length, axis) => (axes.includes(axis) ? length - 1 : 0));
  if (shape.includes(0)) return;
  slice(
    kernels,
    { shape, begin, size: shape, steps: shape.map((_, axis) => (axes.includes(axis) ? -1 : 1)) },
    operands,
  );
}

/** The whole again and again, so often along each axis. */
export function tile(kernels: Kernels, { shape, repeats }: { shape: Shape; repeats: Shape }, { x, y }: FromTo): void {
  const strides = stridesOf(shape).flatMap((stride) => [0, stride]);
  const size = shape.flatMap((length, axis) => [repeats[axis]!, length]);
  copy(kernels, x.storage, size, { x: { block: x.block, offset: 0, strides }, y: dense(y, size) });
}

/** `x` with lengths of 1 repeated. */
export function broadcastTo(kernels: Kernels, { shape, to }: { shape: Shape; to: Shape }, { x, y }: FromTo): void {
  const from = { block: x.block, offset: 0, strides: broadcastStrides(shape, to) };
  copy(kernels, x.storage, to, { x: from, y: dense(y, to) });
}

/** Joins along an axis. */
export function concat(
  kernels: Kernels,
  { shapes, axis }: { shapes: readonly Shape[]; axis: number },
  { x, y }: { x: readonly Elements[]; y: Elements },
): void {
  const whole = shapes[0]!.with(
    axis,
    shapes.reduce((sum, shape) => sum + shape[axis]!, 0),
  );
  const strides = stridesOf(whole);
  let place = 0;
  for (const [i, shape] of shapes.entries()) {
    const to = { block: y.block, offset: place * strides[axis]!, strides };
    copy(kernels, y.storage, shape, { x: dense(x[i]!, shape), y: to });
    place += shape[axis]!;
  }
}

/** How many elements are added before and after along an axis. */
export type Padding = readonly [before: number, after: number];

/** `x` with a border of one value. */
export function pad(
  kernels: Kernels,
  { shape, paddings, value }: { shape: Shape; paddings: readonly Padding[]; value: number },
  { x, y }: FromTo,
): void {
  const whole = padded(shape, paddings);
  fill(kernels, product(whole), value, y);
  copy(kernels, x.storage, shape, { x: dense(x, shape), y: inside(y, whole, paddings) });
}

/** `x` with a border that mirrors it: `reflect` at its outermost elements, `symmetric` behind them. No border is wider than what it mirrors. */
export function mirrorPad(
  kernels: Kernels,
  { shape, paddings, mode }: { shape: Shape; paddings: readonly Padding[]; mode: 'reflect' | 'symmetric' },
  { x, y }: FromTo,
): void {
  const whole = padded(shape, paddings);
  const { block, strides, offset } = inside(y, whole, paddings);
  copy(kernels, x.storage, shape, { x: dense(x, shape), y: { block, strides, offset } });
  const skip = mode === 'reflect' ? 1 : 0;
  const size = [...shape];
  let start = offset;
  // One axis after the other, each border as wide as the axes before have become.
  for (const [axis, [before, after]] of paddings.entries()) {
    const stride = strides[axis]!;
    const mirrored = strides.with(axis, -stride);
    const border = (width: number, from: number, to: number): void =>
      copy(kernels, y.storage, size.with(axis, width), {
        x: { block, offset: start + from * stride, strides: mirrored },
        y: { block, offset: start + to * stride, strides },
      });
    if (before > 0) border(before, before - 1 + skip, -before);
    if (after > 0) border(after, shape[axis]! - 1 - skip, shape[axis]!);
    start -= before * stride;
    size[axis] = whole[axis]!;
  }
}

/**
 * `y[b, o, i] = x[b, o, indices[b, i]]`, rows of `inner` elements.
 *
 * @throws {Error} if an index is out of range.
 */
export function gather(
  kernels: Kernels,
  { batch, outer, rows, count, inner }: { batch: number; outer: number; rows: number; count: number; inner: number },
  { x, indices, y }: FromTo & { indices: Block },
): void {
  kernels.call('gather', x.block, indices, y.block, inner * elementBytes[x.storage], batch, outer, rows, count);
}

/** `y[s] = Σ x[r]` over all rows with `segments[r] = s`, in their order; rows of no segment are left out. Float32; what `gather` is to gradients. */
export function segmentSum(
  kernels: Kernels,
  { rows, columns, count }: { rows: number; columns: number; count: number },
  { x, segments, y }: { x: Block; segments: Block; y: Block },
): void {
  kernels.call('segment_sum', x, segments, y, rows, columns, count);
}

/** `y[i, k] = k == indices[i] ? on : off`; an index that is no `k` has only `off`. */
export function oneHot(
  kernels: Kernels,
  { count, depth, on, off }: { count: number; depth: number; on: number; off: number },
  { indices, y }: { indices: Block; y: Elements },
): void {
  fill(kernels, count * depth, off, y);
  kernels.call('one_hot', indices, count, ...typed(y), depth, on);
}

const dense = ({ block }: Elements, shape: Shape): Strided => ({ block, offset: 0, strides: stridesOf(shape) });

const padded = (shape: Shape, paddings: readonly Padding[]): number[] =>
  shape.map((length, axis) => length + paddings[axis]![0] + paddings[axis]![1]);

function inside({ block }: Elements, whole: Shape, paddings: readonly Padding[]): Strided {
  const strides = stridesOf(whole);
  return {
    block,
    strides,
    offset: dot(
      paddings.map(([before]) => before),
      strides,
    ),
  };
}

const dot = (a: Shape, b: Shape): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

const product = (lengths: Shape): number => lengths.reduce((all, length) => all * length, 1);
