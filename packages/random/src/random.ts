import { EMPTY, type Hash, type Key, mixKey, toState } from './hash.ts';
import { xoshiro128 } from './xoshiro.ts';

export type { Key };

/** A stream of random numbers that a seed and keys determine completely. */
export interface Random {
  /** An integer, uniform in `[0, 2³²)`. */
  uint32(): number;
  /** A float with 24 random bits, uniform in `[0, 1)`: exact in float32 too. */
  uniform(): number;
  /** An integer, uniform in `[0, bound)`, without modulo bias. `bound` is at most 2³². */
  int(bound: number): number;
  /** A normally distributed float of mean 0 and variance 1. */
  normal(): number;
  /** The numbers `0 … length - 1` in a uniformly random order. */
  permutation(length: number): Int32Array;
  /** An independent stream, named by keys; does not advance this one. The same keys name the same stream. */
  fork(...keys: Key[]): Random;
}

/**
 * The stream that belongs to a seed and keys.
 *
 * Randomness that is keyed by what it is for (`random(seed, 'augment', epoch, index)`) does not depend on who draws first:
 * any number of workers, in any order, draw the same.
 *
 * @param seed An integer.
 * @param keys Integers or strings that name the stream.
 * @throws {RangeError} if the seed or a numeric key is not a safe integer.
 * @example
 * ```ts
 * import { random } from '@imgcls/random';
 *
 * const shuffle = random(1, 'shuffle', 0).permutation(4); // the order of epoch 0
 * console.log(shuffle.length); // => 4
 * ```
 * The generator is xoshiro128**, started from a 64-bit hash of seed and keys.
 */
export function random(seed: number, ...keys: Key[]): Random {
  return new Stream([seed, ...keys].reduce(mixKey, EMPTY));
}

/** A class, as there is one for every image of every epoch: methods on a prototype cost nothing to make. */
class Stream implements Random {
  readonly #hash: Hash;
  readonly #next: () => number;
  #spare: number | undefined;

  constructor(hash: Hash) {
    this.#hash = hash;
    this.#next = xoshiro128(toState(hash));
  }

  uint32(): number {
    return this.#next();
  }

  uniform(): number {
    return (this.#next() >>> 8) / 0x1000000;
  }

  int(bound: number): number {
    if (!(Number.isInteger(bound) && bound >= 1 && bound <= 2 ** 32))
      throw new RangeError(`random.int: bound must be an integer in [1, 2^32], got ${bound}`);
    const divisor = bound >>> 0; // as a 32-bit word, like all below: the remainder of floats is slow
    let drawn = this.#next();
    if (divisor === 0) return drawn; // 2³²
    const limit = 2 ** 32 - ((-divisor >>> 0) % divisor); // the largest multiple of bound: what lies above is drawn again
    while (drawn >= limit) drawn = this.#next();
    return (drawn >>> 0) % divisor;
  }

  normal(): number {
    if (this.#spare !== undefined) {
      const value = this.#spare;
      this.#spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform())); // Box-Muller: 1 - uniform() lies in (0, 1]
    const angle = 2 * Math.PI * this.uniform();
    this.#spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  permutation(length: number): Int32Array {
    const order = Int32Array.from({ length }, (_, i) => i);
    for (let i = length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      const moved = order[i]!;
      order[i] = order[j]!; // Fisher-Yates
      order[j] = moved;
    }
    return order;
  }

  fork(...keys: Key[]): Random {
    return new Stream(keys.reduce(mixKey, this.#hash));
  }
}
