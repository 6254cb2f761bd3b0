import type { HostTensor, StateDict } from '@imgcls/nn';
import {
  adamUpdate,
  adamWUpdate,
  dispose,
  lambUpdate,
  muonUpdate,
  rmspropUpdate,
  sgdUpdate,
  type Tensor,
  tidy,
  type Variable,
} from '@imgcls/tensor';
import { variable, zerosLike } from '@tensorflow/tfjs-core';
import { fromHost, toHost } from './host.ts';
import { constant, type Schedule } from './schedule.ts';

/** Gradients in, parameter updates out. Write your own as a plain object. */
export interface Optimizer {
  /** The rate of the next update. */
  readonly learningRate: number;
  /**
   * Updates parameters in place by their gradients. Those without a gradient stay as they are.
   * @throws {RangeError} if a gradient is for no parameter.
   */
  update(parameters: Record<string, Variable>, gradients: Record<string, Tensor>): void;
  /** What it has to remember, by name, on the host: to be saved, and loaded by an optimizer made by the same call. */
  state(): Promise<StateDict>;
  /** @throws {RangeError} if the state is not one of this kind of optimizer. */
  load(state: StateDict): void | Promise<void>;
  /** Frees what it remembers. The next update begins anew. */
  dispose(): void;
}

export interface LearningRateOptions {
  /** A number, or a function of the step. */
  learningRate: number | Schedule;
  /** What the rate of a parameter is multiplied by, by its name: `layerDecay(model, 0.75)`. @defaultValue 1 for each */
  learningRateScale?: (name: string) => number;
}

export interface SgdOptions extends LearningRateOptions {
  /** @defaultValue 0 */
  momentum?: number;
  /** Looks ahead along the momentum. @defaultValue false */
  nesterov?: boolean;
  /** Times the parameter, added to its gradient (L2). @defaultValue 0 */
  weightDecay?: number;
}

/**
 * Stochastic gradient descent with momentum, as PyTorch's `SGD`.
 *
 * `g ← g + weightDecay · p`, `v ← momentum · v + g`, `p ← p − learningRate · v`; with `nesterov` the last step takes `g + momentum · v`.
 *
 * @example
 * ```ts
 * import { useBackend } from '@imgcls/tensor';
 * import { sgd } from '@imgcls/train';
 * import { scalar, variable } from '@tensorflow/tfjs-core';
 *
 * await useBackend('cpu');
 * const weight = variable(scalar(1));
 * const optimizer = sgd({ learningRate: 0.5, momentum: 0.5 });
 * optimizer.update({ weight }, { weight: scalar(1) });
 * optimizer.update({ weight }, { weight: scalar(1) });
 * console.log((await weight.data())[0]); // => -0.25
 * ```
 */
export function sgd({ momentum = 0, nesterov = false, weightDecay = 0, ...rates }: SgdOptions): Optimizer {
  checkFractions('sgd', { momentum });
  checkNonNegative('sgd', { weightDecay });
  if (nesterov && momentum === 0) throw new RangeError('sgd: nesterov needs a momentum above 0, got momentum=0');
  return slotted('sgd', momentum > 0 ? ['velocity'] : [], rates, ({ parameters, gradients, slots, rate }) =>
    sgdUpdate(parameters, gradients, slots, { learningRate: rate, momentum, nesterov, weightDecay }),
  );
}

export interface AdamOptions extends LearningRateOptions {
  /** Decay of the mean of gradients. @defaultValue 0.9 */
  beta1?: number;
  /** Decay of the mean of squared gradients. @defaultValue 0.999 */
  beta2?: number;
  /** Added to the root of the latter. @defaultValue 1e-8 */
  epsilon?: number;
  /** For `adam` times the parameter, added to its gradient (default 0); for `adamW` it shrinks the parameter itself (default 0.01). */
  weightDecay?: number;
}

/**
 * As PyTorch's `Adam`: `p ← p − learningRate · m̂ / (√v̂ + epsilon)` with the bias-corrected running means of the gradient and its
 * square. `weightDecay` is added to the gradient; `adamW` is better at that.
 *
 * Kingma and Ba 2014, https://arxiv.org/abs/1412.6980
 */
export function adam({ weightDecay = 0, ...options }: AdamOptions): Optimizer {
  return adamLike('adam', adamUpdate, { weightDecay, ...options });
}

/**
 * As PyTorch's `AdamW`: `adam` on a parameter that first shrinks by `learningRate · weightDecay`.
 *
 * Loshchilov and Hutter 2017, https://arxiv.org/abs/1711.05101
 */
export function adamW({ weightDecay = 0.01, ...options }: AdamOptions): Optimizer {
  return adamLike('adamW', adamWUpdate, { weightDecay, ...options });
}

