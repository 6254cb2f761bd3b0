import { BUILDERS, type ModelName } from './builders.ts';
import type { Network } from './classifier.ts';
import { type Architecture, built, type CatalogueModel, familyOf, optionsOf } from './create.ts';
import { FAMILIES } from './families.ts';
import type { ModelOptions } from './options.ts';
import { type WeightSource, weightSources } from './weights.ts';

/** The options of each network in the catalogue, by name. */
export type ModelCatalogue = { [N in ModelName]: NonNullable<Parameters<(typeof BUILDERS)[N]>[0]> };

export type { Architecture, CatalogueModel, ModelName };

/** A network of the catalogue. */
export interface ModelEntry {
  name: ModelName;
  title: string;
  paper: string;
  /** Parameters with the default options. */
  parameters: number;
  /** Multiply-adds for one image, with the default options; known to about three digits. */
  multiplyAdds: number;
  /** Height, width and channels of the images that the default options are for. */
  inputShape: readonly [height: number, width: number, channels: number];
  /** The names of its options. */
  options: readonly string[];
  /** Published weights of it, the newest last. */
  weights: readonly WeightSource[];
}

/**
 * Builds a network by its name.
 *
 * @param options Those of the network, and `seed` for its initial weights (default 0).
 * @returns The network, with the name and options that `classifier.json` records.
 * @throws {RangeError} for a name or an option that does not exist; the message has the nearest.
 * @example
 * ```ts
 * import { createModel } from '@imgcls/models';
 * import { useBackend } from '@imgcls/tensor';
 *
 * await useBackend('cpu');
 * const model = createModel('simple_cnn', { numClasses: 3, seed: 1 });
 * console.log(model.architecture); // => { name: 'simple_cnn', options: { numClasses: 3 } }
 * ```
 */
export function createModel<N extends ModelName>(
  name: N,
  options?: ModelCatalogue[N] & { seed?: number },
): CatalogueModel;
export function createModel(name: string, options?: Record<string, unknown>): CatalogueModel;
export function createModel(name: string, options: Record<string, unknown> = {}): CatalogueModel {
  familyOf(name);
  return built(name, BUILDERS[name as ModelName] as (options: ModelOptions) => Network, options);
}

/** The networks that `createModel` can build, smallest first within each family. */
export function listModels(): ModelEntry[] {
  return FAMILIES.flatMap((family) =>
    Object.entries(family.models).map(([name, { title, parameters, multiplyAdds, imageSize }]) => ({
      name: name as ModelName,
      title,
      paper: family.paper,
      parameters,
      multiplyAdds: multiplyAdds * 1e6,
      inputShape: [imageSize, imageSize, 3] as const,
      options: optionsOf(family),
      weights: weightSources(name),
    })),
  );
}
