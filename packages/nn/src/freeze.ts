import { type Module, namedState } from './module.ts';

/**
 * Keeps parameters as they are: optimizers no longer get them. A batch normalisation whose parameters are all frozen evaluates in
 * training, too: its running statistics stay as they are.
 *
 * @param names Which: those whose full name matches. By default all.
 * @returns Their names.
 * @throws {RangeError} if there are none such.
 * @example
 * ```ts
 * import { freeze, linear, namedParameters, sequential, unfreeze } from '@imgcls/nn';
 * import { useBackend } from '@imgcls/tensor';
 *
 * await useBackend('cpu');
 * const network = sequential({ body: linear({ inFeatures: 8, outFeatures: 4 }), fc: linear({ inFeatures: 4, outFeatures: 2 }) });
 * freeze(network);
 * unfreeze(network, /^fc\./);
 * console.log(Object.keys(namedParameters(network))); // => [ 'fc.weight', 'fc.bias' ]
 * ```
 */
export function freeze(model: Module, names: RegExp = /^/): string[] {
  return setTrainable('freeze', model, names, false);
}

/**
 * Lets optimizers have parameters again.
 *
 * @param names Which: those whose full name matches. By default all.
 * @returns Their names.
 * @throws {RangeError} if there are none such.
 */
export function unfreeze(model: Module, names: RegExp = /^/): string[] {
  return setTrainable('unfreeze', model, names, true);
}

function setTrainable(where: string, model: Module, names: RegExp, trainable: boolean): string[] {
  const parameters = Object.entries(namedState(model)).filter(([, { role }]) => role === 'parameter');
  const chosen = parameters.filter(([name]) => name.search(names) >= 0);
  if (chosen.length === 0)
    throw new RangeError(
      `${where}: a parameter must match ${names}, got ${parameters.length} others from ${parameters[0]?.[0]} to ${parameters.at(-1)?.[0]}`,
    );
  for (const [, { variable }] of chosen) variable.trainable = trainable;
  return chosen.map(([name]) => name);
}