/**
 * LAMB: AdamW's step, made as long as the parameter is, which keeps large batches of thousands of images stable.
 *
 * `u = m̂ / (√v̂ + epsilon) + weightDecay · p`, `p ← p − learningRate · ‖p‖ / ‖u‖ · u`. As timm's `Lamb` with `always_adapt` and without its clipping, for which `fit`
 * has `clipNorm`. Defaults: `epsilon` 1e-6, `weightDecay` 0.01.
 *
 * You et al. 2020, https://arxiv.org/abs/1904.00962
 */
export function lamb({ weightDecay = 0.01, epsilon = 1e-6, ...options }: AdamOptions): Optimizer {
  return adamLike('lamb', lambUpdate, { weightDecay, epsilon, ...options });
}

function adamLike(
  name: string,
  update: typeof adamUpdate,
  { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay, ...rates }: AdamOptions & { weightDecay: number },
): Optimizer {
  checkFractions(name, { beta1, beta2 });
  checkNonNegative(name, { epsilon, weightDecay });
  return slotted(name, ['firstMoment', 'secondMoment'], rates, ({ parameters, gradients, slots, rate, step }) =>
    update(parameters, gradients, slots, { learningRate: rate, beta1, beta2, epsilon, weightDecay, step }),
  );
}

export interface RmspropOptions extends LearningRateOptions {
  /** Decay of the mean of squared gradients. @defaultValue 0.99 */
  alpha?: number;
  /** Added to its root. @defaultValue 1e-8 */
  epsilon?: number;
  /** @defaultValue 0 */
  momentum?: number;
  /** Times the parameter, added to its gradient. @defaultValue 0 */
  weightDecay?: number;
}

/**
 * As PyTorch's `RMSprop`: the gradient over the root of the running mean of its square.
 *
 * `s ← alpha · s + (1 − alpha) · g²`, `p ← p − learningRate · g / (√s + epsilon)`, the last through a momentum buffer if there is one.
 *
 * Tieleman and Hinton 2012, lecture 6e, https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf
 */
export function rmsprop({
  alpha = 0.99,
  epsilon = 1e-8,
  momentum = 0,
  weightDecay = 0,
  ...rates
}: RmspropOptions): Optimizer {
  checkFractions('rmsprop', { alpha, momentum });
  checkNonNegative('rmsprop', { epsilon, weightDecay });
  const kinds = momentum > 0 ? (['meanSquare', 'velocity'] as const) : (['meanSquare'] as const);
  return slotted('rmsprop', kinds, rates, ({ parameters, gradients, slots, rate }) =>
    rmspropUpdate(parameters, gradients, slots, { learningRate: rate, alpha, epsilon, momentum, weightDecay }),
  );
}

export interface MuonOptions extends LearningRateOptions {
  /** @defaultValue 0.95 */
  momentum?: number;
  /** Looks ahead along the momentum. @defaultValue true */
  nesterov?: boolean;
  /** Shrinks the parameter by `learningRate · weightDecay`. @defaultValue 0.1 */
  weightDecay?: number;
  /** Which of the parameters with two or more axes it takes, by name: the last layer is often better off with `rest`. @defaultValue all */
  takes?: (name: string) => boolean;
  /** What trains the others: biases, norms. */
  rest: Optimizer;
}

/**
 * Muon: momentum whose matrices are made orthogonal, so that every direction learns at the same pace. As PyTorch's `Muon`, in float32 and for filters
 * too, each of which is a matrix with a column for every output channel.
 *
 * @example
 * ```ts
 * import { adamW, muon } from '@imgcls/train';
 *
 * const optimizer = muon({
 *   learningRate: 0.02,
 *   takes: (name) => !name.startsWith('fc.'),
 *   rest: adamW({ learningRate: 0.001 }),
 * });
 * console.log(optimizer.learningRate); // => 0.02
 * ```
 * Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/
 */
export function muon(options: MuonOptions): Optimizer {
  const { momentum = 0.95, nesterov = true, weightDecay = 0.1, takes = () => true, rest, ...rates } = options;
  checkFractions('muon', { momentum });
  checkNonNegative('muon', { weightDecay });
  const own = slotted('muon', ['velocity'], rates, ({ parameters, gradients, slots, rate }) =>
    muonUpdate(parameters, gradients, slots, { learningRate: rate, momentum, nesterov, weightDecay }),
  );
  const isRest = (key: string) => key.startsWith('rest.');
  return {
    get learningRate() {
      return own.learningRate;
    },
    update(parameters, gradients) {
      const isOwn = ([name, { rank }]: [string, Tensor]) => rank > 1 && takes(name);
      const all = Object.entries(gradients);
      own.update(parameters, Object.fromEntries(all.filter(isOwn)));
      rest.update(parameters, Object.fromEntries(all.filter((each) => !isOwn(each))));
    },
    async state() {
      const [mine, others] = await Promise.all([own.state(), rest.state()]);
      return new Map([...mine, ...[...others].map(([key, value]) => [`rest.${key}`, value] as const)]);
    },
    async load(state) {
      const all = [...state];
      await own.load(new Map(all.filter(([key]) => !isRest(key))));
      await rest.load(
        new Map(all.filter(([key]) => isRest(key)).map(([key, value]) => [key.slice('rest.'.length), value])),
      );
    },
    dispose() {
      own.dispose();
      rest.dispose();
    },
  };
}

