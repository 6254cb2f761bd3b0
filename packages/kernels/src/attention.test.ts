import { describe, expect, it } from 'vitest';
import { type AttentionShape, attention, attentionGradient } from './attention.ts';
import type { Kernels } from './kernels.ts';
import { get, normals, put, relativeError, sameBits } from './test/buffers.ts';
import { everyCarrier } from './test/carriers.ts';
import { once } from './test/once.ts';

const shapes: AttentionShape[] = [
  { heads: 1, queries: 1, keys: 1, depth: 1, width: 1, scale: 1 },
  { heads: 3, queries: 5, keys: 7, depth: 9, width: 2, scale: 0.3 },
  { heads: 2, queries: 1, keys: 130, depth: 16, width: 33, scale: 0.25 },
  { heads: 2, queries: 64, keys: 64, depth: 32, width: 32, scale: -0.2 },
  { heads: 5, queries: 197, keys: 197, depth: 24, width: 24, scale: 24 ** -0.5 },
  { heads: 40, queries: 65, keys: 3, depth: 5, width: 70, scale: 1 },
];
const results = ['y', 'dQuery', 'dKey', 'dValue'] as const;
type Name = 'query' | 'key' | 'value' | 'dy';
type Operands = Record<Name, Float64Array>;
type Results = Record<(typeof results)[number], Float64Array>;

const sizes = ({ heads, queries, keys, depth, width }: AttentionShape): Record<Name, number> => ({
  query: heads * queries * depth,
  key: heads * keys * depth,
  value: heads * keys * width,
  dy: heads * queries * width,
});

const given = once((shape: AttentionShape): Operands => {
  const entries = Object.entries(sizes(shape)).map(([name, size]) => [name, normals(size, name).map(Math.fround)]);
  return Object.fromEntries(entries) as Operands;
});

describe.each(await everyCarrier())('$name', ({ kernels }) => {
  it.each(shapes)('attention() and its gradients agree with float64 for %j', (shape) => {
    const [got, expected] = [run(kernels, shape, given(shape)), reference(shape)];
    for (const name of results)
      if (expected[name].some((value) => Math.abs(value) > 1e-12))
        expect(relativeError(got[name], expected[name]), name).toBeLessThan(2e-6);
      else
        expect(
          got[name].every((value) => Math.abs(value) < 1e-6),
          name,
        ).toBe(true); // one key: all weights are 1
  });

  it('does not overflow where products are large', () => {
    const shape = { heads: 1, queries: 3, keys: 4, depth: 2, width: 1, scale: 1000 };
    const operands = { ...given(shape), value: Float64Array.of(1, 2, 3, 4) };
    for (const value of run(kernels, shape, operands).y) expect(value >= 1 && value <= 4).toBe(true);
  });

  it('keeps NaN in a query to its row', () => {
    const shape = { heads: 2, queries: 70, keys: 9, depth: 4, width: 3, scale: 1 };
    const operands = { ...given(shape) };
    operands.query = operands.query.slice();
    operands.query[4 * 66 + 1] = Number.NaN;
    const { y } = run(kernels, shape, operands);
    expect([...y.keys()].filter((i) => Number.isNaN(y[i]!))).toEqual([3 * 66, 3 * 66 + 1, 3 * 66 + 2]);
  });

  it('gives the same bits on any number of threads', () => {
    const all = kernels.threads;
    for (const shape of [shapes[4]!, { ...shapes[4]!, heads: 1, queries: 700 }]) {
      const [one, two, three] = [1, 2, 3].map((threads) => {
        kernels.threads = threads;
        return run(kernels, shape, given(shape));
      });
      for (const name of results) {
        expect(sameBits(one![name], two![name]), name).toBe(true);
        expect(sameBits(one![name], three![name]), name).toBe(true);
      }
    }
    kernels.threads = all;
  });
});

function run(kernels: Kernels, shape: AttentionShape, operands: Operands): Results {
  const length = sizes(shape);
  const lengths = { y: length.dy, dQuery: length.query, dKey: length.key, dValue: length.value };
  const inputs = Object.fromEntries(
    Object.entries(operands).map(([name, values]) => [name, put(kernels, values)]),
  ) as Record<Name, ReturnType<typeof put>>;
  const outputs = Object.fromEntries(
    results.map((name) => [name, put(kernels, new Float64Array(lengths[name]).fill(7))]),
  ) as Record<(typeof results)[number], ReturnType<typeof put>>;
  const blocks = { query: inputs.query.block, key: inputs.key.block, value: inputs.value.block };
  const [dQuery, dKey, dValue] = [outputs.dQuery.block, outputs.dKey.block, outputs.dValue.block];
  attention(kernels, shape, { ...blocks, y: outputs.y.block });
  attentionGradient(kernels, shape, { ...blocks, dy: inputs.dy.block, dQuery, dKey, dValue });
  const got = Object.fromEntries(results.map((name) => [name, get(kernels, outputs[name], lengths[name])])) as Results;
  for (const { block } of [...Object.values(inputs), ...Object.values(outputs)]) kernels.memory.release(block);
  return got;
}

/** Loops in float64; the gradients are written down from the formula, index by index. */
const reference = once((shape: AttentionShape): Results => {
  const { heads, queries, keys, depth, width, scale } = shape;
  const { query, key, value, dy } = given(shape);
  const [y, dQuery, dKey, dValue] = [dy, query, key, value].map((like) => new Float64Array(like.length)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const sum = (count: number, term: (i: number) => number) => {
    let total = 0;
    for (let i = 0; i < count; i++) total += term(i);
    return total;
  };
  for (let q = 0; q < heads * queries; q++) {
    const first = Math.floor(q / queries) * keys; // of its head
    const scores = Float64Array.from(
      { length: keys },
      (_, k) => scale * sum(depth, (d) => query[q * depth + d]! * key[(first + k) * depth + d]!),
    );
    const largest = Math.max(...scores);
    const exponentials = scores.map((score) => Math.exp(score - largest));
    const weights = exponentials.map((each) => each / sum(keys, (k) => exponentials[k]!));
    for (let e = 0; e < width; e++) y[q * width + e] = sum(keys, (k) => weights[k]! * value[(first + k) * width + e]!);
    const along = sum(width, (e) => dy[q * width + e]! * y[q * width + e]!);
    for (let k = 0; k < keys; k++) {
      const slope = sum(width, (e) => dy[q * width + e]! * value[(first + k) * width + e]!);
      const common = scale * weights[k]! * (slope - along);
      for (let d = 0; d < depth; d++) {
        dQuery[q * depth + d]! += common * key[(first + k) * depth + d]!;
        dKey[(first + k) * depth + d]! += common * query[q * depth + d]!;
      }
      for (let e = 0; e < width; e++) dValue[(first + k) * width + e]! += weights[k]! * dy[q * width + e]!;
    }
  }
  return { y, dQuery, dKey, dValue };
});
