import { describe, expect, it } from 'vitest';
import { dropout } from './dropout.ts';
import type { Kernels } from './kernels.ts';
import { get, normals, put, rounded } from './test/buffers.ts';
import { everyCarrier } from './test/carriers.ts';

const key = [0xdeadbeef, 12345] as const;

describe.each(await everyCarrier())('$name', ({ kernels }) => {
  it.each(['float32', 'bf16'] as const)('dropout() of %s drops what its definition says', (storage) => {
    const values = normals(40_003, 'dropout').map((value) => rounded(value, storage));
    const factor = Math.fround(1 / 0.7);
    const expected = values.map((value, i) =>
      rounded(isKept(i, 0.3) ? Math.fround(value * factor) : 0 * value, storage),
    );
    expect(run(kernels, values, 0.3, storage)).toEqual(expected);
  });

  it.each([1, 15, 16, 17])('dropout() takes %d values', (length) => {
    const expected = Float64Array.from({ length }, (_, i) => (isKept(i, 0.5) ? 2 : 0));
    expect(run(kernels, new Float64Array(length).fill(1), 0.5)).toEqual(expected);
  });

  it('dropout() at rate 0 drops nothing', () => {
    expect(run(kernels, new Float64Array(1000).fill(3), 0)).toEqual(new Float64Array(1000).fill(3));
  });

  it('NaN stays, wherever it is', () => {
    expect(run(kernels, new Float64Array(100).fill(Number.NaN), 0.5).every(Number.isNaN)).toBe(true);
  });
});

/** MurmurHash3's finalizer twice, in integers of any length. */
function isKept(i: number, rate: number): boolean {
  const mask = 0xffffffffn;
  const scramble = (word: bigint): bigint => {
    let h = word;
    h = ((h ^ (h >> 16n)) * 0x85ebca6bn) & mask;
    h = ((h ^ (h >> 13n)) * 0xc2b2ae35n) & mask;
    return h ^ (h >> 16n);
  };
  return Number(scramble(scramble(BigInt(i) ^ BigInt(key[0])) ^ BigInt(key[1])) >> 8n) / 2 ** 24 >= rate;
}

function run(kernels: Kernels, values: Float64Array, rate: number, storage: 'float32' | 'bf16' = 'float32') {
  const [x, y] = [put(kernels, values, storage), put(kernels, new Float64Array(values.length), storage)];
  dropout(kernels, values.length, { rate, key }, { x, y });
  const result = get(kernels, y, values.length);
  for (const { block } of [x, y]) kernels.memory.release(block);
  return result;
}
