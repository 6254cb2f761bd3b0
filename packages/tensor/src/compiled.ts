import type { ElementType, Program } from '@imgcls/kernels';
import type { Random } from '@imgcls/random';
import { engine, type Tensor, tidy, Variable } from '@tensorflow/tfjs-core';
import type { KernelsBackend } from './kernels-backend.ts';
import { ownBackend } from './own-backend.ts';
import { activationStorage } from './precision.ts';
import { Redirected } from './redirected.ts';

/** A function of a tensor that takes less time from its third call on. */
export interface Compiled {
  (x: Tensor): Tensor;
  /** Releases what it keeps; a later call keeps it anew. */
  dispose(): void;
}

/**
 * Makes a function, such as a network in evaluation, quick to call: on `native` and `wasm` the calls of kernels that it makes are recorded for
 * each shape of its input, and from then on made again without running the function. Where that is not possible (other backends, gradients,
 * functions that look at values) it runs as ever. Numbers that the function makes tensors of are constants then.
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
  const forms = new Forms(([x]) => [f(x!)]);
  const run = (x: Tensor): Tensor => forms.run([x])[0]!;
  return Object.assign(run, { dispose: () => forms.dispose() });
}

/** A function of tensors that takes less time from its third call in a row with tensors of the same shapes on. */
export interface CompiledStep {
  (inputs: readonly Tensor[], random: Random): Tensor[];
  /** Releases what it keeps; a later call keeps it anew. */
  dispose(): void;
}

/**
 * The same as `compiled` for a function of several tensors that draws random numbers and changes variables in place, as a step of training does
 * by dropout and the running statistics of batch norm: gradients may be taken within it.
 *
 * What is in use while it runs stays in memory for one set of shapes, those that came last twice in a row.
 *
 * @param f Makes tensors of others by operations alone: what it computes must depend on nothing but its inputs, variables and what `dropout` draws
 *   from `random`. Class indices among the inputs are for the caller to check.
 * @example
 * ```ts
 * import { random } from '@imgcls/random';
 * import { compiledStep, dropout, useBackend } from '@imgcls/tensor';
 * import { ones, sum } from '@tensorflow/tfjs-core';
 *
 * await useBackend('wasm');
 * const step = compiledStep(([x], random) => [dropout(x!, { rate: 0.5, random })]);
 * const kept = [0, 1, 2].map((i) => sum(step([ones([1000])], random(1, i))[0]!).dataSync()[0]);
 * console.log(new Set(kept).size > 1); // => true
 * step.dispose();
 * ```
 */
export function compiledStep(f: (inputs: readonly Tensor[], random: Random) => Tensor[]): CompiledStep {
  const source = new Redirected();
  const forms = new Forms((inputs) => f(inputs, source), source);
  const run = (inputs: readonly Tensor[], random: Random): Tensor[] => source.during(random, () => forms.run(inputs));
  return Object.assign(run, { dispose: () => forms.dispose() });
}

type TensorFunction = (inputs: readonly Tensor[]) => Tensor[];

/** A function, and what is known of it for the shapes that it was given. */
class Forms {
  readonly #f: TensorFunction;
  readonly #source: Redirected | undefined;
  readonly #forms = new Map<string, Form>();
  #owner: KernelsBackend | undefined;
  #latest: string | undefined;

  /** @param source Where the function draws from, if it is a step: then one form at most is kept. */
  constructor(f: TensorFunction, source?: Redirected) {
    this.#f = f;
    this.#source = source;
  }

