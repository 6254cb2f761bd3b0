import {
  engine,
  getGradient,
  getKernel,
  type NamedAttrMap,
  type NamedTensorMap,
  registerGradient,
  registerKernel,
  type Tensor,
  type TensorInfo,
  tidy,
} from '@tensorflow/tfjs-core';
import type { BackendName } from './backend-engine.ts';
import { currentBackend } from './current-backend.ts';
import type { KernelsBackend } from './kernels-backend.ts';

/** The tensors a kernel takes, by name. Those that are absent are left out of the run. */
export type Inputs = Readonly<Record<string, Tensor | undefined>>;

/**
 * One operation under a name of our own, with the version of it that is composed from stock tfjs kernels and so runs on any backend.
 *
 * A backend does it its own way if `own` or `on` say so, if `provideKernels` gave it a version, or if it has registered a kernel of that name
 * with tfjs.
 */
export interface Kernel<I extends Inputs, A extends object, O extends Tensor | Tensor[] = Tensor> {
  readonly name: `Imgcls${string}`;
  composed(inputs: I, attributes: A): O;
  /** How `native` and `wasm` compute it, on our kernels; undefined where they can't. */
  own?(backend: KernelsBackend, inputs: I, attributes: A): TensorInfo | TensorInfo[] | undefined;
  readonly on?: { readonly [B in BackendName]?: Override<I, A, O> };
}

/** Another composition, better on some backend; it may fall back on the general one. */
export type Override<I extends Inputs, A extends object, O extends Tensor | Tensor[] = Tensor> = (
  inputs: I,
  attributes: A,
  composed: (inputs: I, attributes: A) => O,
) => O;

/** How gradients flow back through a kernel: `S` names the inputs it needs again, and `y`, `y1`, … the outputs. */
export interface Gradient<
  I extends Inputs,
  A extends object,
  S extends (keyof I & string) | OutputName,
  O extends Tensor | Tensor[] = Tensor,
> {
  readonly kernel: Kernel<I, A, O>;
  readonly saves: readonly S[];
  backward(dy: O, saved: { [K in S]: K extends keyof I ? NonNullable<I[K]> : Output<O> }, attributes: A): Backward<I>;
}

const outputNames = ['y', 'y1', 'y2'] as const;
type OutputName = (typeof outputNames)[number];
type Output<O> = O extends readonly (infer T)[] ? T : O;

/** The gradient of each input, computed only if something asks for it. */
export type Backward<I> = { readonly [K in keyof I]?: () => Tensor };

/**
 * Runs a kernel on the current backend; gradients flow through it once `registerGradients` has been called.
 *
 * Kernels are registered when they first run on a backend, not when a module loads: bundlers drop the operations that nobody calls,
 * and a backend may be added at any time.
 */
export function run<I extends Inputs, A extends object, O extends Tensor | Tensor[]>(
  kernel: Kernel<I, A, O>,
  inputs: I,
  attributes: A,
): O {
  const backendName = currentBackend();
  if (!getKernel(kernel.name, backendName)) register(kernel, backendName);
  const present = Object.fromEntries(Object.entries(inputs).filter(([, tensor]) => tensor !== undefined));
  return engine().runKernel(kernel.name, present as NamedTensorMap, attributes as NamedAttrMap) as O;
}

/** Tells tfjs how to differentiate a kernel. Telling it again changes nothing. */
export function defineGradient({ kernel, saves, backward }: AnyGradient): void {
  if (getGradient(kernel.name)) return;
  const isOutput = (name: string) => (outputNames as readonly string[]).includes(name);
  const inputsToSave = saves.filter((name) => !isOutput(name));
  const names = [...inputsToSave, ...outputNames.filter((name) => saves.includes(name))];
  registerGradient({
    kernelName: kernel.name,
    inputsToSave,
    outputsToSave: outputNames.map((name) => saves.includes(name)),
    gradFunc: (dy, saved, attributes) => {
      const named = Object.fromEntries(saved.map((tensor, i) => [names[i], tensor]));
      return backward(dy as never, named as never, attributes as never) as Record<string, () => Tensor>;
    },
  });
}

/** A gradient whose types are forgotten: what a list of them holds. */
export interface AnyGradient {
  readonly kernel: { readonly name: string };
  readonly saves: readonly string[];
  backward(dy: never, saved: never, attributes: never): Backward<Record<string, unknown>>;
}

/** A backend's version of a kernel of ours, types forgotten; undefined where it leaves a run to the composed one. */
export type ProvidedKernel = (
  backend: never,
  inputs: never,
  attributes: never,
) => TensorInfo | TensorInfo[] | undefined;

const provided = new Map<string, Readonly<Record<string, ProvidedKernel>>>();

/** Gives a backend versions of its own of kernels of ours, by their names. What they leave behind besides their results is released. */
export function provideKernels(
  backend: BackendName,
  kernels: Readonly<Record<`Imgcls${string}`, ProvidedKernel>>,
): void {
  provided.set(backend, kernels);
}

const isOwn = (backendName: string): boolean => backendName === 'native' || backendName === 'wasm';

function register<I extends Inputs, A extends object, O extends Tensor | Tensor[]>(
  kernel: Kernel<I, A, O>,
  backendName: string,
): void {
  const override = kernel.on?.[backendName as BackendName];
  const compute = (inputs: I, attributes: A): O =>
    override ? override(inputs, attributes, kernel.composed) : kernel.composed(inputs, attributes);
  const own = isOwn(backendName) ? kernel.own : undefined;
  registerKernel({
    kernelName: kernel.name,
    backendName,
    kernelFunc: ({ inputs, attrs, backend }) =>
      own?.(backend as KernelsBackend, inputs as unknown as I, attrs as A) ??
      (tidy(
        () =>
          (provided.get(backendName)?.[kernel.name]?.(backend as never, inputs as never, attrs as never) as O) ??
          compute(inputs as unknown as I, attrs as A),
      ) as TensorInfo | TensorInfo[]),
  });
}
