import { type Random, random } from '@imgcls/random';

/**
 * Runs the forward pass as training does: dropout drops, batch normalisation uses the statistics of the batch and updates
 * the running ones. Everywhere else modules evaluate, so that forgetting a switch can't spoil a prediction.
 *
 * @param source Where dropout draws from.
 * @param run Synchronous: the scope ends when it returns. Scopes nest, and end when `run` throws.
 * @returns What `run` returned.
 * @throws {TypeError} if `run` returns a promise.
 * @example
 * ```ts
 * import { ones } from '@tensorflow/tfjs-core';
 * import { useBackend } from '@imgcls/tensor';
 * import { random } from '@imgcls/random';
 * import { dropout, training } from '@imgcls/nn';
 *
 * await useBackend('cpu');
 * const layer = dropout(0.5);
 * console.log(layer(ones([4])).toString()); // all ones: evaluation
 * console.log(training(random(1), () => layer(ones([4]))).toString()); // zeros and twos
 * ```
 */
export function training<T>(source: Random, run: () => T): T {
  const outer = trainingSource;
  trainingSource = source;
  try {
    return synchronous('training', run());
  } finally {
    trainingSource = outer;
  }
}

/** Whether the forward pass in progress is one of training. */
export function isTraining(): boolean {
  return trainingSource !== undefined;
}

/** Where a layer draws from in training; `undefined` in evaluation. For layers of your own. */
export function trainingRandom(): Random | undefined {
  return trainingSource;
}

/**
 * Builds modules whose initial weights belong to a seed: the same seed gives the same weights, on every backend.
 *
 * Outside of it parameters are drawn from seed 0, each differently from those before it in the process.
 *
 * @param seed An integer.
 * @param build Synchronous: the scope ends when it returns. Scopes nest; the innermost counts.
 * @returns What `build` returned.
 * @throws {TypeError} if `build` returns a promise.
 */
export function seeded<T>(seed: number, build: () => T): T {
  const outer = initialization;
  initialization = seedScope(seed);
  try {
    return synchronous('seeded', build());
  } finally {
    initialization = outer;
  }
}

/** The stream for the next parameter: one of its own, so that no parameter's size matters to the others. */
export function nextStream(): Random {
  return initialization.source.fork(initialization.drawn++);
}

const seedScope = (seed: number) => ({ source: random(seed, 'parameters'), drawn: 0 });

let trainingSource: Random | undefined;
let initialization = seedScope(0);

function synchronous<T>(where: string, result: T): T {
  if (result instanceof Promise)
    throw new TypeError(
      `${where}: the function must be synchronous, got a promise; the scope ends when it returns, so await before or after it`,
    );
  return result;
}
