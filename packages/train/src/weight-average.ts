import { type Module, namedState, type StateDict } from '@imgcls/nn';
import { averageUpdate, dispose, tidy, type Variable } from '@imgcls/tensor';
import { clone, variable } from '@tensorflow/tfjs-core';
import { fromHost, toHost } from './host.ts';

/**
 * The exponential moving average of all floats that a model has: its parameters, and the running statistics that go with them. The first update
 * copies them, as PyTorch's `AveragedModel` does.
 *
 * The model shows one of the two, its own weights or the averages, and the other is kept here.
 */
export class WeightAverage {
  readonly #model: Module;
  readonly #decay: number;
  #kept = new Map<string, Variable>();
  #isShown = false;

  constructor(model: Module, decay: number) {
    if (!(decay >= 0 && decay < 1)) throw new RangeError(`fit: ema must lie in [0, 1), got ${decay}`);
    this.#model = model;
    this.#decay = decay;
  }

  /** Moves the averages towards the weights, which the model must show. */
  update(): void {
    const variables = variablesOf(this.#model);
    if (this.#kept.size === 0)
      for (const [name, own] of variables)
        this.#kept.set(
          name,
          tidy(() => variable(clone(own), false)),
        );
    else
      averageUpdate(
        variables.map(([name]) => this.#kept.get(name)!),
        variables.map(([, own]) => own),
        this.#decay,
      );
  }

  /** Has the model show the averages, if there are some yet, or its own weights again. */
  show(averages: boolean): void {
    if (this.#isShown === averages || this.#kept.size === 0) return;
    this.#isShown = averages;
    tidy(() => {
      for (const [name, shown] of variablesOf(this.#model)) {
        const kept = this.#kept.get(name)!;
        const before = clone(shown);
        shown.assign(clone(kept));
        kept.assign(before);
      }
    });
  }

  /** Calls a function while the model shows its own weights. */
  hidden<T>(read: () => T): T {
    const wasShown = this.#isShown;
    this.show(false);
    try {
      return read();
    } finally {
      this.show(wasShown);
    }
  }

  /** The averages, by name, in their own layout. To be called while the model shows its own weights. */
  async state(): Promise<StateDict> {
    const read = [...this.#kept].map(async ([name, value]) => [name, await toHost(value)] as const);
    return new Map(await Promise.all(read));
  }

  load(state: StateDict): void {
    this.dispose();
    for (const [name, value] of state) this.#kept.set(name, fromHost(value));
  }

  dispose(): void {
    dispose([...this.#kept.values()]);
    this.#kept.clear();
  }
}

/** Those of floats; one that is shared has only its first name. */
function variablesOf(model: Module): [string, Variable][] {
  const names = new Map<Variable, string>();
  for (const [name, { variable }] of Object.entries(namedState(model)))
    if (variable.dtype === 'float32' && !names.has(variable)) names.set(variable, name);
  return [...names].map(([own, name]) => [name, own]);
}
