import { type Buffer, isBf16 } from './buffer.ts';
import type { Kernels } from './kernels.ts';

/** Activations, in the order in which the kernels number them. */
export const activations = [
  'none',
  'relu',
  'relu6',
  'leakyRelu',
  'elu',
  'gelu',
  'silu',
  'sigmoid',
  'tanh',
  'hardSigmoid',
  'hardSwish',
] as const;

export type ActivationName = (typeof activations)[number];

/** What is done to each value after a layer. */
export interface Activation {
  /** Without it, nothing. */
  readonly activation?: ActivationName;
  /** What `leakyRelu` multiplies negative values by. */
  readonly slope?: number;
}

/** The number and the slope that kernels take. */
export const activationArguments = ({ activation = 'none', slope = 0 }: Activation): [number, number] => [
  activations.indexOf(activation),
  slope,
];

/** `y = f(x)`, element by element; `y` may be `x`. Both are stored alike. */
export function activation(kernels: Kernels, size: number, f: Activation, { x, y }: { x: Buffer; y: Buffer }): void {
  kernels.call('activation', isBf16(x), ...activationArguments(f), size, x.block, y.block);
}

/**
 * `dx = dy · f′`, element by element; `dx` may be `dy`. All are stored alike.
 *
 * @param saved What the derivative is told from: `y` for relu, elu, sigmoid and tanh, `x` for the others.
 */
export function activationGradient(
  kernels: Kernels,
  size: number,
  f: Activation,
  { dy, saved, dx }: { dy: Buffer; saved: Buffer; dx: Buffer },
): void {
  kernels.call('activation_gradient', isBf16(dy), ...activationArguments(f), size, dy.block, saved.block, dx.block);
}
