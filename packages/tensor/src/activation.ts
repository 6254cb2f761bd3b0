import type { ActivationName } from '@imgcls/kernels';
import {
  add,
  clipByValue,
  erf,
  exp,
  minimum,
  mul,
  square,
  step,
  elu as stockElu,
  leakyRelu as stockLeakyRelu,
  logSoftmax as stockLogSoftmax,
  relu as stockRelu,
  relu6 as stockRelu6,
  sigmoid as stockSigmoid,
  softmax as stockSoftmax,
  tanh as stockTanh,
  sub,
  sum,
  type Tensor,
} from '@tensorflow/tfjs-core';
import { checkFloat } from './check.ts';
import { type AnyGradient, type Gradient, type Kernel, run } from './kernel.ts';
import * as own from './own/activation.ts';
import { distribution, distributionGradient } from './own/softmax.ts';

/** `max(x, 0)`. */
export const relu = <T extends Tensor>(x: T): T => activate('relu', reluKernel, x);
/** `min(max(x, 0), 6)`. */
export const relu6 = <T extends Tensor>(x: T): T => activate('relu6', relu6Kernel, x);
/** `x` where it is positive, else `slope · x`. */
export function leakyRelu<T extends Tensor>(x: T, slope = 0.01): T {
  checkFloat('leakyRelu: x', x);
  return run(leakyReluKernel, { x }, { slope }) as T;
}
/** `x` where it is positive, else `eˣ - 1`. */
export const elu = <T extends Tensor>(x: T): T => activate('elu', eluKernel, x);
/** `x · Φ(x)` with the normal distribution `Φ(x) = (1 + erf(x / √2)) / 2`. Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415 */
export const gelu = <T extends Tensor>(x: T): T => activate('gelu', geluKernel, x);
/** `x · sigmoid(x)`, also called swish. */
export const silu = <T extends Tensor>(x: T): T => activate('silu', siluKernel, x);
/** `1 / (1 + e⁻ˣ)`. */
export const sigmoid = <T extends Tensor>(x: T): T => activate('sigmoid', sigmoidKernel, x);
/** The hyperbolic tangent. */
export const tanh = <T extends Tensor>(x: T): T => activate('tanh', tanhKernel, x);
/** `x / 6 + 1 / 2`, cut to `[0, 1]`. */
export const hardSigmoid = <T extends Tensor>(x: T): T => activate('hardSigmoid', hardSigmoidKernel, x);
/** `x · hardSigmoid(x)`. Howard et al. 2019, https://arxiv.org/abs/1905.02244 */
export const hardSwish = <T extends Tensor>(x: T): T => activate('hardSwish', hardSwishKernel, x);
/** `eˣ / Σ eˣ` over the last axis: scores to probabilities. */
export const softmax = <T extends Tensor>(x: T): T => activate('softmax', softmaxKernel, x);
/** The natural logarithm of `softmax`, computed without overflow. */
export const logSoftmax = <T extends Tensor>(x: T): T => activate('logSoftmax', logSoftmaxKernel, x);

type X = { x: Tensor };
type None = Record<never, never>;
type Activation = Kernel<X, None>;
type ActivationGradient<S extends 'x' | 'y'> = Gradient<X, None, S>;

function activate<T extends Tensor>(where: string, kernel: Activation, x: T): T {
  checkFloat(`${where}: x`, x);
  return run(kernel, { x }, {}) as T;
}

const leakyReluKernel: Kernel<X, { slope: number }> = {
  name: 'ImgclsLeakyRelu',
  composed: ({ x }, { slope }) => stockLeakyRelu(x, slope),
  own: (backend, { x }, { slope }) => own.activated(backend, x, { activation: 'leakyRelu', slope }),
};
const leakyReluGradient: Gradient<X, { slope: number }, 'x'> = {
  kernel: leakyReluKernel,
  saves: ['x'],
  backward: (dy, { x }, { slope }) => ({ x: () => gradientOf('leakyRelu', dy, x, slope) }),
};

const reluKernel = elementwise('relu', 'ImgclsRelu', stockRelu);
const relu6Kernel = elementwise('relu6', 'ImgclsRelu6', stockRelu6);
const eluKernel = elementwise('elu', 'ImgclsElu', stockElu);
const geluKernel = elementwise('gelu', 'ImgclsGelu', (x) => mul(x, normalDistribution(x)));
const siluKernel = elementwise('silu', 'ImgclsSilu', (x) => mul(x, stockSigmoid(x)));
const sigmoidKernel = elementwise('sigmoid', 'ImgclsSigmoid', stockSigmoid);
const tanhKernel = elementwise('tanh', 'ImgclsTanh', stockTanh);
const hardSigmoidKernel = elementwise('hardSigmoid', 'ImgclsHardSigmoid', ramp);
const hardSwishKernel = elementwise('hardSwish', 'ImgclsHardSwish', (x) => mul(x, ramp(x)));

