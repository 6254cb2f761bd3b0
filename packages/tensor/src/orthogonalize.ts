import { add, div, matMul, maximum, mul, sqrt, square, sum, type Tensor, type Tensor2D } from '@tensorflow/tfjs-core';
import { checkFloat } from './check.ts';
import { type Kernel, run } from './kernel.ts';
import * as own from './own/orthogonalize.ts';

/**
 * A matrix near to the orthogonal one that is nearest to `x`, `U · Vᵀ` for `x = U · Σ · Vᵀ`: what Muon makes of a gradient.
 *
 * Newton and Schulz's iteration `X ← 3.4445 · X + (-4.775 · S + 2.0315 · S²) · X` with `S = X · Xᵀ`, from `x / ‖x‖`. After five steps the
 * singular values lie between about 0.7 and 1.2, but for those that were below a thousandth of the largest.
 *
 * @param x `[rows, columns]`.
 * @returns Its shape.
 * @throws {RangeError} if `x` is no matrix or `steps` no positive integer.
 * Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/
 */
export function orthogonalize(x: Tensor2D, { steps = 5 }: { steps?: number } = {}): Tensor2D {
  checkFloat('orthogonalize: x', x);
  if (x.rank !== 2) throw new RangeError(`orthogonalize: x must be [rows, columns], got [${x.shape}]`);
  if (!(Number.isInteger(steps) && steps > 0))
    throw new RangeError(`orthogonalize: steps must be a positive integer, got ${steps}`);
  return run(orthogonalizeKernel, { x }, { steps }) as Tensor2D;
}

const orthogonalizeKernel: Kernel<{ x: Tensor2D }, { steps: number }> = {
  name: 'ImgclsOrthogonalize',
  composed({ x }, { steps }) {
    const isTall = x.shape[0] > x.shape[1];
    let now: Tensor = div(x, maximum(sqrt(sum(square(x))), 1e-7));
    for (let step = 0; step < steps; step++) {
      const s = matMul(now, now, isTall, !isTall); // of the shorter side
      const polynomial = add(mul(s, -4.775), mul(matMul(s, s), 2.0315));
      now = add(mul(now, 3.4445), isTall ? matMul(now, polynomial) : matMul(polynomial, now));
    }
    return now;
  },
  own: own.orthogonal,
};
