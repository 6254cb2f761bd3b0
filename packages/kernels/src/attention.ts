import type { Kernels } from './kernels.ts';
import type { Block } from './memory.ts';

/** Heads of all examples, each of which attends by itself. */
export interface AttentionShape {
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
  /** Of queries and keys. */
  readonly depth: number;
  /** Of values. */
  readonly width: number;
  readonly scale: number;
}

/** Float32: `query [heads, queries, depth]`, `key [heads, keys, depth]`, `value [heads, keys, width]`. */
export interface AttentionInputs {
  readonly query: Block;
  readonly key: Block;
  readonly value: Block;
}

/**
 * `y = softmax(scale · query · keyᵀ) · value` for each head, `[heads, queries, width]`, without memory for all products of queries and keys.
 *
 * Rabe and Staats 2021, https://arxiv.org/abs/2112.05682
 */
export function attention(
  kernels: Kernels,
  shape: AttentionShape,
  { query, key, value, y }: AttentionInputs & { readonly y: Block },
): void {
  kernels.call('attention', ...numbersOf(shape), query, key, value, y);
}

/** The gradients of `attention` by its inputs, from that of its result. */
export interface AttentionGradient extends AttentionInputs {
  readonly dy: Block;
  readonly dQuery: Block;
  readonly dKey: Block;
  readonly dValue: Block;
}

export function attentionGradient(
  kernels: Kernels,
  shape: AttentionShape,
  { dy, query, key, value, dQuery, dKey, dValue }: AttentionGradient,
): void {
  kernels.call('attention_gradient', ...numbersOf(shape), dy, query, key, value, dQuery, dKey, dValue);
}

const numbersOf = ({ heads, queries, keys, depth, width, scale }: AttentionShape): number[] => [
  heads,
  queries,
  keys,
  depth,
  width,
  scale,
];
