import {
  engine,
  getGradient,
  registerGradient,
  type Scalar,
  type Tensor,
  tidy,
  type Variable,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { activationGradients } from './activation.ts';
import { addGradient, mulGradient, scaleGradient } from './arithmetic.ts';
import { attentionGradient } from './attention.ts';
import { conv2dGradient } from './conv.ts';
import { dropoutGradient } from './dropout.ts';
import { type AnyGradient, defineGradient } from './kernel.ts';
import { layerNormGradient } from './layer-norm.ts';
import { linearGradient } from './linear.ts';
import { binaryCrossEntropyGradient, crossEntropyGradient } from './loss.ts';
import { batchNormGradient, batchNormTrainingGradient } from './norm.ts';
import { avgPoolGradient, maxPoolGradient } from './pool.ts';
import { concatGradient, reshapeGradient } from './shape.ts';
import { stockGradients } from './stock-gradients.ts';
import { backpropagate, recorded } from './tape.ts';

/** A function's value and its slope along each parameter. Both are the caller's to dispose. */
export interface Gradients {
  value: Scalar;
  /** By the parameter's name, in its shape; zeros for one that the value does not depend on. */
  gradients: Record<string, Tensor>;
}

/**
 * Runs a function and differentiates its value by the parameters.
 *
 * Operations of this package and of tfjs-core may be mixed in it.
 *
 * @param f Computes a scalar, such as the loss of a batch.
 * @throws {TypeError} if `f` returns anything but a float32 scalar, or uses an operation that has no gradient.
 * @example
 * ```ts
 * import { gradients, useBackend } from '@imgcls/tensor';
 * import { scalar, square, variable } from '@tensorflow/tfjs-core';
 *
 * await useBackend('cpu');
 * const x = variable(scalar(3));
 * const { value, gradients: slopes } = gradients(() => square(x), { x });
 * console.log(value.dataSync()[0], slopes.x?.dataSync()[0]); // => 9 6
 * ```
 */
export function gradients(f: () => Tensor, parameters: Readonly<Record<string, Variable>>): Gradients {
  registerGradients();
  const variables = Object.values(parameters);
  const { value, grads } = differentiate(() => checkScalar(f()), variables);
  const slopes = Object.keys(parameters).map((name, i) => [name, grads[i] ?? zerosLike(variables[i]!)] as const);
  return { value, gradients: Object.fromEntries(slopes) };
}

/**
 * Makes the operations of this package, and all of tfjs-core, differentiable. `gradients` does so by itself; call it before you use
 * `grads`, `variableGrads` or an optimizer's `minimize` of tfjs-core. Calling it again changes nothing.
 *
 * Not done when the package is loaded, so that a page that only predicts is not made to carry it.
 */
export function registerGradients(): void {
  for (const gradient of ownGradients()) defineGradient(gradient);
  for (const gradient of stockGradients) if (!getGradient(gradient.kernelName)) registerGradient(gradient);
}

/** A function, since bundlers keep a list with a spread in it even where nobody reads it. */
const ownGradients = (): readonly AnyGradient[] => [
  conv2dGradient,
  linearGradient,
  batchNormGradient,
  batchNormTrainingGradient,
  layerNormGradient,
  attentionGradient,
  dropoutGradient,
  maxPoolGradient,
  avgPoolGradient,
  ...activationGradients(),
  crossEntropyGradient,
  binaryCrossEntropyGradient,
  addGradient,
  mulGradient,
  scaleGradient,
  reshapeGradient,
  concatGradient,
];

function differentiate(f: () => Scalar, variables: Variable[]): { value: Scalar; grads: (Tensor | undefined)[] } {
  if (variables.length === 0) return { value: f(), grads: [] };
  try {
    return tidy(() => {
      const { value, tape } = recorded(f);
      return { value, grads: backpropagate(value, tape, variables) };
    }) as { value: Scalar; grads: Tensor[] };
  } catch (error) {
    releaseTape();
    throw explained(error);
  }
}

/** What the tape has saved outlives scopes, and a failure leaves it to leak. */
function releaseTape(): void {
  const { state } = engine();
  if (state.gradientDepth > 0) return; // the tape of a differentiation around this one
  for (const { saved } of state.activeTape ?? []) for (const tensor of saved ?? []) tensor.dispose();
  state.activeTape = [];
}

function explained(error: unknown): unknown {
  const kernel = error instanceof Error && /gradient function not found for (\w+)/.exec(error.message)?.[1];
  if (!kernel) return error;
  return new TypeError(
    `gradients: every operation between a parameter and the value needs a gradient, got ${kernel} without one; ` +
      'give it one with registerGradient or customGrad of tfjs-core, or compute that part before gradients()',
    { cause: error },
  );
}

function checkScalar(value: Tensor): Scalar {
  if (value.rank !== 0 || value.dtype !== 'float32')
    throw new TypeError(
      `gradients: the function must return a float32 scalar, got ${value.dtype} [${value.shape}]; a batch of losses needs a mean`,
    );
  return value as Scalar;
}
