import { add, matMul, type Tensor1D, type Tensor2D, transpose } from '@tensorflow/tfjs-core';
import { channelSum } from './channel-sum.ts';
import { checkLayout, checkVector } from './check.ts';
import { type Gradient, type Kernel, run } from './kernel.ts';

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
export function linear(x: Tensor2D, weight: Tensor2D, bias?: Tensor1D): Tensor2D {
  checkLayout('linear: x', x, '[N, inFeatures]');
  checkLayout('linear: weight', weight, '[inFeatures, outFeatures]');
  if (x.shape[1] !== weight.shape[0])
    throw new RangeError(
      `linear: x must have inFeatures=${weight.shape[0]} columns as weight has rows, got [${x.shape}]`,
    );
  checkVector('linear: bias', bias, weight.shape[1]);
  return run(linearKernel, { x, weight, bias }, {});
}

type LinearInputs = { x: Tensor2D; weight: Tensor2D; bias?: Tensor1D | undefined };

const linearKernel: Kernel<LinearInputs, Record<never, never>, Tensor2D> = {
  name: 'ImgclsLinear',
  composed({ x, weight, bias }) {
    const y = matMul(x, weight);
    return bias ? add<Tensor2D>(y, bias) : (y as Tensor2D);
  },
};

/** Matrices are transposed before they are multiplied: the `wasm` backend takes 10 times longer for a product that transposes. */
export const linearGradient: Gradient<LinearInputs, Record<never, never>, 'x' | 'weight', Tensor2D> = {
  kernel: linearKernel,
  saves: ['x', 'weight'],
  backward: (dy, { x, weight }) => ({
    x: () => matMul(dy, transpose(weight)),
    weight: () => matMul(transpose(x), dy),
    bias: () => channelSum(dy),
  }),
};
