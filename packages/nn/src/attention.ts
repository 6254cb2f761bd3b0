import { linear as affine, attention as attend, reshape, type Tensor } from '@imgcls/tensor';
import { type Rank, split, transpose } from '@tensorflow/tfjs-core';
import { constant, initialize, xavierUniform } from './initializers.ts';
import { describe } from './inspect.ts';
import { linear } from './linear.ts';
import { type Module, module, parameter } from './module.ts';
import { trainingRandom } from './scope.ts';
import { checkCounts } from './shape.ts';

export interface SelfAttentionOptions {
  /** Features of each place; a multiple of `heads`. */
  features: number;
  heads: number;
  /** Of the attention. Default 0. */
  dropout?: number;
}

/**
 * Multi-head attention of the places of a sequence to each other, `[N, L, features]` to the same: PyTorch's
 * `MultiheadAttention` of a sequence with itself, under its names `in_proj_weight`, `in_proj_bias` and `out_proj`.
 *
 * @throws {RangeError} if the features are no multiple of the heads.
 *
 * Vaswani et al. 2017, https://arxiv.org/abs/1706.03762
 */
export function selfAttention({ features, heads, dropout = 0 }: SelfAttentionOptions): Module {
  checkCounts('selfAttention', { features, heads });
  if (features % heads !== 0)
    throw new RangeError(
      `selfAttention: features must be a multiple of heads, got features=${features}, heads=${heads}`,
    );
  const layer = module(
    {
      in_proj_weight: parameter(initialize<Rank.R2>([features, 3 * features], xavierUniform()), { layout: 'linear' }),
      in_proj_bias: parameter(initialize<Rank.R1>([3 * features], constant(0))),
      out_proj: linear({ inFeatures: features, outFeatures: features, bias: constant(0) }),
    },
    ({ in_proj_weight, in_proj_bias, out_proj }, x) => {
      const rows = affine(reshape(x, [-1, features]), in_proj_weight, in_proj_bias);
      const { query, key, value } = splitHeads(reshape(rows, [-1, x.shape[1]!, 3 * features]), heads);
      const random = trainingRandom();
      const drop = random && dropout > 0 ? { rate: dropout, random } : undefined;
      return out_proj(joinHeads(attend(query, key, value, { dropout: drop })));
    },
    describe(
      'selfAttention',
      [features],
      [
        ['heads', heads],
        ['dropout', dropout, 0],
      ],
    ),
  );
  return layer as unknown as Module;
}

/** Queries, keys and values side by side, `[N, L, 3 · heads · D]`, as three of `[N, heads, L, D]`. */
export function splitHeads(x: Tensor, heads: number): { query: Tensor; key: Tensor; value: Tensor } {
  const [n, length, features] = x.shape as [number, number, number];
  const [query, key, value] = split(x, 3, -1).map((part) =>
    transpose(reshape(part, [n, length, heads, features / 3 / heads]), [0, 2, 1, 3]),
  ) as [Tensor, Tensor, Tensor];
  return { query, key, value };
}

/** The outputs of all heads side by side: `[N, heads, L, D]` to `[N, L, heads · D]`. */
export function joinHeads(x: Tensor): Tensor {
  const [n, heads, length, features] = x.shape as [number, number, number, number];
  return reshape(transpose(x, [0, 2, 1, 3]), [n, length, heads * features]);
}
