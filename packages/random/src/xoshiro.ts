/** The four words of a generator's state; not all zero. */
export type State = readonly [number, number, number, number];

/**
 * xoshiro128**: a generator of uniform 32-bit integers with period 2¹²⁸ - 1.
 *
 * @returns A function that gives the next integer in `[0, 2³²)`.
 *
 * Blackman and Vigna 2021, https://prng.di.unimi.it/xoshiro128starstar.c
 */
export function xoshiro128(state: State): () => number {
  let a = state[0];
  let b = state[1];
  let c = state[2];
  let d = state[3];
  return () => {
    const result = Math.imul(rotl(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotl(d, 11);
    return result;
  };
}

const rotl = (word: number, by: number): number => (word << by) | (word >>> (32 - by));
