import type { Storage } from '@imgcls/kernels';
import { currentBackend } from './current-backend.ts';

/**
 * How activations and their gradients are stored: as they are computed, or rounded to bfloat16, which halves the memory that a step goes
 * through. Sums are float32, and so are weights, statistics, losses and what optimizers remember; to whoever reads it, every tensor is
 * float32. Where `native` has AVX512-BF16, matrix products and convolutions round the weights that they multiply, too.
 *
 * On `tensorflow` it is convolutions and linear layers that get values rounded to bfloat16, for which its processors are faster; what is stored is
 * float32.
 */
export type Precision = Storage;

let current: Precision = 'float32';

const withBf16 = new Set(['native', 'wasm']);

/** Says that a backend gains by bfloat16 on this machine. */
export const offerBf16 = (backend: 'tensorflow'): unknown => withBf16.add(backend);

/**
 * Runs a forward pass, or `gradients` with one in it, with activations stored in a precision.
 *
 * @param run Synchronous: the precision holds until it returns.
 * @returns What `run` returned.
 * @throws {RangeError} if it is `'bf16'` and the backend is neither `native` nor `wasm`, nor `tensorflow` on a processor with bfloat16: NVIDIA's from
 *   compute capability 8.0 on, CPUs with AVX512-BF16 or AMX.
 * @example
 * ```ts
 * import { conv2d, relu, useBackend, withPrecision } from '@imgcls/tensor';
 * import { fill, ones } from '@tensorflow/tfjs-core';
 *
 * await useBackend('wasm');
 * const y = withPrecision('bf16', () => relu(conv2d(ones([1, 1, 1, 1]), fill([1, 1, 1, 1], 1.001)))); // has 8 bits of precision
 * console.log(y.dtype, Array.from(y.dataSync())); // => float32 [ 1 ]
 * ```
 */
export function withPrecision<T>(precision: Precision, run: () => T): T {
  const backend = currentBackend();
  if (precision === 'bf16' && !withBf16.has(backend))
    throw new RangeError(
      `withPrecision: 'bf16' needs the backend 'native' or 'wasm', or 'tensorflow' on a processor with bfloat16, got '${backend}'; call useBackend('native') first, or take 'float32'`,
    );
  const outer = current;
  current = precision;
  try {
    return run();
  } finally {
    current = outer;
  }
}

/** How kernels of ours are to store an activation, or the gradient of one. */
export const activationStorage = (): Storage => current;
