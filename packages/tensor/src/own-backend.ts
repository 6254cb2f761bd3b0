import { engine, type KernelBackend } from '@tensorflow/tfjs-core';
import { currentBackend } from './current-backend.ts';
import type { KernelsBackend } from './kernels-backend.ts';

/**
 * The backend in use if it is `native` or `wasm`, whose tensors lie in memory of ours.
 *
 * @throws {Error} if no backend is in use.
 */
export function ownBackend(): KernelsBackend | undefined {
  currentBackend(); // so that a missing one is told in words
  const { backend } = engine();
  return isOwn(backend) ? backend : undefined;
}

const isOwn = (backend: KernelBackend): backend is KernelsBackend => 'kernels' in backend;
