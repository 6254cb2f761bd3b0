import { dropout as drop } from '@imgcls/tensor';
import { describe } from './inspect.ts';
import { type Module, module } from './module.ts';
import { trainingRandom } from './scope.ts';

/**
 * In training, sets each value to zero with probability `rate` and divides the others by `1 - rate`; else does nothing.
 *
 * @param rate In `[0, 1)`.
 * @throws {RangeError} if `rate` is outside.
 *
 * Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html
 */
export function dropout(rate: number): Module {
  if (!(rate >= 0 && rate < 1)) throw new RangeError(`dropout: rate must be in [0, 1), got ${rate}`);
  return module(
    {},
    (_, x) => {
      const random = trainingRandom();
      return random && rate > 0 ? drop(x, { rate, random }) : x;
    },
    describe('dropout', [rate]),
  );
}
