import type { Network } from './classifier.ts';
import { built, type CatalogueModel, familyOf } from './create.ts';
import { MODULES } from './modules.ts';
import type { ModelOptions } from './options.ts';

/**
 * Builds a network by its name, as `createModel` does, and loads the code of its family only then: a page that shows one classifier need not
 * carry the whole catalogue. It is imported from `@imgcls/models/import-model`.
 *
 * @param options Those of the network, and `seed` for its initial weights (default 0).
 * @returns The network, with the name and options that `classifier.json` records.
 * @throws {RangeError} for a name or an option that does not exist; the message has the nearest.
 * @example
 * ```ts
 * import { importModel } from '@imgcls/models/import-model';
 * import { useBackend } from '@imgcls/tensor';
 *
 * await useBackend('cpu');
 * const model = await importModel('simple_cnn', { numClasses: 3, seed: 1 });
 * console.log(model.architecture); // => { name: 'simple_cnn', options: { numClasses: 3 } }
 * ```
 */
export async function importModel(name: string, options: Record<string, unknown> = {}): Promise<CatalogueModel> {
  const functions: Readonly<Record<string, unknown>> = await MODULES[familyOf(name).module]();
  return built(name, functions[name] as (options: ModelOptions) => Network, options);
}
