import { add, div, mul, sqrt, square, sub, type Tensor, tidy, type Variable } from '@tensorflow/tfjs-core';
import { type Inputs, type Kernel, run } from './kernel.ts';
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

const adamDefaults = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 };

type Numbers = Readonly<Record<string, number | boolean>>;
type Lists = Readonly<Record<string, readonly Tensor[]>>;
type UpdateKernel<A extends Numbers> = Kernel<Inputs, A & { count: number }, Tensor[]>;

/** Runs an update of all parameters as one kernel: its inputs are `parameters0`, `gradients0`, …, and it has no outputs. */
function update<A extends Numbers>(where: string, kernel: UpdateKernel<A>, lists: Lists, attributes: A): void {
  const parameters = lists.parameters!;
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
