import { random } from '@imgcls/random';
import { describe, expect, it } from 'vitest';
import { type ElementType, elementBytes } from './element.ts';
import {
  addN,
  type BinaryOperation,
  binary,
  clip,
  fill,
  step,
  type UnaryOperation,
  unary,
  where,
} from './elementwise.ts';
import type { Kernels } from './kernels.ts';
import { broadcastShape, broadcastStrides, stridesOf } from './strides.ts';
import { everyCarrier } from './test/carriers.ts';
import { getElements, held, putElements } from './test/elements.ts';

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
const special = [0, -0, 1, -1, 0.5, -0.5, 2.5, 3.5, -2.5, 1e-30, -1e-30, 1e-41, 3e38, -3e38, infinity, -infinity, nan];
const integers = [0, 1, -1, 2, 3, -3, 7, -7, 100, -100, 65537, 2 ** 31 - 1, -(2 ** 31)];

const truth =
  (f: (...values: number[]) => boolean) =>
  (...values: number[]) =>
    Number(f(...values));
const floorMod = (a: number, b: number): number => {
  const rest = a % b;
  return (a < 0 && b < 0) || (a >= 0 && b >= 0) ? rest : (rest + b) % b;
};

/** The error function by its series, or by its continued fraction where that is slow. */
function erf(x: number): number {
  const size = Math.abs(x);
  if (!(size < 6)) return Number.isNaN(x) ? nan : Math.sign(x);
  if (size < 2.5) {
    let [term, sum] = [size, size];
    for (let n = 1; n < 80; n++) {
      term *= -(size * size) / n;
      sum += term / (2 * n + 1);
    }
    return (Math.sign(x) * sum * 2) / Math.sqrt(Math.PI);
  }
  let fraction = size;
  for (let n = 60; n >= 1; n--) fraction = size + n / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-size * size) / fraction / Math.sqrt(Math.PI));
}

/** Halves to even. */
function round(x: number): number {
  const down = Math.floor(x);
  if (x - down !== 0.5) return Math.round(x);
  return down % 2 === 0 ? down : down + 1;
}

const unaryReference: Record<UnaryOperation, (x: number) => number> = {
  cast: (x) => x,
  neg: (x) => -x,
  abs: Math.abs,
  square: (x) => x * x,
  sign: (x) => (x > 0 ? 1 : x < 0 ? -1 : 0),
  sqrt: Math.sqrt,
  rsqrt: (x) => 1 / Math.sqrt(x),
  reciprocal: (x) => 1 / x,
  floor: Math.floor,
  ceil: Math.ceil,
  round,
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  softplus: (x) => (x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x))),
  erf,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
  isNan: truth(Number.isNaN),
  isInf: truth((x) => Math.abs(x!) === infinity),
  isFinite: truth(Number.isFinite),
  logicalNot: truth((x) => x === 0),
};
const givesTruth = new Set<string>(['isNan', 'isInf', 'isFinite', 'logicalNot']);

const binaryReference: Record<BinaryOperation, (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  floorDiv: (a, b) => Math.floor(a / b),
  mod: floorMod,
  pow: (a, b) => a ** b,
  maximum: Math.max,
  minimum: Math.min,
  squaredDifference: (a, b) => (a - b) ** 2,
  atan2: Math.atan2,
  prelu: (a, b) => (a < 0 ? a * b : a),
  bitwiseAnd: (a, b) => a & b,
  equal: truth((a, b) => a === b),
  notEqual: truth((a, b) => a !== b),
  less: truth((a, b) => a! < b!),
  lessEqual: truth((a, b) => a! <= b!),
  greater: truth((a, b) => a! > b!),
  greaterEqual: truth((a, b) => a! >= b!),
  logicalAnd: truth((a, b) => a !== 0 && b !== 0),
  logicalOr: truth((a, b) => a !== 0 || b !== 0),
};
const relations = ['equal', 'notEqual', 'less', 'lessEqual', 'greater', 'greaterEqual'] as const;

/** Few units in the last place of a float, or the last bit of a bfloat16; infinities and NaN as they are. */
function expectClose(got: Float64Array, expected: readonly number[], type: ElementType): void {
  const unit = type === 'bf16' ? 2 ** -8 : 4 * 2 ** -24;
  expected.forEach((value, i) => {
    const stored = held(value, type);
    const close =
      Object.is(got[i], stored) || got[i] === stored || Math.abs(got[i]! - value) <= unit * Math.abs(value) + 2e-45;
    if (!close) expect.fail(`value ${i}: expected ${value}, got ${got[i]}`);
  });
}

