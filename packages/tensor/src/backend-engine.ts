import type { KernelBackend } from '@tensorflow/tfjs-core';

/** The engines, by the names that tfjs knows them under. */
export type BackendName = 'tensorflow' | 'webgpu' | 'native' | 'webgl' | 'wasm' | 'cpu';

export interface BackendOptions {
  /**
   * Folder (a URL that ends in `/`) of the `.wasm` files of `@imgcls/kernels`, for pages whose bundler leaves them behind. Counts when the
   * `wasm` backend is opened for the first time.
   */
  wasmPath?: string;
  /**
   * How many threads share the work, on `native`, `wasm` and `tensorflow`: without it as many as the machine has processors, or as
   * `IMGCLS_THREADS` (for `tensorflow`: `TF_NUM_INTRAOP_THREADS`) in the environment says. On `native` and `wasm` any number gives the same
   * results, bit for bit, and one that runs already takes a new number too; on `tensorflow` it counts when the backend is opened for the first time.
   */
  threads?: number;
  /**
   * Whether `native` and `wasm` compute on a thread of their own, so that `await tensor.data()` leaves this one free: what a server wants.
   * Counts when the backend is opened for the first time.
   * @defaultValue false
   */
  queued?: boolean;
  /**
   * Whether `native` and `wasm` also bring the kernels of tfjs that we have none of our own for. They weigh 60 kB in a page: one that calls
   * nothing but operations of this package, to classify images, does without.
   * @defaultValue true
   */
  fallbacks?: boolean;
}

/** A running engine: what it computes on decides whether it is chosen without being asked for. */
export interface OpenBackend {
  backend: KernelBackend;
  /** `software`: a graphics driver that computes on the CPU, far slower than an engine made for CPUs. */
  hardware: 'gpu' | 'cpu' | 'software';
  /** What it runs on, in words: `NVIDIA H100`, `CPU, WebAssembly with SIMD, 1 thread`. */
  device: string;
  /** Version of the package it comes from. */
  version: string;
}

/** One way to compute. */
export interface Engine {
  name: BackendName;
  /** Whether it is worth the time to load it for the sake of such hardware; without it always. */
  mayHave?(hardware: OpenBackend['hardware']): boolean;
  /**
   * Loads the engine without making it the current one.
   *
   * @param running What tfjs already runs under this name, with tensors in it: to be described, not built again.
   * @throws {BackendError} if the engine does not work here.
   */
  open(options: BackendOptions, running?: KernelBackend): Promise<OpenBackend>;
}

/** A backend does not work here: `reason` says why, `nextStep` what to do about it. */
export class BackendError extends Error {
  override readonly name = 'BackendError';

  constructor(
    readonly backend: BackendName,
    readonly reason: string,
    readonly nextStep: string,
    options?: ErrorOptions,
  ) {
    super(`useBackend: ${backend} does not work here: ${reason}; ${nextStep}`, options);
  }
}

/** An engine that can never work on this platform. */
export function unavailable(name: BackendName, reason: string, nextStep: string): Engine {
  return { name, open: () => Promise.reject(new BackendError(name, reason, nextStep)) };
}

/** The first line of whatever was thrown, without a full stop (tfjs rejects with plain objects too). */
export function messageOf(error: unknown): string {
  const message = (error as { message?: unknown } | null)?.message ?? error;
  return String(message)
    .split('\n', 1)[0]!
    .replace(/\.?\s*$/, '');
}
