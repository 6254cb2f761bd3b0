import {
  add,
  addN,
  div,
  greater,
  minimum,
  mul,
  reshape,
  type Scalar,
  scalar,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  tidy,
  type Variable,
  where,
} from '@tensorflow/tfjs-core';
import { type Inputs, type Kernel, run } from './kernel.ts';
import { orthogonalize } from './orthogonalize.ts';
import * as own from './own/optimizer.ts';

export interface SgdOptions {
  learningRate: number;
  momentum?: number;
  /** Looks ahead along the velocity. */
  nesterov?: boolean;
  /** Added to the gradient, times the parameter (L2 regularization). */
  weightDecay?: number;
}

export interface AdamOptions {
  learningRate: number;
  /** How many updates there have been, this one included: 1 at first. */
  step: number;
  beta1?: number;
  beta2?: number;
  epsilon?: number;
  /** `adamUpdate` adds it to the gradient, times the parameter; `adamWUpdate` shrinks the parameter by `learningRate · weightDecay`. */
  weightDecay?: number;
}

export interface RmspropOptions {
  learningRate: number;
  /** How much of the mean square is kept. */
  alpha?: number;
  momentum?: number;
  epsilon?: number;
  weightDecay?: number;
}

/** What Adam remembers of each parameter, in its shape, zeros at first. */
export interface AdamState {
  firstMoment: readonly Variable[];
  secondMoment: readonly Variable[];
}

/**
 * One step of stochastic gradient descent on many parameters, in place. PyTorch's `SGD` (without dampening).
 *
 * `g ← g + weightDecay · p`, `v ← momentum · v + g`, `p ← p - learningRate · (nesterov ? g + momentum · v : v)`.
 *
 * @param gradients One for each parameter, in its shape.
 * @param state `velocity`: in the parameters' shapes, zeros at first; needed if there is momentum.
 * @throws {RangeError} if lengths or shapes differ.
 */
export function sgdUpdate(
  parameters: readonly Variable[],
  gradients: readonly Tensor[],
  { velocity = [] }: { velocity?: readonly Variable[] },
  { learningRate, momentum = 0, nesterov = false, weightDecay = 0 }: SgdOptions,
): void {
  const lists = momentum === 0 ? { parameters, gradients } : { parameters, gradients, velocity };
  update('sgdUpdate', sgdKernel, lists, { learningRate, momentum, nesterov, weightDecay });
}

/**
 * One step of Adam on many parameters, in place. PyTorch's `Adam`.
 *
 * `m ← β₁m + (1-β₁)g`, `v ← β₂v + (1-β₂)g²`, `p ← p - learningRate · m̂ / (√v̂ + epsilon)` with `m̂ = m / (1-β₁ᵗ)`, `v̂ = v / (1-β₂ᵗ)`.
 *
 * @throws {RangeError} if lengths or shapes differ.
 * Kingma and Ba 2015, https://arxiv.org/abs/1412.6980
 */
export function adamUpdate(
  parameters: readonly Variable[],
  gradients: readonly Tensor[],
  state: AdamState,
  options: AdamOptions,
): void {
  update(
    'adamUpdate',
    adamKernel,
    { parameters, gradients, ...state },
    { ...adamDefaults, ...options, decoupled: false },
  );
}

/**
 * One step of Adam with decoupled weight decay on many parameters, in place. PyTorch's `AdamW`.
 *
 * `p ← p · (1 - learningRate · weightDecay)`, then as `adamUpdate` without weight decay.
 *
 * @throws {RangeError} if lengths or shapes differ.
 * Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101
 */
export function adamWUpdate(
  parameters: readonly Variable[],
  gradients: readonly Tensor[],
  state: AdamState,
  options: AdamOptions,
): void {
  update(
    'adamWUpdate',
    adamKernel,
    { parameters, gradients, ...state },
    { ...adamDefaults, ...options, decoupled: true },
  );
}

/**
 * One step of RMSprop on many parameters, in place. PyTorch's `RMSprop` (not centred).
 *
 * `s ← alpha · s + (1-alpha) · g²`, `v ← momentum · v + g / (√s + epsilon)`, `p ← p - learningRate · v`.
 *
 * @param state `meanSquare` and, if there is momentum, `velocity`: in the parameters' shapes, zeros at first.
 * @throws {RangeError} if lengths or shapes differ.
 * Hinton 2012, https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf
 */
