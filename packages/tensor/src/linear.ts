import { add, matMul, type Tensor, type Tensor1D, type Tensor2D } from '@tensorflow/tfjs-core';
import { channelSum } from './channel-sum.ts';
import { asMatrix, asVector } from './check.ts';
import { type Gradient, type Kernel, run } from './kernel.ts';
import * as own from './own/matmul.ts';

/**
 * A fully connected layer: `x · weight + bias`.
 *
 * @param x `[N, inFeatures]`.
 * @param weight `[inFeatures, outFeatures]`.
 * @param bias `[outFeatures]`.
 * @returns `[N, outFeatures]`.
 * @throws {RangeError} if the shapes do not belong together.
 * @example
 * ```ts
 * import { linear, useBackend } from '@imgcls/tensor';
 * import { tensor1d, tensor2d } from '@tensorflow/tfjs-core';
 *
 * await useBackend('cpu');
 * const y = linear(tensor2d([[1, 2]]), tensor2d([[1], [10]]), tensor1d([0.5]));
 * console.log(y.dataSync()[0]); // => 21.5
 * ```
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor2D {
  const rows = asMatrix('linear: x', x, '[N, inFeatures]');
  const columns = asMatrix('linear: weight', weight, '[inFeatures, outFeatures]');
  const [inFeatures, outFeatures] = columns.shape;
  if (rows.shape[1] !== inFeatures)
    throw new RangeError(
      `linear: x must have inFeatures=${inFeatures} columns, as weight has rows, got [${rows.shape}]`,
    );
  return run(linearKernel, { x: rows, weight: columns, bias: asVector('linear: bias', bias, outFeatures) }, {});
}

type LinearInputs = { x: Tensor2D; weight: Tensor2D; bias?: Tensor1D | undefined };

const linearKernel: Kernel<LinearInputs, Record<never, never>, Tensor2D> = {
  name: 'ImgclsLinear',
  composed({ x, weight, bias }) {
    const y = matMul(x, weight);
    return bias ? add<Tensor2D>(y, bias) : (y as Tensor2D);
  },
  own: own.linear,
};

const inputGradientKernel: Kernel<{ dy: Tensor2D; weight: Tensor2D }, Record<never, never>, Tensor2D> = {
  name: 'ImgclsLinearInputGradient',
  composed: ({ dy, weight }) => matMul(dy, weight, false, true),
  own: own.linearInputGradient,
};

export const linearGradient: Gradient<LinearInputs, Record<never, never>, 'x' | 'weight', Tensor2D> = {
  kernel: linearKernel,
  saves: ['x', 'weight'],
  backward: (dy, { x, weight }) => ({
    x: () => run(inputGradientKernel, { dy, weight }, {}),
    weight: () => matMul(x, dy, true),
    bias: () => channelSum(dy),
  }),
};
