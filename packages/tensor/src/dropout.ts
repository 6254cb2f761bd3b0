import type { Random } from '@imgcls/random';
import { clone, type Tensor, tensor, tidy } from '@tensorflow/tfjs-core';
import { mul } from './arithmetic.ts';
import { checkFloat } from './check.ts';

export interface DropoutOptions {
  /** The probability that a value becomes 0, in `[0, 1)`. */
  rate: number;
  /** Where the choice comes from: one number is drawn per value, so the same stream drops the same values on every backend. */
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
  const kept = Math.fround(1 / (1 - rate));
  const mask = Float32Array.from({ length: x.size }, () => (random.uniform() < rate ? 0 : kept));
  return tidy(() => mul(x, tensor(mask, x.shape)));
}
