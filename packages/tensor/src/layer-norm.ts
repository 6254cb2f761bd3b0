import { add, mean, mul, ones, rsqrt, square, sub, type Tensor, tidy, zeros } from '@tensorflow/tfjs-core';
import { channelSum } from './channel-sum.ts';
import { asVector, checkFloat } from './check.ts';
import { type Gradient, type Kernel, run } from './kernel.ts';
import * as own from './own/layer-norm.ts';

export interface LayerNormOptions {
  /** Scale of each channel, `[C]`; without it 1. */
  gamma?: Tensor | undefined;
  /** Offset of each channel, `[C]`; without it 0. */
  beta?: Tensor | undefined;
  /** Added to the variance before its root is taken. */
  epsilon?: number;
}

/**
 * Layer normalization over the last axis: `gamma · (x - mean) / √(variance + epsilon) + beta`, with the mean and the (biased) variance
 * of each row of channels.
 *
 * @param x Channels last, any rank.
 * @returns The shape of `x`. Gradients flow to `x`, `gamma` and `beta`.
 * @throws {RangeError} if a vector is not `[C]`.
 * @example
 * ```ts
 * import { layerNorm, useBackend } from '@imgcls/tensor';
 * import { tensor2d } from '@tensorflow/tfjs-core';
 *
 * await useBackend('cpu');
 * const y = layerNorm(tensor2d([[1, 3], [10, 10]]), { epsilon: 1e-12 });
 * console.log(Array.from(y.dataSync())); // => [ -1, 1, 0, 0 ]
 * ```
 * Ba et al. 2016, https://arxiv.org/abs/1607.06450
 */
export function layerNorm<T extends Tensor>(x: T, { gamma, beta, epsilon = 1e-5 }: LayerNormOptions = {}): T {
  checkFloat('layerNorm: x', x);
  const channels = x.shape.at(-1);
  if (channels === undefined) throw new RangeError('layerNorm: x must have channels as its last axis, got a scalar');
  return tidy(() => {
    const affine = {
      gamma: asVector('layerNorm: gamma', gamma, channels) ?? ones([channels]),
      beta: asVector('layerNorm: beta', beta, channels) ?? zeros([channels]),
    };
    return run(layerNormKernel, { x, ...affine }, { epsilon });
  }) as T;
}

type LayerNormInputs = { x: Tensor; gamma: Tensor; beta: Tensor };

const layerNormKernel: Kernel<LayerNormInputs, { epsilon: number }> = {
  name: 'ImgclsLayerNorm',
  composed: ({ x, gamma, beta }, { epsilon }) => add(mul(standardized(x, epsilon).y, gamma), beta),
  own: own.layerNormalized,
};

export const layerNormGradient: Gradient<LayerNormInputs, { epsilon: number }, 'x' | 'gamma'> = {
  kernel: layerNormKernel,
  saves: ['x', 'gamma'],
  backward(dy, saved, attributes) {
    const [dx, dGamma, dBeta] = run(gradientKernel, { dy, ...saved }, attributes);
    return { x: () => dx!, gamma: () => dGamma!, beta: () => dBeta! };
  },
};

/** A row with `x̂ = (x - mean) · r` and `r = 1 / √(variance + epsilon)` passes back `r · (g - mean(g) - x̂ · mean(g · x̂))`, where `g = gamma · dy`. */
const gradientKernel: Kernel<{ dy: Tensor; x: Tensor; gamma: Tensor }, { epsilon: number }, Tensor[]> = {
  name: 'ImgclsLayerNormGradient',
  composed({ dy, x, gamma }, { epsilon }) {
    const { y, r } = standardized(x, epsilon);
    const g = mul(dy, gamma);
    const dx = mul(r, sub(sub(g, mean(g, -1, true)), mul(y, mean(mul(g, y), -1, true))));
    return [dx, channelSum(mul(dy, y)), channelSum(dy)];
  },
  own: own.layerNormBackward,
};

/** Rows with mean 0 and variance 1, and what their differences from the mean were multiplied by. */
function standardized(x: Tensor, epsilon: number): { y: Tensor; r: Tensor } {
  const centred = sub(x, mean(x, -1, true));
  const r = rsqrt(add(mean(square(centred), -1, true), epsilon));
  return { y: mul(centred, r), r };
}