/** One update of many parameters at one rate: the lists have the same order. */
interface Update<Kind extends string> {
  parameters: Variable[];
  gradients: Tensor[];
  /** What is remembered of each parameter, by its kind. */
  slots: Record<Kind, Variable[]>;
  rate: number;
  /** 1 for the first. */
  step: number;
}

/** An optimizer that remembers a tensor of each kind for each parameter, under the name `kind.parameter`. */
function slotted<Kind extends string>(
  name: string,
  kinds: readonly Kind[],
  { learningRate, learningRateScale = () => 1 }: LearningRateOptions,
  apply: (update: Update<Kind>) => void,
): Optimizer {
  const schedule = scheduleOf(name, learningRate);
  const memory = new Map<string, Variable>();
  let steps = 0;

  const slot = (kind: string, parameterName: string, parameter: Variable): Variable => {
    const key = `${kind}.${parameterName}`;
    const known = memory.get(key) ?? tidy(() => variable(zerosLike(parameter), false));
    memory.set(key, known);
    if (known.shape.join() === parameter.shape.join()) return known;
    throw new RangeError(
      `${name}.update: ${key} must have the shape of its parameter, [${parameter.shape}], got [${known.shape}]`,
    );
  };
  const forget = (): void => {
    dispose([...memory.values()]);
    memory.clear();
    steps = 0;
  };

  return {
    get learningRate() {
      return schedule(steps);
    },
    update(parameters, gradients) {
      const names = Object.keys(gradients);
      const stranger = names.find((each) => !Object.hasOwn(parameters, each));
      if (stranger !== undefined)
        throw new RangeError(`${name}.update: each gradient must be for a parameter, got one for "${stranger}"`);
      const rate = schedule(steps);
      if (!(rate >= 0 && Number.isFinite(rate)))
        throw new RangeError(`${name}.update: learningRate must be at least 0, got ${rate} at step ${steps}`);
      steps++;
      for (const [scale, group] of grouped(name, names, learningRateScale))
        apply({
          parameters: group.map((each) => parameters[each]!),
          gradients: group.map((each) => gradients[each]!),
          slots: Object.fromEntries(
            kinds.map((kind) => [kind, group.map((each) => slot(kind, each, parameters[each]!))]),
          ) as Record<Kind, Variable[]>,
          rate: rate * scale,
          step: steps,
        });
    },
    async state() {
      const step: HostTensor = { dtype: 'int32', shape: [], data: Int32Array.of(steps) };
      const values = await Promise.all([...memory].map(async ([key, value]) => [key, await toHost(value)] as const));
      return new Map([['step', step], ...values]);
    },
    load(state) {
      const { step, ...slots } = Object.fromEntries(state);
      const wrong = Object.keys(slots).find((key) => !kinds.some((kind) => key.startsWith(`${kind}.`)));
      if (!step || wrong !== undefined)
        throw new RangeError(
          `${name}.load: the state must hold ${['step', ...kinds.map((kind) => `${kind}.*`)].join(', ')}, got ${wrong ?? 'no step'}; was it saved by another optimizer?`,
        );
      forget();
      steps = Number(step.data[0]);
      for (const [key, value] of Object.entries(slots)) memory.set(key, fromHost(value));
    },
    dispose: forget,
  };
}

/** The names that have the same scale, by scale. */
function grouped(where: string, names: readonly string[], scaleOf: (name: string) => number): Map<number, string[]> {
  const groups = new Map<number, string[]>();
  for (const name of names) {
    const scale = scaleOf(name);
    if (!(scale >= 0 && Number.isFinite(scale)))
      throw new RangeError(`${where}.update: learningRateScale must be at least 0, got ${scale} for "${name}"`);
    groups.set(scale, [...(groups.get(scale) ?? []), name]);
  }
  return groups;
}

function scheduleOf(where: string, learningRate: number | Schedule): Schedule {
  if (typeof learningRate === 'function') return learningRate;
  if (learningRate > 0 && Number.isFinite(learningRate)) return constant(learningRate);
  throw new RangeError(
    `${where}: learningRate must be a positive number or a function of the step, got ${learningRate}`,
  );
}

function checkFractions(where: string, values: Record<string, number>): void {
  for (const [name, value] of Object.entries(values))
    if (!(value >= 0 && value < 1)) throw new RangeError(`${where}: ${name} must lie in [0, 1), got ${value}`);
}

function checkNonNegative(where: string, values: Record<string, number>): void {
  for (const [name, value] of Object.entries(values))
    if (!(value >= 0 && Number.isFinite(value)))
      throw new RangeError(`${where}: ${name} must be at least 0, got ${value}`);
}
