import { reshape, sum, type Tensor, type Tensor1D } from '@tensorflow/tfjs-core';
import { type Kernel, run } from './kernel.ts';
import * as own from './own/norm.ts';

/** The sum over all axes but the last, `[C]`. Not differentiable: it is what gradients are made of. */
export function channelSum(x: Tensor): Tensor1D {
  return run(channelSumKernel, { x }, {});
}

const channelSumKernel: Kernel<{ x: Tensor }, Record<never, never>, Tensor1D> = {
  name: 'ImgclsChannelSum',
  composed: ({ x }) => sum(reshape(x, [-1, x.shape.at(-1)!]), 0) as Tensor1D,
  own: own.channelSum,
};
