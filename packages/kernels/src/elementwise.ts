import { type Elements, elementBytes, typed } from './element.ts';
import type { Kernels } from './kernels.ts';
import type { Block } from './memory.ts';
import { broadcastShape, broadcastStrides, stridesOf } from './strides.ts';

const unaryKernels = {
  cast: 'cast',
  neg: 'neg',
  abs: 'abs',
  square: 'square',
  sign: 'sign',
  sqrt: 'sqrt',
  rsqrt: 'rsqrt',
  reciprocal: 'reciprocal',
  floor: 'floor',
  ceil: 'ceil',
  round: 'round',
  exp: 'exp',
  expm1: 'expm1',
  log: 'log',
  log1p: 'log1p',
  softplus: 'softplus',
  erf: 'erf',
  sin: 'sin',
  cos: 'cos',
  tan: 'tan',
  asin: 'asin',
  acos: 'acos',
  atan: 'atan',
  sinh: 'sinh',
  cosh: 'cosh',
  asinh: 'asinh',
  acosh: 'acosh',
  atanh: 'atanh',
  isNan: 'is_nan',
  isInf: 'is_inf',
  isFinite: 'is_finite',
  logicalNot: 'logical_not',
} as const;

const binaryKernels = {
  add: 'add',
  sub: 'sub',
  mul: 'mul',
  div: 'div',
  floorDiv: 'floor_div',
  mod: 'mod',
  pow: 'pow',
  maximum: 'maximum',
  minimum: 'minimum',
  squaredDifference: 'squared_difference',
  atan2: 'atan2',
  prelu: 'prelu',
  bitwiseAnd: 'bitwise_and',
  equal: 'equal',
  notEqual: 'not_equal',
  less: 'less',
  lessEqual: 'less_equal',
  greater: 'greater',
  greaterEqual: 'greater_equal',
  logicalAnd: 'logical_and',
  logicalOr: 'logical_or',
} as const;

export type UnaryOperation = keyof typeof unaryKernels;
export type BinaryOperation = keyof typeof binaryKernels;

/**
 * `y = f(x)`, value by value.
 *
 * Floats of any storage, and of any other for `y`; `neg`, `abs`, `square`, `sign` take integers too, `logicalNot` truth values.
 * `isNan`, `isInf`, `isFinite` and `logicalNot` give truth values. `cast` takes and gives any type: to integers towards zero, modulo
 * 2³² and 0 for NaN as JavaScript's `x | 0`; to truth values whether it is not 0. `round` takes halves to the even neighbour; `sign` of
 * NaN is 0.
 */
export function unary(
  kernels: Kernels,
  operation: UnaryOperation,
  size: number,
  { x, y }: { x: Elements; y: Elements },
): void {
  kernels.call(unaryKernels[operation], ...typed(x), ...typed(y), size);
}

/** `y = x > 0 ? 1 : alpha`; NaN stays. */
export function step(kernels: Kernels, size: number, alpha: number, { x, y }: { x: Elements; y: Elements }): void {
  kernels.call('step', ...typed(x), ...typed(y), size, alpha);
}

/** `y = min(max(x, least), most)`; NaN stays. */
export function clip(
  kernels: Kernels,
  size: number,
  [least, most]: readonly [least: number, most: number],
  { x, y }: { x: Elements; y: Elements },
): void {
  kernels.call('clip', ...typed(x), ...typed(y), size, least, most);
}

/**
 * `y = f(a, b)`, value by value, lengths of 1 repeated (NumPy's broadcasting).
 *
 * `a` and `b` are floats of any storage, or both integers, or truth values; `floorDiv` and `bitwiseAnd` are for integers only, `div`,
 * `pow`, `atan2` and `prelu` for floats only. Comparisons and `logicalAnd`, `logicalOr` give truth values. Integers overflow modulo 2³²,
 * and divided by 0 give 0. `mod` has the sign of `b`. `maximum` and `minimum` are NaN if one of the two is. `pow` is JavaScript's `**`.
 * `prelu` is `a < 0 ? a · b : a`. `y` may be one of the two.
 */
export function binary(
  kernels: Kernels,
  operation: BinaryOperation,
  shapes: { a: readonly number[]; b: readonly number[] },
  { a, b, y }: { a: Elements; b: Elements; y: Elements },
): void {
  const shape = broadcastShape(shapes.a, shapes.b);
  const strides = [broadcastStrides(shapes.a, shape), broadcastStrides(shapes.b, shape), stridesOf(shape)].flat();
  kernels.call(binaryKernels[operation], ...typed(a), ...typed(b), ...typed(y), shape.length, ...shape, ...strides);
}

/** `y = condition ? a : b`, value by value, lengths of 1 repeated; `a`, `b` and `y` have one type. */
export function where(
  kernels: Kernels,
  shapes: { condition: readonly number[]; a: readonly number[]; b: readonly number[] },
  { condition, a, b, y }: { condition: Block; a: Elements; b: Elements; y: Elements },
): void {
  const shape = broadcastShape(shapes.condition, shapes.a, shapes.b);
  const strides = [
    broadcastStrides(shapes.condition, shape),
    broadcastStrides(shapes.a, shape),
    broadcastStrides(shapes.b, shape),
    stridesOf(shape),
  ].flat();
  kernels.call(
    'where',
    condition,
    a.block,
    b.block,
    y.block,
    elementBytes[y.storage],
    shape.length,
    ...shape,
    ...strides,
  );
}

/** `y = Σ x`, value by value, from the first to the last: floats of any storage, or integers. */
export function addN(kernels: Kernels, size: number, { x, y }: { x: readonly Elements[]; y: Elements }): void {
  kernels.call('add_n', ...typed(y), size, x.length, ...x.flatMap(typed));
}

/** `y = value` everywhere. */
export function fill(kernels: Kernels, size: number, value: number, y: Elements): void {
  kernels.call('fill', ...typed(y), size, value);
}
