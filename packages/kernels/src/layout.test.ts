import { random } from '@imgcls/random';
import { describe, expect, it } from 'vitest';
import { type ElementType, elementBytes } from './element.ts';
import {
  broadcastTo,
  concat,
  gather,
  mirrorPad,
  oneHot,
  type Padding,
  pad,
  reverse,
  segmentSum,
  slice,
  tile,
  transpose,
} from './layout.ts';
import { stridesOf } from './strides.ts';
import { everyCarrier } from './test/carriers.ts';
import { getElements, putElements } from './test/elements.ts';

type Shape = readonly number[];
const size = (shape: Shape): number => shape.reduce((product, length) => product * length, 1);
const types = Object.keys(elementBytes) as ElementType[];

/** Values that tell places apart, as far as the type can. */
const numbered = (count: number, type: ElementType): number[] =>
  Array.from({ length: count }, (_, i) => (type === 'bool' ? ((i * 7) >> 2) & 1 : type === 'bf16' ? i % 256 : i));

/** The array whose element at each place is that of `values` at the place that `from` tells; without one, `otherwise`. */
function picked(
  { values, shape }: { values: ArrayLike<number>; shape: Shape },
  to: Shape,
  from: (place: number[]) => readonly number[] | undefined,
  otherwise = 0,
): number[] {
  const [strides, source] = [stridesOf(to), stridesOf(shape)];
  return Array.from({ length: size(to) }, (_, i) => {
    const at = from(to.map((length, axis) => Math.floor(i / strides[axis]!) % length));
    return at ? values[at.reduce((sum, index, axis) => sum + index * source[axis]!, 0)]! : otherwise;
  });
}