export function rmspropUpdate(
  parameters: readonly Variable[],
  gradients: readonly Tensor[],
  { meanSquare, velocity = [] }: { meanSquare: readonly Variable[]; velocity?: readonly Variable[] },
  { learningRate, alpha = 0.99, momentum = 0, epsilon = 1e-8, weightDecay = 0 }: RmspropOptions,
): void {
  const lists = { parameters, gradients, meanSquare };
  const attributes = { learningRate, alpha, momentum, epsilon, weightDecay };
  update('rmspropUpdate', rmspropKernel, momentum === 0 ? lists : { ...lists, velocity }, attributes);
}

/**
 * One step of LAMB on many parameters, in place: AdamW's step, made as long as the parameter is.
 *
 * `u = m̂ / (√v̂ + epsilon) + weightDecay · p` with Adam's moments, `p ← p - learningRate · ‖p‖ / ‖u‖ · u`, or just `u` where a norm is 0.
 *
 * @throws {RangeError} if lengths or shapes differ.
 * You et al. 2020, https://arxiv.org/abs/1904.00962
 */
export function lambUpdate(
  parameters: readonly Variable[],
  gradients: readonly Tensor[],
  state: AdamState,
  options: AdamOptions,
): void {
  update('lambUpdate', lambKernel, { parameters, gradients, ...state }, { ...adamDefaults, epsilon: 1e-6, ...options });
}

export interface MuonOptions {
  learningRate: number;
  momentum?: number;
  /** Looks ahead along the momentum. */
  nesterov?: boolean;
  /** Shrinks the parameter by `learningRate · weightDecay`. */
  weightDecay?: number;
}

/**
 * One step of Muon on matrices and filters, in place. PyTorch's `Muon` (which computes in bfloat16), with filters as matrices of one column
 * for each output channel.
 *
 * `v ← momentum · v + (1 - momentum) · g`, `u = orthogonalize(g + momentum · (v - g))` (without `nesterov`: of `v`),
 * `p ← p · (1 - learningRate · weightDecay) - learningRate · √max(1, columns / rows) · u`.
 *
 * @param parameters `[…window, in, out]`.
 * @param state `velocity`: in the parameters' shapes, zeros at first.
 * @throws {RangeError} if lengths or shapes differ, or a parameter has fewer than two axes.
 * Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/
 */
export function muonUpdate(
  parameters: readonly Variable[],
  gradients: readonly Tensor[],
  { velocity }: { velocity: readonly Variable[] },
  { learningRate, momentum = 0.95, nesterov = true, weightDecay = 0.1 }: MuonOptions,
): void {
  const vector = parameters.find(({ rank }) => rank < 2);
  if (vector)
    throw new RangeError(
      `muonUpdate: parameters must have at least two axes, got [${vector.shape}]; use another optimizer for it`,
    );
  for (const [name, list] of Object.entries({ gradients, velocity }))
    checkShapes(`muonUpdate: ${name}`, list, parameters);
  averageUpdate(velocity, gradients, momentum);
  tidy(() => {
    const changes = parameters.map((parameter, i) => {
      const [g, v] = [gradients[i]!, velocity[i]!];
      return orthogonalized(nesterov ? add(g, mul(sub(v, g), momentum)) : v, parameter.shape);
    });
    sgdUpdate(parameters, changes, {}, { learningRate, weightDecay });
  });
}

/** `√max(1, columns / rows)` times the orthogonal matrix, so that outputs change alike whatever the shape. */
const orthogonalized = (direction: Tensor, shape: readonly number[]): Tensor =>
  tidy(() => {
    const matrix = reshape(direction, [-1, shape.at(-1)!]) as Tensor2D;
    const scale = Math.sqrt(Math.max(1, matrix.shape[1] / matrix.shape[0]));
    return reshape(mul(orthogonalize(matrix), scale), [...shape]);
  });

/**
 * Moves averages towards values, in place: `average ← decay · average + (1 - decay) · value`, the exponential moving average of parameters.
 *
 * @throws {RangeError} if lengths or shapes differ, or `decay` is outside `[0, 1]`.
 * Polyak and Juditsky 1992, https://doi.org/10.1137/0330046
 */
export function averageUpdate(averages: readonly Variable[], values: readonly Tensor[], decay: number): void {
  if (!(decay >= 0 && decay <= 1)) throw new RangeError(`averageUpdate: decay must lie in [0, 1], got ${decay}`);
  update('averageUpdate', averageKernel, { averages, values }, { decay });
}

