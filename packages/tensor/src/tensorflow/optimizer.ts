import { add, mul, scalar, type Tensor, tidy, type Variable } from '@tensorflow/tfjs-core';
import type { Inputs } from '../kernel.ts';
import type { Adam, Sgd } from '../optimizer.ts';
import { type Attribute, op, ops, type TensorflowBackend } from './op.ts';

type Count = { count: number };

export function sgd(
  backend: TensorflowBackend,
  inputs: Inputs,
  { count, learningRate, momentum, nesterov, weightDecay }: Sgd & Count,
): Tensor[] {
  const [rate, kept, decay] = [scalar(learningRate), scalar(momentum), scalar(weightDecay)];
  const change = changing(backend, 2);
  forEach(inputs, count, (of) => {
    const p = of('parameters');
    const g = weightDecay === 0 ? of('gradients') : add(of('gradients'), mul(p, decay));
    if (momentum === 0) change([p], 'ResourceApplyGradientDescent', [rate, g]);
    else change([p, of('velocity')], 'ResourceApplyMomentum', [rate, g, kept], { use_nesterov: nesterov });
  });
  return [];
}

/** What corrects the young means is put into the rate and epsilon, in float64: computed by the op it would be rounded. */
export function adam(
  backend: TensorflowBackend,
  inputs: Inputs,
  { count, learningRate, step, beta1, beta2, epsilon, weightDecay, decoupled }: Adam & Count,
): Tensor[] {
  const root = Math.sqrt(1 - Math.fround(beta2) ** step);
  const rate = (learningRate * root) / (1 - Math.fround(beta1) ** step);
  const numbers = [0, 0, rate, beta1, beta2, epsilon * root].map((value) => scalar(value));
  const decay = scalar(decoupled ? 1 - learningRate * weightDecay : weightDecay);
  const change = changing(backend, 3);
  forEach(inputs, count, (of) => {
    const [p, g] = [of('parameters'), of('gradients')];
    if (decoupled && weightDecay !== 0) p.assign(mul(p, decay));
    const slope = decoupled || weightDecay === 0 ? g : add(g, mul(p, decay));
    change([p, of('firstMoment'), of('secondMoment')], 'ResourceApplyAdam', [...numbers, slope]);
  });
  return [];
}

/** One parameter at a time, with all that belongs to it. */
function forEach(inputs: Inputs, count: number, update: (of: (list: string) => Variable) => void): void {
  for (let i = 0; i < count; i++) tidy(() => update((list) => inputs[`${list}${i}`] as Variable));
}

/**
 * TensorFlow's optimizers are ops that change variables of its own: these are lent the values of ours, one parameter after the other, and ours
 * get what is left there. TensorFlow copies what somebody else holds, so whoever shares the values of before keeps them.
 */
function changing(backend: TensorflowBackend, most: number) {
  const handles = Array.from({ length: most }, () => op(backend, 'VarHandleOp', [], anonymous));
  return (variables: readonly Variable[], name: string, inputs: readonly Tensor[], attributes: Attributes = {}) => {
    const lent = handles.slice(0, variables.length);
    for (const [i, handle] of lent.entries()) ops(backend, 'AssignVariableOp', [handle, variables[i]!], {}, 0);
    ops(backend, name, [...lent, ...inputs], attributes, 0);
    for (const [i, handle] of lent.entries()) variables[i]!.assign(op(backend, 'ReadVariableOp', [handle], float32));
  };
}

type Attributes = Readonly<Record<string, Attribute>>;

const float32: Attributes = { dtype: { type: 'float32' } };

/** Of any shape, and gone with its handle: that is what TensorFlow means by this name. */
const anonymous: Attributes = {
  ...float32,
  shape: { shape: [] },
  shared_name: 'cd2c89b7-88b7-44c8-ad83-06c2a9158347',
};