function runUnary(
  kernels: Kernels,
  operation: UnaryOperation,
  values: readonly number[],
  from: ElementType,
  to: ElementType,
) {
  const x = putElements(kernels, values, from);
  const y = putElements(
    kernels,
    values.map(() => 0),
    to,
  );
  unary(kernels, operation, values.length, { x, y });
  const got = getElements(kernels, y, values.length);
  for (const { block } of [x, y]) kernels.memory.release(block);
  return got;
}

interface Pair {
  a: { values: readonly number[]; shape: readonly number[]; type: ElementType };
  b: { values: readonly number[]; shape: readonly number[]; type: ElementType };
  to: ElementType;
}

function runBinary(kernels: Kernels, operation: BinaryOperation, { a, b, to }: Pair): Float64Array {
  const size = broadcastShape(a.shape, b.shape).reduce((product, length) => product * length, 1);
  const [left, right] = [putElements(kernels, a.values, a.type), putElements(kernels, b.values, b.type)];
  const y = putElements(kernels, new Array<number>(size).fill(0), to);
  binary(kernels, operation, { a: a.shape, b: b.shape }, { a: left, b: right, y });
  const got = getElements(kernels, y, size);
  for (const { block } of [left, right, y]) kernels.memory.release(block);
  return got;
}

/** The values of an array as if it had another shape. */
function repeated(values: readonly number[], shape: readonly number[], to: readonly number[]): number[] {
  const [from, strides] = [broadcastStrides(shape, to), stridesOf(to)];
  const size = to.reduce((product, length) => product * length, 1);
  return Array.from(
    { length: size },
    (_, i) => values[to.reduce((at, length, axis) => at + (Math.floor(i / strides[axis]!) % length) * from[axis]!, 0)]!,
  );
}

const carriers = await everyCarrier();