/**
 * Gradients whose norm together is at most `maxNorm`: all scaled by `maxNorm / (norm + 1e-6)` if that is below 1. PyTorch's
 * `clip_grad_norm_`, but the given ones stay as they are.
 *
 * @returns `gradients`, in the order given, and their `norm` before: the caller's to dispose.
 * @throws {RangeError} if `maxNorm` is not positive.
 * @example
 * ```ts
 * import { clipByGlobalNorm, useBackend } from '@imgcls/tensor';
 * import { tensor } from '@tensorflow/tfjs-core';
 *
 * await useBackend('cpu');
 * const { gradients, norm } = clipByGlobalNorm([tensor([3]), tensor([0, 4])], 1);
 * console.log(norm.dataSync()[0], gradients.map((each) => each.dataSync()[0]?.toFixed(3))); // => 5 [ '0.600', '0.000' ]
 * ```
 * Pascanu et al. 2013, https://arxiv.org/abs/1211.5063
 */
export function clipByGlobalNorm(gradients: readonly Tensor[], maxNorm: number): { gradients: Tensor[]; norm: Scalar } {
  if (!(maxNorm > 0)) throw new RangeError(`clipByGlobalNorm: maxNorm must be positive, got ${maxNorm}`);
  if (gradients.length === 0) return { gradients: [], norm: scalar(0) };
  const inputs = Object.fromEntries(gradients.map((gradient, i) => [`gradients${i}`, gradient]));
  const [norm, ...clipped] = run(clipKernel, inputs, { maxNorm, count: gradients.length });
  return { gradients: clipped, norm: norm as Scalar };
}

const adamDefaults = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 };

type Numbers = Readonly<Record<string, number | boolean>>;
type Lists = Readonly<Record<string, readonly Tensor[]>>;
type UpdateKernel<A extends Numbers> = Kernel<Inputs, A & { count: number }, Tensor[]>;

/** Runs an update of all parameters, the first list, as one kernel: its inputs are `parameters0`, `gradients0`, …, and it has no outputs. */
function update<A extends Numbers>(where: string, kernel: UpdateKernel<A>, lists: Lists, attributes: A): void {
  const [parameters] = Object.values(lists) as [readonly Tensor[]];
  for (const [name, list] of Object.entries(lists)) checkShapes(`${where}: ${name}`, list, parameters);
  if (parameters.length === 0) return;
  const inputs = Object.entries(lists).flatMap(([name, list]) =>
    list.map((tensor, i) => [`${name}${i}`, tensor] as const),
  );
  run(kernel, Object.fromEntries(inputs), { ...attributes, count: parameters.length });
}

function checkShapes(where: string, tensors: readonly Tensor[], parameters: readonly Tensor[]): void {
  if (tensors.length !== parameters.length)
    throw new RangeError(
      `${where} must hold one tensor for each of ${parameters.length} parameters, got ${tensors.length}`,
    );
  for (const [i, { shape }] of tensors.entries())
    if (shape.join() !== parameters[i]!.shape.join())
      throw new RangeError(`${where}[${i}] must have the parameter's shape [${parameters[i]!.shape}], got [${shape}]`);
}

export type Sgd = { learningRate: number; momentum: number; nesterov: boolean; weightDecay: number };

const sgdKernel: UpdateKernel<Sgd> = {
  name: 'ImgclsSgdUpdate',
  composed: (inputs, { count, learningRate, momentum, nesterov, weightDecay }) =>
    eachParameter(inputs, count, ({ parameters, gradients, velocity }) => {
      const g = decayed(gradients!, parameters!, weightDecay);
      if (!velocity) return { parameters: sub(parameters!, mul(g, learningRate)) };
      const v = add(mul(velocity, momentum), g);
      const direction = nesterov ? add(g, mul(v, momentum)) : v;
      return { velocity: v, parameters: sub(parameters!, mul(direction, learningRate)) };
    }),
  own: own.sgd,
};

export type Adam = Required<AdamOptions> & { decoupled: boolean };

