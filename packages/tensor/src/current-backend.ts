import { engine } from '@tensorflow/tfjs-core';

/**
 * The name of the backend that computes at the moment, as tfjs knows it.
 *
 * @throws {Error} if none has been chosen: tensors can be made only after `useBackend()`.
 */
export function currentBackend(): string {
  const tfjs = engine();
  try {
    tfjs.backend; // brings one up, if tfjs has been given any
  } catch (cause) {
    throw new Error('imgcls: no backend is in use yet, so tensors cannot be made; call await useBackend() first', {
      cause,
    });
  }
  return tfjs.backendName;
}
