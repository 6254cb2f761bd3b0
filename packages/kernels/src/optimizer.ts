import { binary, fill } from './elementwise.ts';
import type { Kernels } from './kernels.ts';
import { matmul } from './matmul.ts';
import type { Block } from './memory.ts';

/** A parameter of a model and its gradient: float32. What an optimizer remembers of it has the same size, and is all zeros at first. */
export interface Parameter {
  readonly size: number;
  readonly value: Block;
  readonly gradient: Block;
}

export interface SgdNumbers {
  learningRate: number;
  momentum: number;
  /** How much of the gradient the velocity leaves out; PyTorch takes 0 for the first step, whatever comes later. */
  dampening: number;
  nesterov: boolean;
  weightDecay: number;
}

export interface AdamNumbers {
  learningRate: number;
  /** How many updates there have been, this one included: 1 at first. */
  step: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
}

export interface RmspropNumbers {
  learningRate: number;
  alpha: number;
  momentum: number;
  epsilon: number;
  weightDecay: number;
}

export interface Moments {
  readonly firstMoment: Block;
  readonly secondMoment: Block;
}

/**
 * `g ← g + weightDecay · p`, `v ← momentum · v + (1 - dampening) · g`, `p ← p - learningRate · (nesterov ? g + momentum · v : v)`.
 *
 * @param parameters With a velocity if there is momentum; else `p ← p - learningRate · g`.
 */
export function sgdUpdate(
  kernels: Kernels,
  numbers: SgdNumbers,
  parameters: readonly (Parameter & { readonly velocity?: Block })[],
): void {
  const { learningRate, momentum, dampening, nesterov, weightDecay } = numbers;
  const hasVelocity = momentum !== 0;
  update(
    kernels,
    ['sgd_update', learningRate, weightDecay, momentum, 1 - dampening, nesterov, hasVelocity],
    parameters,
    ({ velocity }) => (hasVelocity ? [velocity!] : []),
  );
}

/**
 * `g ← g + weightDecay · p`, `m ← β₁m + (1-β₁)g`, `v ← β₂v + (1-β₂)g²`, `p ← p - learningRate · m̂ / (√v̂ + epsilon)` with
 * `m̂ = m / (1-β₁ᵗ)`, `v̂ = v / (1-β₂ᵗ)`; decoupled (AdamW), `p ← p · (1 - learningRate · weightDecay)` in place of the first.
 */
export function adamUpdate(
  kernels: Kernels,
  numbers: AdamNumbers & { decoupled: boolean },
  parameters: readonly (Parameter & Moments)[],
): void {
  const { learningRate, weightDecay, decoupled } = numbers;
  const values = [learningRate, weightDecay, decoupled, ...momentNumbers(numbers)];
  update(kernels, ['adam_update', ...values], parameters, momentsOf);
}

/** `g ← g + weightDecay · p`, `s ← alpha · s + (1-alpha) · g²`, `v ← momentum · v + g / (√s + epsilon)`, `p ← p - learningRate · v`. */
export function rmspropUpdate(
  kernels: Kernels,
  { learningRate, weightDecay, alpha, epsilon, momentum }: RmspropNumbers,
  parameters: readonly (Parameter & { readonly meanSquare: Block; readonly velocity?: Block })[],
): void {
  const hasVelocity = momentum !== 0;
  update(
    kernels,
    ['rmsprop_update', learningRate, weightDecay, alpha, 1 - alpha, epsilon, momentum, hasVelocity],
    parameters,
    ({ meanSquare, velocity }) => (hasVelocity ? [meanSquare, velocity!] : [meanSquare]),
  );
}

/**
 * Adam's step and decoupled weight decay, `u = m̂ / (√v̂ + epsilon) + weightDecay · p`, as long as the parameter is:
 * `p ← p - learningRate · ‖p‖/‖u‖ · u` (or just `u` where a norm is 0).
 *
 * You et al. 2020, https://arxiv.org/abs/1904.00962
 */
export function lambUpdate(kernels: Kernels, numbers: AdamNumbers, parameters: readonly (Parameter & Moments)[]): void {
  const values = [numbers.learningRate, numbers.weightDecay, ...momentNumbers(numbers)];
  update(kernels, ['lamb_update', ...values], parameters, momentsOf);
}

/** `average ← average + (1 - decay) · (value - average)`: the exponential moving average of parameters. */
export function averageUpdate(
  kernels: Kernels,
  decay: number,
  parameters: readonly { readonly size: number; readonly average: Block; readonly value: Block }[],
): void {
  inParts(parameters, (part) =>
    kernels.call(
      'average_update',
      1 - decay,
      part.length,
      ...part.flatMap(({ size, average, value }) => [size, average, value]),
    ),
  );
}

