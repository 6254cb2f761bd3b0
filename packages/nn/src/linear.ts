import { linear as affine, reshape } from '@imgcls/tensor';
import type { Rank } from '@tensorflow/tfjs-core';
import { biasParameter } from './conv.ts';
import { type Initializer, initialize, kaimingUniform } from './initializers.ts';
import { describe } from './inspect.ts';
import { type Module, module, type Parameter, parameter } from './module.ts';
import { checkCounts, checkInput } from './shape.ts';

export interface LinearOptions {
  inFeatures: number;
  outFeatures: number;
  /** Whether there is one, or how it starts. By default there is, uniform in `±1/√inFeatures`. */
  bias?: boolean | Initializer;
  /** How the weight starts: by default as in PyTorch, uniform in `±1/√inFeatures`. */
  weight?: Initializer;
}

/**
 * A fully connected layer: `x · weight + bias`, from `[…, inFeatures]` to `[…, outFeatures]`.
 *
 * Parameters: `weight` (`[inFeatures, outFeatures]`; on disk `[outFeatures, inFeatures]`) and `bias` (`[outFeatures]`).
 */
export function linear(
  options: LinearOptions,
): Module<{ weight: Parameter<Rank.R2>; bias: Parameter<Rank.R1> | undefined }> {
  const { inFeatures, outFeatures } = options;
  const { weight = kaimingUniform({ negativeSlope: Math.sqrt(5) }), bias = true } = options;
  checkCounts('linear', { inFeatures, outFeatures });
  return module(
    {
      weight: parameter(initialize<Rank.R2>([inFeatures, outFeatures], weight), { layout: 'linear' }),
      bias: biasParameter(bias, outFeatures, inFeatures),
    },
    ({ weight, bias }, x) => {
      if (x.rank <= 2 || x.shape.at(-1) !== inFeatures) checkInput('linear', x, { rank: 2, channels: inFeatures });
      if (x.rank === 2) return affine(x, weight, bias);
      return reshape(affine(reshape(x, [-1, inFeatures]), weight, bias), [...x.shape.slice(0, -1), outFeatures]);
    },
    describe('linear', [inFeatures, outFeatures], [['bias', bias !== false, true]]),
  );
}
