import { engine, type Rank, type ShapeMap, type Tensor, tensor, util } from '@tensorflow/tfjs-core';
import { ownBackend } from './own-backend.ts';

/**
 * A float32 tensor whose values are written by a function: on `native` and `wasm` straight to where the engine keeps them, so that there is no
 * copy of large weights beside it.
 *
 * @param fill Must write every value, and not keep the array. What is in it before is not said.
 * @returns Owned by the caller.
 * @throws {Error} if no backend is in use, and what `fill` throws.
 * @example
 * ```ts
 * import { filled, useBackend } from '@imgcls/tensor';
 *
 * await useBackend('cpu');
 * const powers = filled([2, 3], (values) => {
 *   for (let i = 0; i < values.length; i++) values[i] = 2 ** i;
 * });
 * console.log(powers.arraySync()); // => [ [ 1, 2, 4 ], [ 8, 16, 32 ] ]
 * ```
 */
export function filled<R extends Rank = Rank>(shape: ShapeMap[R], fill: (values: Float32Array) => void): Tensor<R> {
  const backend = ownBackend();
  if (backend) return engine().makeTensorFromTensorInfo(backend.filled(shape, fill), backend) as Tensor<R>;
  const values = new Float32Array(util.sizeFromShape(shape));
  fill(values);
  return tensor(values, shape, 'float32');
}
