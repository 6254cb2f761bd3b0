import { matMul, type Tensor, type Tensor4D, tidy, transpose } from '@tensorflow/tfjs-core';
import { softmax } from './activation.ts';
import { add, scale as scaled } from './arithmetic.ts';
import { checkLayout } from './check.ts';
import { type DropoutOptions, dropout as drop } from './dropout.ts';

export interface AttentionOptions {
  /** What the products of queries and keys are multiplied by; without it `1 / √D`. */
  scale?: number;
  /** Added to the scaled products; a shape that broadcasts to `[N, heads, L, S]`. */
  bias?: Tensor | undefined;
  /** Dropout of the attention, for training. */
  dropout?: DropoutOptions | undefined;
}

/**
 * Scaled dot-product attention: `softmax(query · keyᵀ · scale + bias) · value`, for each head.
 *
 * @param query `[N, heads, L, D]`.
 * @param key `[N, heads, S, D]`.
 * @param value `[N, heads, S, E]`.
 * @returns `[N, heads, L, E]`.
 * @example
 * ```ts
 * import { attention, useBackend } from '@imgcls/tensor';
 * import { tensor } from '@tensorflow/tfjs-core';
 *
 * await useBackend('cpu');
 * const query = tensor([[[[0, 0]]]]); // the same for every key
 * const y = attention(query, tensor([[[[1, 2], [3, 4]]]]), tensor([[[[10], [20]]]]));
 * console.log(y.dataSync()[0]); // => 15
 * ```
 * Vaswani et al. 2017, https://arxiv.org/abs/1706.03762
 */
export function attention(query: Tensor, key: Tensor, value: Tensor, options: AttentionOptions = {}): Tensor4D {
  for (const [name, tensor] of Object.entries({ query, key, value }))
    checkLayout(`attention: ${name}`, tensor, '[N, heads, L, D]');
  const { scale = 1 / Math.sqrt(query.shape[3]!), bias, dropout } = options;
  return tidy(() => {
    const products = matMul(scaled(query, scale), transpose(key, [0, 1, 3, 2])); // [N, heads, L, S]
    const weights = softmax(bias ? add(products, bias) : products);
    return matMul(dropout ? drop(weights, dropout) : weights, value) as Tensor4D;
  });
}
