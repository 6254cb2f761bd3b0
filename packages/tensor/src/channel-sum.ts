import { avgPool, mul, reshape, sum, type Tensor, type Tensor1D, type Tensor4D } from '@tensorflow/tfjs-core';
import { type Kernel, run } from './kernel.ts';

/** The sum over all axes but the last, `[C]`. Not differentiable: it is what gradients are made of. */
export function channelSum(x: Tensor): Tensor1D {
  return run(channelSumKernel, { x }, {});
}

const channelSumKernel: Kernel<{ x: Tensor }, Record<never, never>, Tensor1D> = {
  name: 'ImgclsChannelSum',
  composed: ({ x }) => sum(reshape(x, [-1, x.shape.at(-1)!]), 0) as Tensor1D,
  on: {
    wasm: ({ x }, attributes, composed) => (x.rank === 4 ? sumByPooling(x as Tensor4D) : composed({ x }, attributes)),
  },
};

/** The mean over the pixels of each image, then over the images: on `wasm` 10 times faster than a sum over the outer axes. */
function sumByPooling(x: Tensor4D): Tensor1D {
  const [n, h, w, channels] = x.shape;
  const perImage = avgPool(reshape(x, [n, h * w, 1, channels]) as Tensor4D, [h * w, 1], 1, 'valid');
  const mean = avgPool(reshape(perImage, [1, n, 1, channels]) as Tensor4D, [n, 1], 1, 'valid');
  return mul(reshape(mean, [channels]), n * h * w);
}
