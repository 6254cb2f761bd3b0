import { dropout as drop, mul } from '@imgcls/tensor';
import { fill } from '@tensorflow/tfjs-core';
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

/**
 * In training, sets each example to zero with probability `rate` and divides the others by `1 - rate`; else does nothing. On
 * the branch of a residual block it leaves the block out for these examples.
 *
 * @param rate In `[0, 1)`.
 * @throws {RangeError} if `rate` is outside.
 *
 * Huang et al. 2016, https://arxiv.org/abs/1603.09382; torchvision's `StochasticDepth` in mode `row`
 */
export function stochasticDepth(rate: number): Module {
  if (!(rate >= 0 && rate < 1)) throw new RangeError(`stochasticDepth: rate must be in [0, 1), got ${rate}`);
  return module(
    {},
    (_, x) => {
      const random = trainingRandom();
      if (!random || rate === 0) return x;
      const each = [x.shape[0]!, ...x.shape.slice(1).fill(1)];
      return mul(x, drop(fill(each, 1), { rate, random }));
    },
    describe('stochasticDepth', [rate]),
  );
}
