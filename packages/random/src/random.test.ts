import { describe, expect, test } from 'vitest';
import { type Key, type Random, random } from './random.ts';

describe('random()', () => {
  // Computed by an independent Python implementation: a change here changes every seeded run of every user.
  test.each<{ keys: [number, ...Key[]]; outputs: number[] }>([
    { keys: [0], outputs: [4194279889, 312689332, 2749825628, 1290858531] },
    { keys: [1, 'shuffle', 3], outputs: [3015573636, 3058861456, 2912220617, 2221783376] },
    { keys: [-5, 'é', 2 ** 40 + 7], outputs: [3067589659, 672150881, 1652458976, 3548311604] },
  ])('gives the same numbers for $keys in every version', ({ keys, outputs }) => {
    const stream = random(...keys);
    expect(outputs.map(() => stream.uint32())).toEqual(outputs);
  });

  test('gives other numbers when kind, order, number or boundaries of the keys differ', () => {
    const streams: Random[] = [
      random(1),
      random(-1),
      random(2 ** 32 + 1),
      random(1, 0),
      random(1, 1),
      random(1, '1'),
      random(1, ''),
      random(1, 'ab'),
      random(1, 'a', 'b'),
      random(1, 'b', 'a'),
      random(1, 2, 3),
      random(1, 3, 2),
      random(1, -1),
      random(1, 2 ** 32 - 1),
    ];
    const firsts = streams.map((stream) => `${stream.uint32()},${stream.uint32()}`);
    expect(new Set(firsts).size).toBe(streams.length);
  });

  test('gives no two streams of 200,000 the same state', () => {
    const firsts = new Set<bigint>();
    for (let epoch = 0; epoch < 20; epoch++)
      for (let index = 0; index < 10_000; index++) firsts.add(word64(random(7, epoch, index)));
    expect(firsts.size).toBe(200_000);
  });

  test('gives uncorrelated streams to neighbouring keys', () => {
    const n = 20_000;
    const firsts = Array.from({ length: n + 1 }, (_, key) => random(3, 'augment', key).uniform() - 0.5);
    const correlation = (12 / n) * firsts.slice(1).reduce((sum, value, i) => sum + value * firsts[i]!, 0);
    expect(Math.abs(correlation)).toBeLessThan(4 / Math.sqrt(n)); // four standard deviations
  });

  test('gives uniform first numbers over neighbouring keys', () => {
    const cells = count(100_000, 16, (key) => Math.floor(random(5, key).uniform() * 16));
    expect(chiSquare(cells)).toBeLessThan(CHI_SQUARE_15);
  });

  test('refuses a seed or key that is no safe integer', () => {
    expect(() => random(0.5)).toThrow(new RangeError('random: seed and keys must be safe integers, got 0.5'));
    expect(() => random(0, 2 ** 53)).toThrow(RangeError);
    expect(() => random(0).fork(Number.NaN)).toThrow(RangeError);
  });
});

describe('fork()', () => {
  test('is the stream of all keys together, however much was drawn before', () => {
    const root = random(1, 'a');
    root.uint32();
    root.normal();
    expect(root.fork('b', 2).uint32()).toBe(random(1, 'a', 'b', 2).uint32());
  });

  test('does not advance the stream that it forks', () => {
    const [forked, plain] = [random(1), random(1)];
    forked.fork('x').uint32();
    expect(forked.uint32()).toBe(plain.uint32());
  });
});

describe('uniform()', () => {
  test('is uniform: 16 cells, and pairs on a 4 × 4 grid', () => {
    const stream = random(1);
    expect(chiSquare(count(160_000, 16, () => Math.floor(stream.uniform() * 16)))).toBeLessThan(CHI_SQUARE_15);
    const pair = () => Math.floor(stream.uniform() * 4) * 4 + Math.floor(stream.uniform() * 4);
    expect(chiSquare(count(160_000, 16, pair))).toBeLessThan(CHI_SQUARE_15);
  });

  test('is exact in float32 and below 1', () => {
    const stream = random(2);
    for (let i = 0; i < 10_000; i++) {
      const value = stream.uniform();
      expect(value >= 0 && value < 1 && Math.fround(value) === value).toBe(true);
    }
  });
});

describe('int()', () => {
  test('is uniform below a bound that is no power of two', () => {
    const stream = random(3);
    expect(chiSquare(count(140_000, 14, () => stream.int(14)))).toBeLessThan(CHI_SQUARE_15);
  });

  test('has no modulo bias: a bound of 3 · 2³⁰ hits each third equally', () => {
    const stream = random(4);
    const cells = count(48_000, 3, () => Math.floor(stream.int(3 * 2 ** 30) / 2 ** 30)); // plain modulo: half, quarter, quarter
    expect(chiSquare(cells)).toBeLessThan(CHI_SQUARE_15);
  });

  test('takes the bounds 1 and 2³²', () => {
    expect(random(5).int(1)).toBe(0);
    expect(random(5).int(2 ** 32)).toBe(random(5).uint32());
  });

  test.each([0, -1, 1.5, 2 ** 32 + 1, Number.NaN])('refuses the bound %s', (bound) => {
    expect(() => random(0).int(bound)).toThrow(
      new RangeError(`random.int: bound must be an integer in [1, 2^32], got ${bound}`),
    );
  });
});

test('normal() has the moments and tails of the normal distribution', () => {
  const n = 200_000;
  const stream = random(6);
  const values = Array.from({ length: n }, () => stream.normal());
  const moment = (power: number) => values.reduce((sum, value) => sum + value ** power, 0) / n;
  expect(moment(1)).toBeCloseTo(0, 1.9);
  expect(moment(2)).toBeCloseTo(1, 1.9);
  expect(moment(3)).toBeCloseTo(0, 1);
  expect(Math.abs(moment(4) - 3)).toBeLessThan(0.1);
  const beyond = (limit: number) => values.filter((value) => Math.abs(value) > limit).length / n;
  expect(Math.abs(beyond(1) - 0.3173)).toBeLessThan(0.005);
  expect(Math.abs(beyond(2) - 0.0455)).toBeLessThan(0.002);
});

describe('permutation()', () => {
  test('holds each number once', () => {
    expect([...random(8).permutation(1000)].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  });

  test('has each of the 24 orders of four equally often', () => {
    const stream = random(9);
    const counts = new Map<string, number>();
    for (let i = 0; i < 48_000; i++) {
      const order = stream.permutation(4).join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    expect(chiSquare([...counts.values()])).toBeLessThan(49.7); // 23 degrees of freedom, p = 0.001
  });

  test('of nothing is empty', () => {
    expect(random(0).permutation(0)).toEqual(new Int32Array());
  });
});

const CHI_SQUARE_15 = 37.7; // 15 degrees of freedom, p = 0.001

const word64 = (stream: Random): bigint => (BigInt(stream.uint32()) << 32n) | BigInt(stream.uint32());

function count(draws: number, cells: number, cell: (draw: number) => number): number[] {
  const counts = new Array<number>(cells).fill(0);
  for (let i = 0; i < draws; i++) counts[cell(i)]!++;
  return counts;
}

function chiSquare(counts: readonly number[]): number {
  const expected = counts.reduce((sum, n) => sum + n, 0) / counts.length;
  return counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
}