/** Values of one gradient. */
export interface Gradient {
  readonly size: number;
  readonly block: Block;
}

/** The norm of all gradients together, one float32: right to the last bits, and the same for any number of threads. */
export function globalNorm(kernels: Kernels, gradients: readonly Gradient[], norm: Block): void {
  kernels.call('global_norm', norm, gradients.length, ...gradients.flatMap(({ size, block }) => [size, block]));
}

/**
 * Scales all gradients so that their norm together is `most`, if it is more. As PyTorch's `clip_grad_norm_`, by `most / (norm + 1e-6)`.
 *
 * @param gradients With the block of what becomes of each, which may be its own.
 * @param norm One float32, which tells what the norm was.
 */
export function clipByGlobalNorm(
  kernels: Kernels,
  most: number,
  gradients: readonly (Gradient & { readonly clipped: Block })[],
  norm: Block,
): void {
  kernels.call(
    'clip_by_global_norm',
    most,
    norm,
    gradients.length,
    ...gradients.flatMap(({ size, block, clipped }) => [size, clipped, block]),
  );
}

/**
 * Near to the orthogonal matrix that is nearest to `x`, by Newton and Schulz's iteration with the coefficients of Muon: singular values end
 * up between about 0.7 and 1.2.
 *
 * Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/
 *
 * @param y Float32 `[rows, columns]` as `x`, and not the same.
 */
export function orthogonalize(
  kernels: Kernels,
  { rows, columns, steps = 5 }: { rows: number; columns: number; steps?: number },
  { x, y }: { x: Block; y: Block },
): void {
  const size = rows * columns;
  const [wide, m] = [rows <= columns, Math.min(rows, columns)];
  const float32 = (block: Block) => ({ block, storage: 'float32' as const });
  const scratch = (count: number) => float32(kernels.memory.allocate(4 * count));
  const [other, square, polynomial, number] = [scratch(size), scratch(m * m), scratch(m * m), scratch(1)];
  const scaled = (factor: number, from: typeof other, count: number, to: typeof other): void => {
    fill(kernels, 1, factor, number);
    binary(kernels, 'mul', { a: [count], b: [] }, { a: from, b: number, y: to });
  };

  globalNorm(kernels, [{ size, block: x }], number.block);
  const least = square; // until the first product
  fill(kernels, 1, 1e-7, least);
  binary(kernels, 'maximum', { a: [], b: [] }, { a: number, b: least, y: number });
  let [now, next] = steps % 2 === 0 ? [float32(y), other] : [other, float32(y)];
  binary(kernels, 'div', { a: [size], b: [] }, { a: float32(x), b: number, y: now });

  const [a, b, c] = [3.4445, -4.775, 2.0315];
  for (let step = 0; step < steps; step++) {
    // X ← a·X + (b·S + c·S²)·X with S = X·Xᵀ; the mirror image, X·(b·S + c·S²) with S = Xᵀ·X, of a tall X
    const [left, right] = [
      { ...now, transposed: !wide },
      { ...now, transposed: wide },
    ];
    matmul(kernels, { m, n: m, k: size / m }, { a: left, b: right, y: square });
    scaled(b, square, m * m, polynomial);
    matmul(kernels, { m, n: m, k: m }, { a: square, b: square, y: polynomial, scale: c, residual: polynomial.block });
    scaled(a, now, size, next);
    const factors = wide ? { a: polynomial, b: now } : { a: now, b: polynomial };
    matmul(kernels, { m: rows, n: columns, k: m }, { ...factors, y: next, residual: next.block });
    [now, next] = [next, now];
  }
  for (const { block } of [other, square, polynomial, number]) kernels.memory.release(block);
}

const momentNumbers = ({ step, beta1, beta2, epsilon }: AdamNumbers): number[] => [
  beta1,
  beta2,
  1 - beta1,
  1 - beta2,
  1 / (1 - beta1 ** step),
  1 / Math.sqrt(1 - beta2 ** step),
  epsilon,
];

const momentsOf = ({ firstMoment, secondMoment }: Moments): Block[] => [firstMoment, secondMoment];

function update<P extends Parameter>(
  kernels: Kernels,
  [name, ...numbers]: readonly [string, ...(number | boolean)[]],
  parameters: readonly P[],
  state: (parameter: P) => Block[],
): void {
  inParts(parameters, (part) =>
    kernels.call(
      name,
      ...numbers,
      part.length,
      ...part.flatMap((each) => [each.size, each.value, each.gradient, ...state(each)]),
    ),
  );
}

/** A call has room for so many parameters. */
const partLength = 512;

function inParts<T>(all: readonly T[], call: (part: readonly T[]) => void): void {
  for (let i = 0; i < all.length; i += partLength) call(all.slice(i, i + partLength));
}
