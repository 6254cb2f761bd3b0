import * as ops from '@imgcls/tensor';
import { describe } from './inspect.ts';
import { type Module, module } from './module.ts';

/** `max(x, 0)` */
export const relu = (): Module => module({}, (_, x) => ops.relu(x), 'relu()');

/** `min(max(x, 0), 6)` */
export const relu6 = (): Module => module({}, (_, x) => ops.relu6(x), 'relu6()');

/** `x` where positive, else `negativeSlope · x` */
export const leakyRelu = (negativeSlope = 0.01): Module =>
  module({}, (_, x) => ops.leakyRelu(x, negativeSlope), describe('leakyRelu', [negativeSlope]));

/** `x` where positive, else `exp(x) - 1` */
export const elu = (): Module => module({}, (_, x) => ops.elu(x), 'elu()');

/** `x · Φ(x)`, with the exact normal distribution function. Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415 */
export const gelu = (): Module => module({}, (_, x) => ops.gelu(x), 'gelu()');

/** `x · sigmoid(x)`, also called swish */
export const silu = (): Module => module({}, (_, x) => ops.silu(x), 'silu()');

/** `1 / (1 + exp(-x))` */
export const sigmoid = (): Module => module({}, (_, x) => ops.sigmoid(x), 'sigmoid()');

/** `tanh(x)` */
export const tanh = (): Module => module({}, (_, x) => ops.tanh(x), 'tanh()');

/** `min(max(x + 3, 0), 6) / 6` */
export const hardSigmoid = (): Module => module({}, (_, x) => ops.hardSigmoid(x), 'hardSigmoid()');

/** `x · hardSigmoid(x)` */
export const hardSwish = (): Module => module({}, (_, x) => ops.hardSwish(x), 'hardSwish()');
