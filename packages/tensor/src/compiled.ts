import type { ElementType, Program } from '@imgcls/kernels';
import { engine, type Tensor, type TensorInfo, tidy, Variable } from '@tensorflow/tfjs-core';
import { currentBackend } from './current-backend.ts';
import type { KernelsBackend } from './kernels-backend.ts';
import { activationStorage } from './precision.ts';

/** A function of a tensor that takes less time from its third call on. */
export interface Compiled {
  (x: Tensor): Tensor;
  /** Releases what it keeps; a later call keeps it anew. */
  dispose(): void;
}

/**
 * Makes a function, such as a network in evaluation, quick to call: on `native` and `wasm` the calls of kernels that it makes are recorded for
 * each shape of its input, and from then on made again without running the function. Where that is not possible (other backends, gradients,
 * functions that look at values) it runs as ever.
 *
 * Changed parameters count from the next call on. What is in use while it runs stays in memory, for each shape, until `dispose`.
 *
 * @param f Makes one tensor of another by operations alone: what it computes must depend on nothing but its input and variables.
 * @example
 * ```ts
 * import { compiled, relu, useBackend } from '@imgcls/tensor';
 * import { tensor1d } from '@tensorflow/tfjs-core';
 *
 * await useBackend('wasm');
 * const positive = compiled(relu);
 * console.log(Array.from(positive(tensor1d([-1, 2])).dataSync())); // => [ 0, 2 ]
 * positive.dispose();
 * ```
 */
export function compiled(f: (x: Tensor) => Tensor): Compiled {
  const forms = new Map<string, Form>();
  let owner: KernelsBackend | undefined;
  const dispose = () => {
    for (const form of forms.values()) form.recorded?.program.release();
    forms.clear();
  };
  const run = (x: Tensor): Tensor => {
    const backend = recordingBackend();
    if (!backend) return tidy(() => f(x));
    if (backend !== owner) dispose();
    owner = backend;
    const key = [x.shape, backend.of(x).storage, activationStorage()].join();
    const form = forms.get(key) ?? new Form(f);
    forms.set(key, form);
    return form.run(backend, x);
  };
  return Object.assign(run, { dispose });
}

/** The backend, if it is one that can record what is done now. */
function recordingBackend(): KernelsBackend | undefined {
  const { backend, state } = engine();
  const isOwn = ['native', 'wasm'].includes(currentBackend());
  const own = isOwn && state.gradientDepth === 0 ? (backend as KernelsBackend) : undefined;
  return own?.kernels.recording ? undefined : own;
}

/** The function for one shape: run once, so that filters are prepared, then recorded, then made again. */
class Form {
  recorded: Recorded | undefined;
  readonly #f: (x: Tensor) => Tensor;
  #next: 'run' | 'record' = 'run';

  constructor(f: (x: Tensor) => Tensor) {
    this.#f = f;
  }

  run(backend: KernelsBackend, x: Tensor): Tensor {
    const { recorded } = this;
    if (recorded?.program.isStale) {
      recorded.program.release();
      this.recorded = undefined;
      this.#next = 'run';
    } else if (recorded) return replayed(backend, recorded, x);
    if (this.#next === 'record') return this.#record(backend, x);
    this.#next = 'record';
    return tidy(() => this.#f(x));
  }

  #record(backend: KernelsBackend, x: Tensor): Tensor {
    const from = backend.of(x).settled();
    let y: Tensor | undefined;
    const program = backend.kernels.record(() => {
      y = tidy(() => this.#f(x));
      return [from, backend.of(y).settled()].map(({ buffer }) => buffer.block);
    });
    const made = backend.of(y!);
    if (program && made !== from && !made.isShared && !(y instanceof Variable)) {
      this.recorded = { program, shape: y!.shape, storage: made.storage };
    } else {
      program?.release();
      this.#next = 'run';
    }
    return y!;
  }
}

interface Recorded {
  readonly program: Program;
  readonly shape: readonly number[];
  readonly storage: ElementType;
}

function replayed(backend: KernelsBackend, { program, shape, storage }: Recorded, x: Tensor): Tensor {
  const y: TensorInfo = backend.allocate(shape, storage);
  backend.kernels.replay(
    program,
    [x, y].map((each) => backend.of(each).buffer.block),
  );
  return engine().makeTensorFromTensorInfo(y, backend);
}
