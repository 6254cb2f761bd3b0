import { type Buffer, isBf16 } from './buffer.ts';
import type { Kernels } from './kernels.ts';
import type { Drawn } from './program.ts';

/** What is dropped: the same for the same numbers, on every carrier. */
export interface Dropout {
  /** The probability that a value becomes 0, in `[0, 1)`. */
  readonly rate: number;
  /** Two words of 32 bits that name the choice. */
  readonly key: readonly [number | Drawn, number | Drawn];
}

/**
 * `y = x · factor` for values that are kept, `x · 0` for the others; with `dy` in place of `x` its gradient. `y` may be `x`.
 *
 * The i-th value is kept if `(scramble(scramble(i ^ key[0]) ^ key[1]) >>> 8) / 2²⁴` is at least the rate, `scramble` being the finalizer of
 * MurmurHash3, and `factor = 1 / (1 - rate)`.
 */
export function dropout(
  kernels: Kernels,
  size: number,
  { rate, key }: Dropout,
  { x, y }: { x: Buffer; y: Buffer },
): void {
  const dropped = Math.ceil(rate * 2 ** 24);
  kernels.call('dropout', isBf16(x), key[0], key[1], dropped, 1 / (1 - rate), size, x.block, y.block);
}
