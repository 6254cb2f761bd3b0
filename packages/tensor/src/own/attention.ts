import { type AttentionShape, attention, attentionGradient, type Block } from '@imgcls/kernels';
import type { Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import type { KernelsBackend } from '../kernels-backend.ts';
import { stored, type TensorData } from '../tensor-data.ts';

type Inputs = { query: Tensor; key: Tensor; value: Tensor };
type Scale = { scale: number };

export function attended(backend: KernelsBackend, inputs: Inputs, { scale }: Scale): TensorInfo | undefined {
  const shape = shapeOf(inputs, scale);
  if (!shape) return undefined;
  const { query, value } = inputs;
  const y = backend.allocate([...query.shape.slice(0, -1), shape.width]);
  inFloat32(backend, [query, inputs.key, value], ([query, key, value]) =>
    attention(backend.kernels, shape, { query: query!, key: key!, value: value!, y: backend.of(y).block }),
  );
  return y;
}

/** `[dQuery, dKey, dValue]` */
export function attendedBackward(
  backend: KernelsBackend,
  { dy, ...inputs }: Inputs & { dy: Tensor },
  { scale }: Scale,
): TensorInfo[] | undefined {
  const shape = shapeOf(inputs, scale);
  if (!shape) return undefined;
  const { query, key, value } = inputs;
  const results = [query, key, value].map((each) => backend.allocate(each.shape));
  const [dQuery, dKey, dValue] = results.map((each) => backend.of(each).block) as [Block, Block, Block];
  inFloat32(backend, [dy, query, key, value], ([dy, query, key, value]) =>
    attentionGradient(backend.kernels, shape, {
      ...{ dy: dy!, query: query!, key: key!, value: value! },
      ...{ dQuery, dKey, dValue },
    }),
  );
  return results;
}

/** Undefined where there is nothing to attend to. */
function shapeOf({ query, key, value }: Inputs, scale: number): AttentionShape | undefined {
  const [n, heads, queries, depth] = query.shape as [number, number, number, number];
  const [keys, width] = value.shape.slice(2) as [number, number];
  const isEmpty = [query, key, value].some(({ size }) => size === 0);
  return isEmpty ? undefined : { heads: n * heads, queries, keys, depth, width, scale };
}

function inFloat32(backend: KernelsBackend, tensors: readonly Tensor[], run: (blocks: readonly Block[]) => void): void {
  const from = ([first, ...rest]: readonly TensorData[], blocks: readonly Block[]): void =>
    first ? stored(backend.kernels, first, 'float32', ({ block }) => from(rest, [...blocks, block])) : run(blocks);
  from(
    tensors.map((tensor) => backend.of(tensor)),
    [],
  );
}
