import { type Elements, typed } from './element.ts';
import { unary } from './elementwise.ts';
import type { Kernels } from './kernels.ts';
import type { Block } from './memory.ts';

export type Reduction = 'sum' | 'mean' | 'prod' | 'max' | 'min' | 'any' | 'all';

const kernelOf: Readonly<Record<Reduction, string>> = {
  sum: 'sum',
  mean: 'sum',
  prod: 'prod',
  max: 'max',
  min: 'min',
  any: 'sum',
  all: 'min',
};

/**
 * Joins the values along some axes: `y` has the shape without them.
 *
 * Floats of any storage, or integers; `any` and `all` of truth values; `sum` and `prod` of truth values are integers, and `mean` of anything is a float.
 * `max` and `min` are NaN if one value is. Integers overflow modulo 2³². Sums are right to a float's last bits whatever their length. Of
 * nothing, `sum` is 0, `prod` 1, `max` -∞ and `mean` NaN.
 *
 * @param axes From 0 on, each once.
 */
export function reduce(
  kernels: Kernels,
  reduction: Reduction,
  { shape, axes }: { shape: readonly number[]; axes: readonly number[] },
  { x, y }: { x: Elements; y: Elements },
): void {
  const passes = passesOf(shape, axes);
  const divisor = reduction === 'mean' ? axes.reduce((product, axis) => product * shape[axis]!, 1) : 1;
  let from = numeric(kernels, product(shape), x);
  passes.forEach(({ outer, rows, columns }, i) => {
    const isLast = i === passes.length - 1;
    const to = isLast ? y : temporary(kernels, outer * columns, y);
    kernels.call(kernelOf[reduction], ...typed(from), ...typed(to), outer, rows, columns, isLast ? divisor : 1);
    if (from !== x) kernels.memory.release(from.block);
    from = to;
  });
}

/**
 * Where the largest or smallest value along an axis is, the first of equals. NaN counts only where it is the first of all.
 *
 * @param y int32, of the shape without the axis.
 */
export function argReduce(
  kernels: Kernels,
  reduction: 'argMax' | 'argMin',
  { shape, axis }: { shape: readonly number[]; axis: number },
  { x, y }: { x: Elements; y: Block },
): void {
  const [outer, columns] = [shape.slice(0, axis), shape.slice(axis + 1)].map(product);
  const from = numeric(kernels, product(shape), x);
  kernels.call(reduction === 'argMax' ? 'arg_max' : 'arg_min', ...typed(from), y, outer, shape[axis], columns);
  if (from !== x) kernels.memory.release(from.block);
}

interface Pass {
  outer: number;
  rows: number;
  columns: number;
}

/** Reduces one run of neighbouring axes at a time, the last first. */
function passesOf(shape: readonly number[], axes: readonly number[]): Pass[] {
  const passes: Pass[] = [];
  const lengths = [...shape];
  for (let end = shape.length; end > 0; end--) {
    if (!axes.includes(end - 1)) continue;
    let begin = end - 1;
    while (axes.includes(begin - 1)) begin--;
    const rows = product(lengths.slice(begin, end));
    passes.push({ outer: product(lengths.slice(0, begin)), rows, columns: product(lengths.slice(end)) });
    lengths.fill(1, begin, end);
    end = begin + 1;
  }
  return passes.length > 0 ? passes : [{ outer: 1, rows: 1, columns: product(shape) }];
}

/** Truth values as integers; anything else as it is. */
function numeric(kernels: Kernels, size: number, x: Elements): Elements {
  if (x.storage !== 'bool') return x;
  const y = { block: kernels.memory.allocate(4 * size), storage: 'int32' } as const;
  unary(kernels, 'cast', size, { x, y });
  return y;
}

const temporary = (kernels: Kernels, size: number, { storage }: Elements): Elements => ({
  block: kernels.memory.allocate(4 * size),
  storage: storage === 'int32' || storage === 'bool' ? 'int32' : 'float32',
});

const product = (lengths: readonly number[]): number => lengths.reduce((all, length) => all * length, 1);