  run(inputs: readonly Tensor[]): Tensor[] {
    const backend = recordingBackend();
    if (!backend) return tidy(() => this.#f(inputs));
    if (backend !== this.#owner) this.dispose();
    this.#owner = backend;
    const key = [activationStorage(), ...inputs.map((x) => [backend.of(x).storage, ...x.shape])].join(';');
    const isRepeated = key === this.#latest;
    this.#latest = key;
    if (this.#source && !isRepeated && !this.#forms.has(key)) return tidy(() => this.#f(inputs));
    return this.#form(key).run(backend, inputs);
  }

  dispose(): void {
    for (const form of this.#forms.values()) form.release();
    this.#forms.clear();
  }

  #form(key: string): Form {
    const known = this.#forms.get(key);
    if (known) return known;
    if (this.#source) this.dispose();
    const form = new Form(this.#f, this.#source);
    this.#forms.set(key, form);
    return form;
  }
}

/** The backend, if it is one that can record what is done now. */
function recordingBackend(): KernelsBackend | undefined {
  const backend = ownBackend();
  return engine().state.gradientDepth > 0 || backend?.kernels.recording ? undefined : backend;
}

/** Recordings in a row that may come to nothing until no more are made. */
const mostWasted = 3;

/** The function for tensors of one set of shapes: run once, so that filters are prepared, then recorded, then made again. */
class Form {
  readonly #f: TensorFunction;
  readonly #source: Redirected | undefined;
  #recorded: Recorded | undefined;
  #next: 'run' | 'record';
  #wasted = 0;

  constructor(f: TensorFunction, source: Redirected | undefined) {
    this.#f = f;
    this.#source = source;
    this.#next = source ? 'record' : 'run'; // a step has been run
  }

  run(backend: KernelsBackend, inputs: readonly Tensor[]): Tensor[] {
    if (this.#recorded?.program.isStale) this.release();
    if (this.#recorded) {
      this.#wasted = 0;
      return replayed(backend, this.#recorded, inputs);
    }
    if (this.#next === 'record' && this.#wasted < mostWasted) return this.#record(backend, inputs);
    this.#next = 'record';
    return tidy(() => this.#f(inputs));
  }

  release(): void {
    this.#recorded?.program.release();
    this.#recorded = undefined;
    this.#next = 'run';
  }

  #record(backend: KernelsBackend, inputs: readonly Tensor[]): Tensor[] {
    const blocksOf = (tensors: readonly Tensor[]) => tensors.map((each) => backend.of(each).elements.block);
    const before = blocksOf(inputs);
    const drawn = this.#source?.uses ?? 0;
    let outputs: Tensor[] = [];
    const program = backend.kernels.record(() => {
      outputs = tidy(() => this.#f(inputs));
      return [...blocksOf(inputs), ...blocksOf(outputs)];
    });
    this.#next = 'run';
    this.#wasted += 1;
    const isKnown =
      blocksOf(inputs).every((block, i) => block === before[i]) &&
      program?.draws === (this.#source?.uses ?? 0) - drawn &&
      areOwn(backend, outputs, inputs);
    if (program && isKnown) this.#recorded = { program, outputs: outputs.map((y) => formOf(backend, y)) };
    else program?.release();
    return outputs;
  }
}

/** Whether each output has values of its own, so that others can take their place. */
function areOwn(backend: KernelsBackend, outputs: readonly Tensor[], inputs: readonly Tensor[]): boolean {
  const taken = new Set(inputs.map((x) => backend.of(x)));
  return outputs.every((y) => {
    const data = backend.of(y);
    const isOwn = !taken.has(data) && !data.isShared && !(y instanceof Variable);
    taken.add(data);
    return isOwn;
  });
}

interface Recorded {
  readonly program: Program;
  readonly outputs: readonly { readonly shape: readonly number[]; readonly storage: ElementType }[];
}

const formOf = (backend: KernelsBackend, y: Tensor) => ({ shape: y.shape, storage: backend.of(y).storage });

function replayed(backend: KernelsBackend, { program, outputs }: Recorded, inputs: readonly Tensor[]): Tensor[] {
  return tidy(() => {
    const made = outputs.map(({ shape, storage }) =>
      engine().makeTensorFromTensorInfo(backend.allocate(shape, storage), backend),
    );
    backend.kernels.replay(
      program,
      [...inputs, ...made].map((each) => backend.of(each).elements.block),
    );
    return made;
  });
}
