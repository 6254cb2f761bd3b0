import { type Activation, activation, activationGradient, type Buffer, type Kernels } from '@imgcls/kernels';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { KernelsBackend } from '../kernels-backend.ts';
import { alike, type Recipe, type TensorData } from '../tensor-data.ts';
import { storageOf } from './own.ts';

/** `f(x)`: as part of what gives `x`, where that still waits. */
export function activated(backend: KernelsBackend, x: TensorInfo, f: Activation): TensorInfo {
  const data = backend.of(x);
  const joined = data.pending?.activated?.(f);
  if (joined) return backend.later(x.shape, storageOf(backend, x), joined);
  const y = backend.allocate(x.shape, storageOf(backend, x));
  activation(backend.kernels, data.size, f, { x: data.buffer, y: backend.of(y).buffer });
  return y;
}

/**
 * `dy · f′`, which waits: the gradient of a normalisation before the activation takes it up (see norm.ts).
 *
 * @param saved The output where `isFromOutput(f)`, else the argument.
 */
export function activationSlope(backend: KernelsBackend, dy: TensorInfo, saved: TensorInfo, f: Activation): TensorInfo {
  return backend.later(dy.shape, storageOf(backend, dy), new Slope(backend.of(dy), backend.of(saved), f));
}

/** What `activationSlope` waits with. */
export class Slope implements Recipe {
  readonly ingredients: readonly TensorData[];

  constructor(
    readonly dy: TensorData,
    readonly saved: TensorData,
    readonly f: Activation,
  ) {
    this.ingredients = [dy, saved];
  }

  compute(kernels: Kernels, dx: Buffer): void {
    alike(kernels, dx, [this.dy, this.saved], (dx, dy, saved) =>
      activationGradient(kernels, this.dy.size, this.f, { dy, saved, dx }),
    );
  }
}