function elementwise(activation: ActivationName, name: `Imgcls${string}`, composed: (x: Tensor) => Tensor): Activation {
  return {
    name,
    composed: ({ x }) => composed(x),
    own: (backend, { x }) => own.activated(backend, x, { activation }),
  };
}

/** The derivatives, told from the argument or, where that is simpler, from the value. */
const slopes: Readonly<Record<Exclude<ActivationName, 'none'>, (saved: Tensor, slope: number) => Tensor>> = {
  relu: (y) => step(y),
  relu6: (x) => between(x, 0, 6),
  leakyRelu: (x, slope) => step(x, slope),
  elu: (y) => add(minimum(y, 0), 1), // eˣ = y + 1 below 0, else 1
  gelu: (x) => add(normalDistribution(x), mul(x, normalDensity(x))),
  silu: (x) => {
    const s = stockSigmoid(x);
    return mul(s, add(mul(x, sub(1, s)), 1));
  },
  sigmoid: (y) => mul(y, sub(1, y)),
  tanh: (y) => sub(1, square(y)),
  hardSigmoid: (x) => mul(between(x, -3, 3), 1 / 6),
  hardSwish: (x) => add(ramp(x), mul(x, mul(between(x, -3, 3), 1 / 6))),
};

export type Slope = { activation: Exclude<ActivationName, 'none'>; slope: number };

/** `dy · f′` */
const gradientKernel: Kernel<{ dy: Tensor; saved: Tensor }, Slope> = {
  name: 'ImgclsActivationGradient',
  composed: ({ dy, saved }, { activation, slope }) => mul(dy, slopes[activation](saved, slope)),
  own: (backend, { dy, saved }, f) => own.activationSlope(backend, dy, saved, f),
};

const gradientOf = (activation: Slope['activation'], dy: Tensor, saved: Tensor, slope = 0): Tensor =>
  run(gradientKernel, { dy, saved }, { activation, slope });

const fromInput = (kernel: Activation, activation: Slope['activation']): ActivationGradient<'x'> => ({
  kernel,
  saves: ['x'],
  backward: (dy, { x }) => ({ x: () => gradientOf(activation, dy, x) }),
});

const fromOutput = (kernel: Activation, activation: Slope['activation']): ActivationGradient<'y'> => ({
  kernel,
  saves: ['y'],
  backward: (dy, { y }) => ({ x: () => gradientOf(activation, dy, y) }),
});

const normalDistribution = (x: Tensor): Tensor => mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5);
const normalDensity = (x: Tensor): Tensor => mul(exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));

function ramp(x: Tensor): Tensor {
  return clipByValue(add(mul(x, 1 / 6), 0.5), 0, 1);
}

const softmaxKernel: Activation = {
  name: 'ImgclsSoftmax',
  composed: ({ x }) => stockSoftmax(x),
  own: (backend, { x }) => distribution(backend, x),
};

const logSoftmaxKernel: Activation = {
  name: 'ImgclsLogSoftmax',
  composed: ({ x }) => stockLogSoftmax(x),
  own: (backend, { x }) => distribution(backend, x, true),
};

/** Of softmax, or of its logarithm, told from what it gave. */
const distributionGradientKernel: Kernel<{ dy: Tensor; y: Tensor }, { logarithm: boolean }> = {
  name: 'ImgclsSoftmaxGradient',
  composed: ({ dy, y }, { logarithm }) =>
    logarithm ? sub(dy, mul(exp(y), sum(dy, -1, true))) : mul(sub(dy, sum(mul(dy, y), -1, true)), y),
  own: (backend, inputs, { logarithm }) => distributionGradient(backend, inputs, logarithm),
};

const softmaxGradient = (kernel: Activation, logarithm: boolean): ActivationGradient<'y'> => ({
  kernel,
  saves: ['y'],
  backward: (dy, { y }) => ({ x: () => run(distributionGradientKernel, { dy, y }, { logarithm }) }),
});

/** 1 where `low < x < high`, else 0. */
function between(x: Tensor, low: number, high: number): Tensor {
  return mul(step(sub(x, low)), step(sub(high, x)));
}

export const activationGradients = (): AnyGradient[] => [
  leakyReluGradient,
  fromOutput(reluKernel, 'relu'),
  fromInput(relu6Kernel, 'relu6'),
  fromOutput(eluKernel, 'elu'),
  fromInput(geluKernel, 'gelu'),
  fromInput(siluKernel, 'silu'),
  fromOutput(sigmoidKernel, 'sigmoid'),
  fromOutput(tanhKernel, 'tanh'),
  fromInput(hardSigmoidKernel, 'hardSigmoid'),
  fromInput(hardSwishKernel, 'hardSwish'),
  softmaxGradient(softmaxKernel, false),
  softmaxGradient(logSoftmaxKernel, true),
];
