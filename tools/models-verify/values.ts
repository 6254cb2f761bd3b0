import type { HostTensor } from '@imgcls/nn';

/**
 * The values of a tensor of the reference networks: they follow from its name and its shape in PyTorch's layout, so that
 * a comparison needs no files of weights.
 *
 * @param name As in the state dict, or `input` for the images.
 */
export function namedValues(name: string, shape: readonly number[]): HostTensor {
  const last = name.split('.').at(-1)!;
  const [scale, offset] = range(last, shape);
  const data = new Float32Array(sizeOf(shape));
  const seed = fnv1a(name);
  for (let i = 0; i < data.length; i++)
    data[i] = scale * (hash((seed + Math.imul(i, 0x9e3779b9)) | 0) / 2 ** 32) + offset;
  return { dtype: 'float32', shape, data };
}

/** What a value is: `scale · u + offset` for a `u` uniform in `[0, 1)`. */
function range(last: string, shape: readonly number[]): [scale: number, offset: number] {
  const around = (bound: number): [number, number] => [2 * bound, -bound];
  const inputs = sizeOf(shape.slice(1));
  if (last === 'input') return around(2);
  if (last === 'running_mean') return around(0.1);
  if (last === 'running_var') return [1, 0.5];
  if (last === 'weight' && shape.length === 1) return [1, 0.5];
  if (last === 'weight') return around(Math.sqrt((shape.length === 4 ? 6 : 3) / inputs));
  if (last === 'in_proj_weight') return around(Math.sqrt(3 / inputs));
  if (last === 'bias' || last === 'in_proj_bias') return around(0.1);
  return around(0.02); // class tokens, position tables, layer scales
}

function fnv1a(text: string): number {
  return new TextEncoder().encode(text).reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193), 0x811c9dc5);
}

/** The finalizer of MurmurHash3, as an unsigned integer. */
function hash(seed: number): number {
  let x = seed;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((size, length) => size * length, 1);
