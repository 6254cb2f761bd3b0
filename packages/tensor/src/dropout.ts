import type { Dropout } from '@imgcls/kernels';
import type { Random } from '@imgcls/random';
import { clone, mul, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { checkFloat } from './check.ts';
import { type Gradient, type Kernel, run } from './kernel.ts';
import * as own from './own/dropout.ts';
import { ownBackend } from './own-backend.ts';

export interface DropoutOptions {
  /** The probability that a value becomes 0, in `[0, 1)`. */
  rate: number;
  /** Where the choice comes from: two numbers are drawn from it, and the same stream drops the same values on every backend. */
  random: Random;
}

/**
 * Sets values to 0 at random and multiplies the others by `1 / (1 - rate)`, which keeps the mean: for training only.
 *
 * @returns The shape of `x`.
 * @throws {RangeError} if `rate` is outside `[0, 1)`.
 * @example
 * ```ts
 * import { random } from '@imgcls/random';
 * import { dropout, useBackend } from '@imgcls/tensor';
 * import { ones } from '@tensorflow/tfjs-core';
 *
 * await useBackend('cpu');
 * const y = dropout(ones([1000]), { rate: 0.5, random: random(1) });
 * console.log(Array.from(new Set(y.dataSync())).sort()); // => [ 0, 2 ]
 * ```
 * Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html
 */
export function dropout<T extends Tensor>(x: T, { rate, random }: DropoutOptions): T {
  checkFloat('dropout: x', x);
  if (!(rate >= 0 && rate < 1)) throw new RangeError(`dropout: rate must lie in [0, 1), got ${rate}`);
  if (rate === 0) return clone(x);
  return run(dropoutKernel, { x }, { rate, key: [word(random), word(random)] }) as T;
}

/** A word drawn now, and once more whenever what is computed now is recorded and computed again. */
function word(random: Random): Dropout['key'][0] {
  const next = () => random.uint32();
  return ownBackend()?.kernels.draw(next) ?? next();
}

const dropoutKernel: Kernel<{ x: Tensor }, Dropout> = {
  name: 'ImgclsDropout',
  composed: ({ x }, choice) => mul(x, tensor(factors(x.size, choice), x.shape)),
  own: own.dropped,
};

export const dropoutGradient: Gradient<{ x: Tensor }, Dropout, never> = {
  kernel: dropoutKernel,
  saves: [],
  backward: (dy, _, choice) => ({ x: () => run(dropoutKernel, { x: dy }, choice) }), // the same values, told from the same key
};

/** What each value is multiplied by, as the kernel of `@imgcls/kernels` says: 24 bits of its index, hashed under a key. */
function factors(size: number, { rate, key }: Dropout): Float32Array {
  const [first, second] = key.map(Number) as [number, number];
  const kept = Math.fround(1 / (1 - rate));
  const dropped = Math.ceil(rate * 2 ** 24);
  return Float32Array.from({ length: size }, (_, i) =>
    scramble(scramble(i ^ first) ^ second) >>> 8 < dropped ? 0 : kept,
  );
}

/** The finalizer of MurmurHash3. */
function scramble(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
