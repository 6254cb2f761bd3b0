import { flatten as rows } from '@imgcls/tensor';
import { transpose } from '@tensorflow/tfjs-core';
import { type Module, module } from './module.ts';

/**
 * Modules one after the other. Their names are `0`, `1`, …, as in PyTorch, or those that they are given.
 *
 * @example
 * ```ts
 * import { linear, namedParameters, relu, sequential } from '@imgcls/nn';
 * import { useBackend } from '@imgcls/tensor';
 *
 * await useBackend('cpu');
 * const head = sequential(linear({ inFeatures: 8, outFeatures: 4 }), relu(), linear({ inFeatures: 4, outFeatures: 2 }));
 * console.log(Object.keys(namedParameters(head)).join(' ')); // => 0.weight 0.bias 2.weight 2.bias
 * const named = sequential({ fc1: linear({ inFeatures: 8, outFeatures: 4 }), fc2: linear({ inFeatures: 4, outFeatures: 2 }) });
 * console.log(Object.keys(namedParameters(named)).join(' ')); // => fc1.weight fc1.bias fc2.weight fc2.bias
 * ```
 */
export function sequential(named: Readonly<Record<string, Module>>): Module<Record<string, Module>>;
export function sequential(...modules: Module[]): Module<Record<string, Module>>;
export function sequential(...modules: [Readonly<Record<string, Module>>] | Module[]): Module<Record<string, Module>> {
  const [first] = modules;
  const children = typeof first === 'object' ? first : Object.fromEntries(modules.entries());
  return module(
    { ...(children as Record<string, Module>) },
    (parts, x) => Object.values(parts).reduce((y, part) => part(y), x),
    'sequential',
  );
}

/** Does nothing: stands where some networks have a layer and others none. */
export function identity(): Module {
  return module({}, (_, x) => x, 'identity()');
}

/**
 * One row of features per image, `[N, …]` to `[N, K]`: channel by channel, as PyTorch orders them, so that the weights of
 * a linear layer behind it mean the same there.
 */
export function flatten(): Module {
  return module({}, (_, x) => rows(x.rank === 4 ? transpose(x, [0, 3, 1, 2]) : x), 'flatten()');
}
