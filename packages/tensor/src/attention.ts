import { matMul, mul, sub, sum, type Tensor, type Tensor4D, tidy, transpose } from '@tensorflow/tfjs-core';
import { softmax } from './activation.ts';
import { add, scale as scaled } from './arithmetic.ts';
import { checkLayout } from './check.ts';
import { type DropoutOptions, dropout as drop } from './dropout.ts';
import { type Gradient, type Kernel, run } from './kernel.ts';
import * as own from './own/attention.ts';

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
 * @returns `[N, heads, L, E]`. Without bias and dropout, the backends `native` and `wasm` never hold the products of all queries and keys.
 * @throws {RangeError} if the shapes do not fit together.
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
  const inputs = { query, key, value };
  for (const [name, tensor] of Object.entries(inputs)) checkLayout(`attention: ${name}`, tensor, '[N, heads, L, D]');
  checkShapes(inputs);
  const { scale = 1 / Math.sqrt(query.shape[3]!), bias, dropout } = options;
  if (!bias && !dropout) return run(attentionKernel, inputs, { scale }) as Tensor4D;
  // The gradient of a bias is that of the products themselves, and dropped weights are needed again: so they are kept.
  return tidy(() => {
    const products = productsOf(inputs, scale);
    const weights = softmax(bias ? add(products, bias) : products);
    return matMul(dropout ? drop(weights, dropout) : weights, value) as Tensor4D;
  });
}

type AttentionInputs = { query: Tensor; key: Tensor; value: Tensor };
type Scale = { scale: number };

/** `[N, heads, L, S]` */
const productsOf = ({ query, key }: AttentionInputs, scale: number): Tensor =>
  matMul(scaled(query, scale), transpose(key, [0, 1, 3, 2]));

const attentionKernel: Kernel<AttentionInputs, Scale> = {
  name: 'ImgclsAttention',
  composed: (inputs, { scale }) => matMul(softmax(productsOf(inputs, scale)), inputs.value),
  own: own.attended,
};

export const attentionGradient: Gradient<AttentionInputs, Scale, keyof AttentionInputs> = {
  kernel: attentionKernel,
  saves: ['query', 'key', 'value'],
  backward(dy, saved, attributes) {
    const [dQuery, dKey, dValue] = run(gradientKernel, { dy, ...saved }, attributes);
    return { query: () => dQuery!, key: () => dKey!, value: () => dValue! };
  },
};

/**
 * With `W = softmax(Q · Kᵀ)` of scaled queries: `dV = Wᵀ · dY`, `dS = W ∘ (dY · Vᵀ - Σ dY ∘ Y)`, `dQ = scale · dS · K`, `dK = dSᵀ · Q`. The
 * weights are computed again: keeping them would take more memory than all else of a transformer.
 */
const gradientKernel: Kernel<AttentionInputs & { dy: Tensor }, Scale, Tensor[]> = {
  name: 'ImgclsAttentionGradient',
  composed({ dy, query, key, value }, { scale }) {
    const weights = softmax(productsOf({ query, key, value }, scale));
    const slopes = matMul(dy, value, false, true);
    const common = sum(mul(weights, slopes), -1, true);
    const dProducts = scaled(mul(weights, sub(slopes, common)), scale);
    return [matMul(dProducts, key), matMul(dProducts, query, true, false), matMul(weights, dy, true, false)];
  },
  own: own.attendedBackward,
};

function checkShapes({ query, key, value }: AttentionInputs): void {
  const [n, heads, , depth] = query.shape;
  const expected = { key: [n, heads, key.shape[2], depth], value: [n, heads, key.shape[2], value.shape[3]] };
  for (const [name, shape] of Object.entries(expected)) {
    const got = (name === 'key' ? key : value).shape;
    if (got.join() !== shape.join())
      throw new RangeError(
        `attention: ${name} must be [${shape}] for queries of [${query.shape}]${name === 'value' ? ` and keys of [${key.shape}]` : ''}, got [${got}]`,
      );
  }
}
