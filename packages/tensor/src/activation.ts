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
import { type Gradient, type Kernel, run } from './kernel.ts';

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

const reluKernel: Activation = { name: 'ImgclsRelu', composed: ({ x }) => stockRelu(x) };
const reluGradient: ActivationGradient<'y'> = {
  kernel: reluKernel,
  saves: ['y'],
  backward: (dy, { y }) => ({ x: () => mul(dy, step(y)) }),
};

const relu6Kernel: Activation = { name: 'ImgclsRelu6', composed: ({ x }) => stockRelu6(x) };
const relu6Gradient: ActivationGradient<'x'> = {
  kernel: relu6Kernel,
  saves: ['x'],
  backward: (dy, { x }) => ({ x: () => mul(dy, between(x, 0, 6)) }),
};

const leakyReluKernel: Kernel<X, { slope: number }> = {
  name: 'ImgclsLeakyRelu',
  composed: ({ x }, { slope }) => stockLeakyRelu(x, slope),
};
const leakyReluGradient: Gradient<X, { slope: number }, 'x'> = {
  kernel: leakyReluKernel,
  saves: ['x'],
  backward: (dy, { x }, { slope }) => ({ x: () => mul(dy, step(x, slope)) }),
};

const eluKernel: Activation = { name: 'ImgclsElu', composed: ({ x }) => stockElu(x) };
const eluGradient: ActivationGradient<'y'> = {
  kernel: eluKernel,
  saves: ['y'],
  backward: (dy, { y }) => ({ x: () => mul(dy, add(minimum(y, 0), 1)) }), // eˣ = y + 1 below 0, else 1
};

const normalDistribution = (x: Tensor): Tensor => mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5);
const normalDensity = (x: Tensor): Tensor => mul(exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));

const geluKernel: Activation = { name: 'ImgclsGelu', composed: ({ x }) => mul(x, normalDistribution(x)) };
const geluGradient: ActivationGradient<'x'> = {
  kernel: geluKernel,
  saves: ['x'],
  backward: (dy, { x }) => ({ x: () => mul(dy, add(normalDistribution(x), mul(x, normalDensity(x)))) }),
};

const siluKernel: Activation = { name: 'ImgclsSilu', composed: ({ x }) => mul(x, stockSigmoid(x)) };
const siluGradient: ActivationGradient<'x'> = {
  kernel: siluKernel,
  saves: ['x'],
  backward: (dy, { x }) => ({
    x: () => {
      const s = stockSigmoid(x);
      return mul(dy, mul(s, add(mul(x, sub(1, s)), 1)));
    },
  }),
};

const sigmoidKernel: Activation = { name: 'ImgclsSigmoid', composed: ({ x }) => stockSigmoid(x) };
const sigmoidGradient: ActivationGradient<'y'> = {
  kernel: sigmoidKernel,
  saves: ['y'],
  backward: (dy, { y }) => ({ x: () => mul(dy, mul(y, sub(1, y))) }),
};

const tanhKernel: Activation = { name: 'ImgclsTanh', composed: ({ x }) => stockTanh(x) };
const tanhGradient: ActivationGradient<'y'> = {
  kernel: tanhKernel,
  saves: ['y'],
  backward: (dy, { y }) => ({ x: () => mul(dy, sub(1, square(y))) }),
};

const ramp = (x: Tensor): Tensor => clipByValue(add(mul(x, 1 / 6), 0.5), 0, 1);

const hardSigmoidKernel: Activation = { name: 'ImgclsHardSigmoid', composed: ({ x }) => ramp(x) };
const hardSigmoidGradient: ActivationGradient<'x'> = {
  kernel: hardSigmoidKernel,
  saves: ['x'],
  backward: (dy, { x }) => ({ x: () => mul(dy, mul(between(x, -3, 3), 1 / 6)) }),
};

const hardSwishKernel: Activation = { name: 'ImgclsHardSwish', composed: ({ x }) => mul(x, ramp(x)) };
const hardSwishGradient: ActivationGradient<'x'> = {
  kernel: hardSwishKernel,
  saves: ['x'],
  backward: (dy, { x }) => ({ x: () => mul(dy, add(ramp(x), mul(x, mul(between(x, -3, 3), 1 / 6)))) }),
};

const softmaxKernel: Activation = { name: 'ImgclsSoftmax', composed: ({ x }) => stockSoftmax(x) };
const softmaxGradient: ActivationGradient<'y'> = {
  kernel: softmaxKernel,
  saves: ['y'],
  backward: (dy, { y }) => ({ x: () => mul(sub(dy, sum(mul(dy, y), -1, true)), y) }),
};

const logSoftmaxKernel: Activation = { name: 'ImgclsLogSoftmax', composed: ({ x }) => stockLogSoftmax(x) };
const logSoftmaxGradient: ActivationGradient<'y'> = {
  kernel: logSoftmaxKernel,
  saves: ['y'],
  backward: (dy, { y }) => ({ x: () => sub(dy, mul(exp(y), sum(dy, -1, true))) }),
};

/** 1 where `low < x < high`, else 0. */
function between(x: Tensor, low: number, high: number): Tensor {
  return mul(step(sub(x, low)), step(sub(high, x)));
}

export const activationGradients = [
  reluGradient,
  relu6Gradient,
  leakyReluGradient,
  eluGradient,
  geluGradient,
  siluGradient,
  sigmoidGradient,
  tanhGradient,
  hardSigmoidGradient,
  hardSwishGradient,
  softmaxGradient,
  logSoftmaxGradient,
];