describe.each(carriers)('$name', ({ kernels }) => {
  const draw = random(1, kernels.carrier.name);
  const floats = (length: number, spread = 1): number[] =>
    Array.from({ length }, () => Math.fround(draw.normal() * spread));
  const angles = [...floats(40, 3), ...floats(40, 1e3), ...floats(40, 1e6), ...floats(40, 1e12), ...floats(40, 1e37)];
  const everything = [...special, ...floats(50), ...angles].map(Math.fround);

  describe('unary()', () => {
    const floatOperations = Object.keys(unaryReference).filter((name) => !givesTruth.has(name)) as UnaryOperation[];

    it.each(floatOperations)('%s of floats, to the last places', (operation) => {
      expectClose(
        runUnary(kernels, operation, everything, 'float32', 'float32'),
        everything.map(unaryReference[operation]),
        'float32',
      );
    });

    it.each(['neg', 'exp', 'sqrt'] as const)('%s of and to bfloat16', (operation) => {
      const values = floats(301).map((value) => held(value, 'bf16'));
      expectClose(runUnary(kernels, operation, values, 'bf16', 'bf16'), values.map(unaryReference[operation]), 'bf16');
      expectClose(
        runUnary(kernels, operation, values, 'bf16', 'float32'),
        values.map(unaryReference[operation]),
        'float32',
      );
    });

    it.each(['neg', 'abs', 'square', 'sign'] as const)('%s of integers, modulo 2³²', (operation) => {
      const f = operation === 'square' ? (x: number) => Math.imul(x, x) : unaryReference[operation];
      const expected = integers.map((x) => f(x) | 0);
      expect([...runUnary(kernels, operation, integers, 'int32', 'int32')]).toEqual(expected);
    });

    it.each(['isNan', 'isInf', 'isFinite'] as const)('%s', (operation) => {
      expect([...runUnary(kernels, operation, everything, 'float32', 'bool')]).toEqual(
        everything.map(unaryReference[operation]),
      );
    });

    it('logicalNot', () => {
      expect([...runUnary(kernels, 'logicalNot', [0, 1, 1, 0, 1], 'bool', 'bool')]).toEqual([1, 0, 0, 1, 0]);
    });

    it('cast from each type to each', () => {
      const values = [0, 1, 0, 1, 1, 0, 1];
      for (const from of Object.keys(elementBytes) as ElementType[])
        for (const to of Object.keys(elementBytes) as ElementType[])
          expect([...runUnary(kernels, 'cast', values, from, to)]).toEqual(values);
    });

    it('cast to integers is that of JavaScript, to truth values a comparison with 0', () => {
      const values = [
        ...special,
        1.9,
        -1.9,
        2 ** 31,
        -(2 ** 31),
        2 ** 32 + 512,
        -(2 ** 33) - 1024,
        2 ** 40 + 2 ** 17,
        1e20,
      ].map(Math.fround);
      expect([...runUnary(kernels, 'cast', values, 'float32', 'int32')]).toEqual(values.map((value) => value | 0));
      expect([...runUnary(kernels, 'cast', values, 'float32', 'bool')]).toEqual(
        values.map((value) => Number(value !== 0)),
      );
      expect([...runUnary(kernels, 'cast', integers, 'int32', 'bool')]).toEqual(
        integers.map((value) => Number(value !== 0)),
      );
      expect([...runUnary(kernels, 'cast', integers, 'int32', 'float32')]).toEqual(integers.map(Math.fround));
    });

    it('works on any number of values', () => {
      for (const size of [0, 1, 15, 16, 17, 511, 512, 513, 16384, 40001]) {
        const values = floats(size);
        expect([...runUnary(kernels, 'square', values, 'float32', 'float32')]).toEqual(
          values.map((x) => Math.fround(x * x)),
        );
      }
    });
  });

  it('step() and clip() leave NaN as it is', () => {
    const values = [-2, -0, 0, 1e-40, 3, infinity, -infinity, nan];
    const [x, y] = [putElements(kernels, values, 'float32'), putElements(kernels, values, 'float32')];
    step(kernels, values.length, 0.25, { x, y });
    expect([...getElements(kernels, y, values.length)]).toEqual([0.25, 0.25, 0.25, 1, 1, 1, 0.25, nan]);
    clip(kernels, values.length, [-1, 2], { x, y });
    expect([...getElements(kernels, y, values.length)]).toEqual([-1, -0, 0, Math.fround(1e-40), 2, 2, -1, nan]);
    for (const { block } of [x, y]) kernels.memory.release(block);
  });

  describe('binary()', () => {
    const pairs = everything.flatMap((a, i) =>
      [...special, everything.at(-i)!].map((b) => [a, Math.fround(b)] as const),
    );
    const realOperations = [
      'add',
      'sub',
      'mul',
      'div',
      'mod',
      'pow',
      'maximum',
      'minimum',
      'squaredDifference',
      'atan2',
      'prelu',
    ] as const;

    it.each(realOperations)('%s of floats, the special ones too', (operation) => {
      const [a, b] = [0, 1].map((i) => ({
        values: pairs.map((pair) => pair[i]!),
        shape: [pairs.length],
        type: 'float32' as const,
      }));
      const expected = pairs.map(([left, right]) => binaryReference[operation](left, right));
      expectClose(runBinary(kernels, operation, { a: a!, b: b!, to: 'float32' }), expected, 'float32');
    });

    it.each(relations)('%s of floats and of integers', (operation) => {
      for (const [type, values] of [
        ['float32', everything],
        ['int32', integers],
      ] as const) {
        const all = values.flatMap((a) => values.map((b) => [a, b] as const));
        const [a, b] = [0, 1].map((i) => ({ values: all.map((pair) => pair[i]!), shape: [all.length], type }));
        const expected = all.map(([left, right]) => binaryReference[operation](left, right));
        expect([...runBinary(kernels, operation, { a: a!, b: b!, to: 'bool' })]).toEqual(expected);
      }
    });

    it.each(['add', 'sub', 'mul', 'floorDiv', 'mod', 'maximum', 'minimum', 'squaredDifference', 'bitwiseAnd'] as const)(
      '%s of integers, modulo 2³²',
      (operation) => {
        const all = integers.flatMap((a) => integers.map((b) => [a, b] as const));
        const [a, b] = [0, 1].map((i) => ({
          values: all.map((pair) => pair[i]!),
          shape: [all.length],
          type: 'int32' as const,
        }));
        const exact: Partial<Record<BinaryOperation, (left: number, right: number) => number>> = {
          mul: Math.imul,
          squaredDifference: (left, right) => Math.imul(left - right, left - right),
        };
        const f = exact[operation] ?? binaryReference[operation];
        const expected = all.map(([left, right]) => f(left, right) | 0);
        expect([...runBinary(kernels, operation, { a: a!, b: b!, to: 'int32' })]).toEqual(expected);
      },
    );

    it.each(['logicalAnd', 'logicalOr', 'equal', 'notEqual'] as const)('%s of truth values', (operation) => {
      const [a, b] = [
        { values: [0, 0, 1, 1], shape: [4] },
        { values: [0, 1, 0, 1], shape: [4] },
      ];
      const got = runBinary(kernels, operation, { a: { ...a, type: 'bool' }, b: { ...b, type: 'bool' }, to: 'bool' });
      expect([...got]).toEqual(a.values.map((value, i) => binaryReference[operation](value, b.values[i]!)));
    });

    it.each([
      [[7], [7]],
      [[], []],
      [[33, 21], []],
      [[], [33, 21]],
      [[5, 7, 3], [3]],
      [[2, 3, 5, 64], [64]],
      [
        [2, 5, 5, 1],
        [2, 5, 5, 19],
      ],
      [
        [3, 1, 1, 8],
        [3, 4, 4, 8],
      ],
      [
        [4, 1, 5, 1],
        [3, 1, 7],
      ],
      [
        [2, 1, 3, 1, 2, 1],
        [1, 2, 1, 3, 1, 2],
      ],
      [[1], [1, 1, 1]],
      [
        [3, 0, 2],
        [3, 1, 2],
      ],
      [[40000], [1]],
      [
        [2, 30000],
        [2, 1],
      ],
    ])('broadcasts %j and %j', (aShape, bShape) => {
      const shape = broadcastShape(aShape, bShape);
      const arrays = [aShape, bShape].map((from) => {
        const values = floats(from.reduce((product, length) => product * length, 1));
        return { values, shape: from, type: 'float32' as const };
      });
      const [a, b] = arrays.map(({ values, shape: from }) => repeated(values, from, shape));
      const got = runBinary(kernels, 'sub', { a: arrays[0]!, b: arrays[1]!, to: 'float32' });
      expect([...got]).toEqual(a!.map((value, i) => Math.fround(value - b![i]!)));
    });

    it('mixes float32 and bfloat16', () => {
      for (const [aType, bType, to] of [
        ['bf16', 'bf16', 'bf16'],
        ['bf16', 'float32', 'bf16'],
        ['float32', 'bf16', 'float32'],
      ] as const) {
        const a = { values: floats(35 * 9).map((value) => held(value, aType)), shape: [35, 9], type: aType };
        const b = { values: floats(9).map((value) => held(value, bType)), shape: [9], type: bType };
        const expected = a.values.map((value, i) => held(Math.fround(value * b.values[i % 9]!), to));
        expect([...runBinary(kernels, 'mul', { a, b, to })]).toEqual(expected);
      }
    });

    it('may write over its input', () => {
      const values = floats(1000);
      const x = putElements(kernels, values, 'float32');
      binary(kernels, 'add', { a: [1000], b: [1000] }, { a: x, b: x, y: x });
      expect([...getElements(kernels, x, 1000)]).toEqual(values.map((value) => 2 * value));
      kernels.memory.release(x.block);
    });
  });

  it('where() takes one or the other, also repeated', () => {
    for (const type of ['float32', 'bf16', 'int32', 'bool'] as const) {
      const [condition, a] = [putElements(kernels, [1, 0, 1], 'bool'), putElements(kernels, [1, 0, 1, 0, 1, 0], type)];
      const [b, y] = [putElements(kernels, [0, 1], type), putElements(kernels, [0, 0, 0, 0, 0, 0], type)];
      where(kernels, { condition: [3, 1], a: [3, 2], b: [2] }, { condition: condition.block, a, b, y });
      expect([...getElements(kernels, y, 6)]).toEqual([1, 0, 0, 1, 1, 0]);
      for (const { block } of [condition, a, b, y]) kernels.memory.release(block);
    }
  });

  it('addN() adds from the first to the last', () => {
    const size = 1000;
    for (const type of ['float32', 'bf16', 'int32'] as const) {
      const values = [0, 1, 2].map(() => Array.from({ length: size }, () => draw.int(100)));
      const x = values.map((each) => putElements(kernels, each, type));
      const y = putElements(kernels, new Array<number>(size).fill(0), type);
      addN(kernels, size, { x, y });
      expect([...getElements(kernels, y, size)]).toEqual(
        values[0]!.map((first, i) => held(first + values[1]![i]! + values[2]![i]!, type)),
      );
      addN(kernels, size, { x: [x[0]!], y });
      expect([...getElements(kernels, y, size)]).toEqual(values[0]);
      for (const { block } of [...x, y]) kernels.memory.release(block);
    }
  });

  it('fill() writes what it was told to, and no more', () => {
    for (const [type, value] of [
      ['float32', 2.5],
      ['bf16', 2.5],
      ['int32', 2 ** 31 - 1],
      ['bool', 1],
    ] as const) {
      const y = putElements(kernels, new Array<number>(37).fill(0), type);
      fill(kernels, 37, value, y);
      expect([...getElements(kernels, y, 37)]).toEqual(new Array<number>(37).fill(value));
      kernels.memory.release(y.block);
    }
  });
});
