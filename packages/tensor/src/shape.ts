import {
  slice,
  concat as stockConcat,
  reshape as stockReshape,
  type Tensor,
  type Tensor2D,
} from '@tensorflow/tfjs-core';
import { type Gradient, type Inputs, type Kernel, run } from './kernel.ts';

/**
 * The same values in another shape; one length may be -1 and follows from the others.
 *
 * @throws {RangeError} if the values do not fill the shape.
 */
export function reshape(x: Tensor, shape: readonly number[]): Tensor {
  const known = shape.reduce((product, length) => (length === -1 ? product : product * length), 1);
  const lengths = shape.map((length) => (length === -1 ? x.size / known : length));
  const valid =
    lengths.every((length) => Number.isInteger(length) && length >= 0) &&
    shape.filter((length) => length === -1).length <= 1;
  if (!valid || lengths.reduce((product, length) => product * length, 1) !== x.size)
    throw new RangeError(`reshape: the shape must hold ${x.size} values as [${x.shape}] does, got [${shape}]`);
  return run(reshapeKernel, { x }, { shape: lengths, inputShape: x.shape });
}

/** Each example as one row: `[N, …]` becomes `[N, product of the rest]`. */
export function flatten(x: Tensor): Tensor2D {
  const n = x.shape[0] ?? 1;
  return reshape(x, [n, x.size / n]) as Tensor2D;
}

/**
 * Joins tensors along an axis; a negative one counts from the last.
 *
 * @throws {RangeError} if there are none, the axis does not exist, or the other lengths differ.
 */
export function concat<T extends Tensor>(tensors: readonly T[], axis: number): T {
  const [first] = tensors;
  if (!first) throw new RangeError('concat: at least one tensor is needed, got none');
  const along = axis < 0 ? first.rank + axis : axis;
  if (!(Number.isInteger(along) && along >= 0 && along < first.rank))
    throw new RangeError(`concat: axis must lie in [${-first.rank}, ${first.rank}), got ${axis}`);
  for (const { shape } of tensors)
    if (shape.length !== first.rank || shape.some((length, i) => i !== along && length !== first.shape[i]))
      throw new RangeError(`concat: shapes must agree but for axis ${axis}, got [${first.shape}] and [${shape}]`);
  const inputs = Object.fromEntries(tensors.map((tensor, i) => [`x${i}`, tensor as Tensor]));
  return run(concatKernel, inputs, { axis: along, lengths: tensors.map(({ shape }) => shape[along]!) }) as T;
}

type Shapes = { shape: readonly number[]; inputShape: readonly number[] };

const reshapeKernel: Kernel<{ x: Tensor }, Shapes> = {
  name: 'ImgclsReshape',
  composed: ({ x }, { shape }) => stockReshape(x, [...shape]),
  own: (backend, { x }, { shape }) => backend.share(x, shape),
};

export const reshapeGradient: Gradient<{ x: Tensor }, Shapes, never> = {
  kernel: reshapeKernel,
  saves: [],
  backward: (dy, _, { inputShape }) => ({ x: () => stockReshape(dy, [...inputShape]) }),
};

type ConcatAttributes = { axis: number; lengths: readonly number[] };

const concatKernel: Kernel<Inputs, ConcatAttributes> = {
  name: 'ImgclsConcat',
  composed: (inputs, { axis }) => stockConcat(Object.values(inputs) as Tensor[], axis),
};

export const concatGradient: Gradient<Inputs, ConcatAttributes, never> = {
  kernel: concatKernel,
  saves: [],
  backward(dy, _, { axis, lengths }) {
    let start = 0;
    const parts = lengths.map((length, i) => {
      const begin = dy.shape.map((_, along) => (along === axis ? start : 0));
      const size = dy.shape.map((whole, along) => (along === axis ? length : whole));
      start += length;
      return [`x${i}`, () => slice(dy, begin, size)] as const;
    });
    return Object.fromEntries(parts);
  },
};