const adamKernel: UpdateKernel<Adam> = {
  name: 'ImgclsAdamUpdate',
  composed: (inputs, { count, learningRate, step, beta1, beta2, epsilon, weightDecay, decoupled }) =>
    eachParameter(inputs, count, ({ parameters, gradients, firstMoment, secondMoment }) => {
      const p = decoupled && weightDecay !== 0 ? mul(parameters!, 1 - learningRate * weightDecay) : parameters!;
      const g = decoupled ? gradients! : decayed(gradients!, p, weightDecay);
      const m = add(mul(firstMoment!, beta1), mul(g, 1 - beta1));
      const v = add(mul(secondMoment!, beta2), mul(square(g), 1 - beta2));
      const root = add(mul(sqrt(v), 1 / Math.sqrt(1 - beta2 ** step)), epsilon);
      const change = mul(div(m, root), learningRate / (1 - beta1 ** step));
      return { firstMoment: m, secondMoment: v, parameters: sub(p, change) };
    }),
  own: own.adam,
};

export type Rmsprop = Required<RmspropOptions>;

const rmspropKernel: UpdateKernel<Rmsprop> = {
  name: 'ImgclsRmspropUpdate',
  composed: (inputs, { count, learningRate, alpha, momentum, epsilon, weightDecay }) =>
    eachParameter(inputs, count, ({ parameters, gradients, meanSquare, velocity }) => {
      const g = decayed(gradients!, parameters!, weightDecay);
      const s = add(mul(meanSquare!, alpha), mul(square(g), 1 - alpha));
      const step = div(g, add(sqrt(s), epsilon));
      if (!velocity) return { meanSquare: s, parameters: sub(parameters!, mul(step, learningRate)) };
      const v = add(mul(velocity, momentum), step);
      return { meanSquare: s, velocity: v, parameters: sub(parameters!, mul(v, learningRate)) };
    }),
  own: own.rmsprop,
};

const lambKernel: UpdateKernel<Required<AdamOptions>> = {
  name: 'ImgclsLambUpdate',
  composed: (inputs, { count, learningRate, step, beta1, beta2, epsilon, weightDecay }) =>
    eachParameter(inputs, count, ({ parameters, gradients, firstMoment, secondMoment }) => {
      const m = add(mul(firstMoment!, beta1), mul(gradients!, 1 - beta1));
      const v = add(mul(secondMoment!, beta2), mul(square(gradients!), 1 - beta2));
      const root = add(mul(sqrt(v), 1 / Math.sqrt(1 - beta2 ** step)), epsilon);
      const change = add(div(mul(m, 1 / (1 - beta1 ** step)), root), mul(parameters!, weightDecay));
      const [own, other] = [norm(parameters!), norm(change)];
      const trust = where(greater(mul(own, other), 0), div(own, other), 1);
      const p = sub(parameters!, mul(change, mul(trust, learningRate)));
      return { firstMoment: m, secondMoment: v, parameters: p };
    }),
  own: own.lamb,
};

const averageKernel: UpdateKernel<{ decay: number }> = {
  name: 'ImgclsAverageUpdate',
  composed: (inputs, { count, decay }) =>
    eachParameter(inputs, count, ({ averages, values }) => ({
      averages: add(averages!, mul(sub(values!, averages!), 1 - decay)),
    })),
  own: own.average,
};

/** `[norm, …clipped]` of `gradients0`, … */
const clipKernel: Kernel<Inputs, { maxNorm: number; count: number }, Tensor[]> = {
  name: 'ImgclsClipByGlobalNorm',
  composed(inputs, { maxNorm, count }) {
    const gradients = Array.from({ length: count }, (_, i) => inputs[`gradients${i}`]!);
    const all = sqrt(addN(gradients.map((each) => sum(square(each)))));
    const factor = minimum(div(maxNorm, add(all, 1e-6)), 1);
    return [all, ...gradients.map((each) => mul(each, factor))];
  },
  own: own.clip,
};

const norm = (x: Tensor): Tensor => sqrt(sum(square(x)));

const decayed = (gradient: Tensor, parameter: Tensor, weightDecay: number): Tensor =>
  weightDecay === 0 ? gradient : add(gradient, mul(parameter, weightDecay));

/** Takes the tensors of one parameter at a time and assigns what the rule makes of them. */
function eachParameter(
  inputs: Inputs,
  count: number,
  rule: (tensors: Record<string, Tensor | undefined>) => Record<string, Tensor>,
): Tensor[] {
  const names = Object.keys(inputs).flatMap((name) => (/^[A-Za-z]+0$/.test(name) ? [name.slice(0, -1)] : []));
  for (let i = 0; i < count; i++)
    tidy(() => {
      const next = rule(Object.fromEntries(names.map((name) => [name, inputs[`${name}${i}`]])));
      for (const [name, value] of Object.entries(next)) (inputs[`${name}${i}`] as Variable).assign(value);
    });
  return [];
}
