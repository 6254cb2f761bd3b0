import { reshape, add as stockAdd, mul as stockMul, sum, type Tensor } from '@tensorflow/tfjs-core';
import { channelSum } from './channel-sum.ts';
import { checkFloat } from './check.ts';
import { type Gradient, type Kernel, run } from './kernel.ts';
import * as own from './own/arithmetic.ts';

/**
 * `a + b`, as in a residual connection; lengths of 1 are repeated (NumPy's broadcasting).
 *
 * @throws {RangeError} if the shapes cannot be broadcast.
 */
export function add<T extends Tensor>(a: T, b: Tensor): T {
  checkBroadcast('add', a, b);
  return run(addKernel, { a, b }, { shapes: [a.shape, b.shape] }) as T;
}

/**
 * `a · b`, value by value; lengths of 1 are repeated (NumPy's broadcasting).
 *
 * @throws {RangeError} if the shapes cannot be broadcast.
 */
export function mul<T extends Tensor>(a: T, b: Tensor): T {
  checkBroadcast('mul', a, b);
  return run(mulKernel, { a, b }, {}) as T;
}

/** `factor · x`. */
export function scale<T extends Tensor>(x: T, factor: number): T {
  checkFloat('scale: x', x);
  return run(scaleKernel, { x }, { factor }) as T;
}

type Two = { a: Tensor; b: Tensor };
type AddAttributes = { shapes: readonly [readonly number[], readonly number[]] };

const addKernel: Kernel<Two, AddAttributes> = {
  name: 'ImgclsAdd',
  composed: ({ a, b }) => stockAdd(a, b),
  own: own.add,
};

export const addGradient: Gradient<Two, AddAttributes, never> = {
  kernel: addKernel,
  saves: [],
  backward: (dy, _, { shapes }) => ({ a: () => sumTo(dy, shapes[0]), b: () => sumTo(dy, shapes[1]) }),
};

const mulKernel: Kernel<Two, Record<never, never>> = {
  name: 'ImgclsMul',
  composed: ({ a, b }) => stockMul(a, b),
};

export const mulGradient: Gradient<Two, Record<never, never>, 'a' | 'b'> = {
  kernel: mulKernel,
  saves: ['a', 'b'],
  backward: (dy, { a, b }) => ({ a: () => sumTo(stockMul(dy, b), a.shape), b: () => sumTo(stockMul(dy, a), b.shape) }),
};

const scaleKernel: Kernel<{ x: Tensor }, { factor: number }> = {
  name: 'ImgclsScale',
  composed: ({ x }, { factor }) => stockMul(x, factor),
};

export const scaleGradient: Gradient<{ x: Tensor }, { factor: number }, never> = {
  kernel: scaleKernel,
  saves: [],
  backward: (dy, _, { factor }) => ({ x: () => stockMul(dy, factor) }),
};

/** The sum over the axes along which a tensor of this shape was repeated. */
function sumTo(dy: Tensor, shape: readonly number[]): Tensor {
  const missing = dy.rank - shape.length;
  const axes = dy.shape.flatMap((length, axis) =>
    axis < missing || (shape[axis - missing] === 1 && length > 1) ? [axis] : [],
  );
  if (axes.length === 0) return reshape(dy, [...shape]); // a tensor of its own: what two gradients share must not be disposed by one
  const allButLast = axes.length === dy.rank - 1 && !axes.includes(dy.rank - 1);
  return reshape(allButLast ? channelSum(dy) : sum(dy, axes), [...shape]);
}

function checkBroadcast(where: string, a: Tensor, b: Tensor): void {
  checkFloat(`${where}: a`, a);
  checkFloat(`${where}: b`, b);
  for (let i = 1; i <= Math.min(a.rank, b.rank); i++) {
    const [left, right] = [a.shape.at(-i), b.shape.at(-i)];
    if (left !== right && left !== 1 && right !== 1)
      throw new RangeError(
        `${where}: shapes must be equal or 1 from the last axis on, got [${a.shape}] and [${b.shape}]`,
      );
  }
}