describe.each(await everyCarrier())('$name', ({ kernels }) => {
  /** What a function makes of numbered values of a type. */
  function made(
    type: ElementType,
    shape: Shape,
    to: Shape,
    run: (operands: { x: ReturnType<typeof putElements>; y: ReturnType<typeof putElements> }) => void,
  ) {
    const values = numbered(size(shape), type);
    const [x, y] = [
      putElements(kernels, values, type),
      putElements(kernels, new Array<number>(size(to)).fill(0), type),
    ];
    run({ x, y });
    const got = [...getElements(kernels, y, size(to))];
    for (const { block } of [x, y]) kernels.memory.release(block);
    return { got, values, shape };
  }

  it.each([
    [[], []],
    [[5], [0]],
    [
      [33, 70],
      [1, 0],
    ],
    [
      [1, 7],
      [1, 0],
    ],
    [
      [3, 4, 5],
      [0, 1, 2],
    ],
    [
      [3, 65, 17],
      [0, 2, 1],
    ],
    [
      [2, 17, 3, 33],
      [3, 2, 0, 1],
    ],
    [
      [2, 9, 11, 3],
      [0, 3, 1, 2],
    ],
    [
      [2, 3, 9, 11],
      [0, 2, 3, 1],
    ],
    [
      [3, 3, 16, 40],
      [3, 2, 0, 1],
    ],
    [
      [130, 2, 130],
      [2, 1, 0],
    ],
    [
      [2, 3, 4, 2, 3, 2],
      [5, 3, 1, 0, 2, 4],
    ],
    [
      [3, 0, 2],
      [2, 0, 1],
    ],
    [
      [300, 301],
      [1, 0],
    ],
  ])('transpose() of %j to %j', (shape: number[], permutation: number[]) => {
    const to = permutation.map((axis) => shape[axis]!);
    for (const type of types) {
      const { got, ...x } = made(type, shape, to, (operands) => transpose(kernels, { shape, permutation }, operands));
      expect(got).toEqual(picked(x, to, (place) => shape.map((_, axis) => place[permutation.indexOf(axis)]!)));
    }
  });

  it.each([
    { shape: [7], begin: [2], size: [4] },
    { shape: [9, 8], begin: [1, 3], size: [7, 5] },
    { shape: [4, 5, 6, 3], begin: [1, 0, 2, 0], size: [2, 5, 3, 3] },
    { shape: [40, 50], begin: [39, 48], size: [10, 12], steps: [-3, -4] },
    { shape: [20, 30, 5], begin: [1, 29, 0], size: [6, 30, 3], steps: [3, -1, 2] },
    { shape: [5, 5], begin: [2, 2], size: [0, 3] },
    { shape: [3, 20000], begin: [1, 1], size: [2, 19998] },
  ])('slice() of %j', (what: { shape: number[]; begin: number[]; size: number[]; steps?: number[] }) => {
    for (const type of types) {
      const { got, ...x } = made(type, what.shape, what.size, (operands) => slice(kernels, what, operands));
      expect(got).toEqual(
        picked(x, what.size, (place) => place.map((i, axis) => what.begin[axis]! + i * (what.steps?.[axis] ?? 1))),
      );
    }
  });

  it.each([
    [[6], [0]],
    [[5, 7, 3], [1]],
    [
      [5, 7, 3],
      [0, 2],
    ],
    [
      [2, 33, 17],
      [1, 2],
    ],
    [[0, 2], [0]],
    [[4, 4], []],
  ])('reverse() of %j along %j', (shape: number[], axes: number[]) => {
    for (const type of types) {
      const { got, ...x } = made(type, shape, shape, (operands) => reverse(kernels, { shape, axes }, operands));
      expect(got).toEqual(
        picked(x, shape, (place) => place.map((i, axis) => (axes.includes(axis) ? shape[axis]! - 1 - i : i))),
      );
    }
  });

  it.each([
    [[3], [4]],
    [
      [2, 3],
      [1, 5],
    ],
    [
      [2, 1, 3],
      [2, 3, 2],
    ],
    [
      [1, 1],
      [30, 70],
    ],
    [
      [2, 3, 1, 2, 1, 2],
      [2, 1, 3, 2, 2, 1],
    ],
    [
      [2, 3],
      [0, 2],
    ],
  ])('tile() of %j, %j times', (shape: number[], repeats: number[]) => {
    const to = shape.map((length, axis) => length * repeats[axis]!);
    for (const type of types) {
      const { got, ...x } = made(type, shape, to, (operands) => tile(kernels, { shape, repeats }, operands));
      expect(got).toEqual(picked(x, to, (place) => place.map((i, axis) => i % shape[axis]!)));
    }
  });

  it('broadcastTo() repeats lengths of 1', () => {
    const [shape, to] = [
      [3, 1, 2],
      [2, 3, 4, 2],
    ];
    const { got, ...x } = made('float32', shape, to, (operands) => broadcastTo(kernels, { shape, to }, operands));
    expect(got).toEqual(picked(x, to, ([, i, , k]) => [i!, 0, k!]));
  });

  it.each([
    [
      0,
      [
        [2, 3],
        [1, 3],
        [4, 3],
      ],
    ],
    [
      1,
      [
        [2, 3, 5],
        [2, 1, 5],
        [2, 4, 5],
      ],
    ],
    [
      2,
      [
        [2, 3, 64],
        [2, 3, 1],
        [2, 3, 33],
      ],
    ],
    [
      3,
      [
        [2, 3, 3, 16],
        [2, 3, 3, 16],
      ],
    ],
    [0, [[3], [0], [2]]],
    [0, [[2, 2]]],
  ])('concat() along %d of %j', (axis: number, shapes: number[][]) => {
    const whole = shapes[0]!.with(
      axis,
      shapes.reduce((sum, shape) => sum + shape[axis]!, 0),
    );
    for (const type of types) {
      const x = shapes.map((shape, i) =>
        putElements(
          kernels,
          numbered(size(shape), type).map((value) => (type === 'bool' ? value : (value + 50 * i) % 256)),
          type,
        ),
      );
      const values = x.map((each, i) => getElements(kernels, each, size(shapes[i]!)));
      const y = putElements(kernels, new Array<number>(size(whole)).fill(0), type);
      concat(kernels, { shapes, axis }, { x, y });
      let expected = new Array<number>(size(whole)).fill(0);
      let start = 0;
      for (const [i, shape] of shapes.entries()) {
        const begin = start;
        const part = picked({ values: values[i]!, shape }, whole, (place) => {
          const index = place[axis]! - begin;
          return index >= 0 && index < shape[axis]! ? place.with(axis, index) : undefined;
        });
        expected = expected.map((value, at) => value + part[at]!);
        start += shape[axis]!;
      }
      expect([...getElements(kernels, y, size(whole))]).toEqual(expected);
      for (const { block } of [...x, y]) kernels.memory.release(block);
    }
  });

  const paddingsOf: [number[], Padding[]][] = [
    [[3], [[2, 1]]],
    [
      [4, 5],
      [
        [0, 3],
        [2, 0],
      ],
    ],
    [
      [2, 5, 6, 3],
      [
        [0, 0],
        [2, 1],
        [1, 3],
        [0, 0],
      ],
    ],
    [
      [1, 4, 4, 64],
      [
        [0, 0],
        [1, 1],
        [1, 1],
        [0, 0],
      ],
    ],
    [
      [3, 3, 3],
      [
        [0, 0],
        [0, 0],
        [0, 0],
      ],
    ],
    [
      [2, 2, 2, 2],
      [
        [1, 1],
        [1, 1],
        [1, 1],
        [1, 1],
      ],
    ],
  ];
  const wholeOf = (shape: Shape, paddings: Padding[]): number[] =>
    shape.map((length, axis) => length + paddings[axis]![0] + paddings[axis]![1]);

  it.each(paddingsOf)('pad() of %j by %j', (shape, paddings) => {
    const to = wholeOf(shape, paddings);
    for (const type of types) {
      const { got, ...x } = made(type, shape, to, (operands) => pad(kernels, { shape, paddings, value: 1 }, operands));
      const source = (place: number[]) => place.map((i, axis) => i - paddings[axis]![0]);
      const isInside = (place: number[]): boolean => place.every((i, axis) => i >= 0 && i < shape[axis]!);
      expect(got).toEqual(picked(x, to, (place) => (isInside(source(place)) ? source(place) : undefined), 1));
    }
  });

  it.each(
    paddingsOf.flatMap(([shape, paddings]) =>
      (['reflect', 'symmetric'] as const).map((mode) => [mode, shape, paddings] as const),
    ),
  )('mirrorPad(), %s, of %j by %j', (mode, shape, paddings) => {
    const to = wholeOf(shape, paddings);
    const skip = mode === 'reflect' ? 1 : 0;
    for (const type of types) {
      const { got, ...x } = made(type, shape, to, (operands) =>
        mirrorPad(kernels, { shape, paddings, mode }, operands),
      );
      const source = (place: number[]) =>
        place.map((i, axis) => {
          const at = i - paddings[axis]![0];
          if (at < 0) return -at - 1 + skip;
          return at < shape[axis]! ? at : 2 * shape[axis]! - at - 1 - skip;
        });
      expect(got).toEqual(picked(x, to, source));
    }
  });

  it('gather() takes rows, also by batch', () => {
    const [batch, outer, rows, count, inner] = [2, 3, 5, 7, 4];
    const draw = random(1);
    const chosen = Array.from({ length: batch * count }, () => draw.int(rows));
    const indices = putElements(kernels, chosen, 'int32');
    for (const type of types) {
      const to = [batch, outer, count, inner];
      const { got, ...x } = made(type, [batch, outer, rows, inner], to, (operands) =>
        gather(kernels, { batch, outer, rows, count, inner }, { ...operands, indices: indices.block }),
      );
      expect(got).toEqual(picked(x, to, ([b, o, i, k]) => [b!, o!, chosen[b! * count + i!]!, k!]));
    }
    kernels.memory.release(indices.block);
  });

  it.each([-1, 5])('gather() refuses the index %d of 5', (index) => {
    const [x, indices, y] = [
      putElements(kernels, [1, 2, 3, 4, 5], 'float32'),
      putElements(kernels, [0, index], 'int32'),
      putElements(kernels, [0, 0], 'float32'),
    ];
    const shape = { batch: 1, outer: 1, rows: 5, count: 2, inner: 1 };
    expect(() => gather(kernels, shape, { x, indices: indices.block, y })).toThrow('gather: an index is out of range');
    for (const { block } of [x, indices, y]) kernels.memory.release(block);
  });

  it('segmentSum() adds rows by segment and leaves out those of none', () => {
    const [rows, columns, count] = [9, 700, 4];
    const segments = [0, 2, 2, -1, 4, 0, 3, 3, 3];
    const ids = putElements(kernels, segments, 'int32');
    const { got, values } = made('float32', [rows, columns], [count, columns], ({ x, y }) =>
      segmentSum(kernels, { rows, columns, count }, { x: x.block, segments: ids.block, y: y.block }),
    );
    const expected = new Array<number>(count * columns).fill(0);
    for (const [row, segment] of segments.entries())
      if (segment >= 0 && segment < count)
        for (let c = 0; c < columns; c++) expected[segment * columns + c]! += values[row * columns + c]!;
    expect(got).toEqual(expected);
    kernels.memory.release(ids.block);
  });

  it('oneHot() marks the places that exist', () => {
    for (const type of ['float32', 'int32', 'bool'] as const) {
      const [indices, y] = [
        putElements(kernels, [1, 0, -1, 3, 2], 'int32'),
        putElements(kernels, new Array<number>(15).fill(7), type),
      ];
      oneHot(kernels, { count: 5, depth: 3, on: 1, off: 0 }, { indices: indices.block, y });
      expect([...getElements(kernels, y, 15)]).toEqual([0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
      for (const { block } of [indices, y]) kernels.memory.release(block);
    }
  });
});
