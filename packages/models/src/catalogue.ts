import { seeded } from '@imgcls/nn';
import { distance } from 'fastest-levenshtein';
import type { Network } from './classifier.ts';
import { BUILDERS, FAMILIES, type ModelName } from './families.ts';
import type { ModelOptions } from './options.ts';
import { type WeightSource, weightSources } from './weights.ts';

/** The options of each network in the catalogue, by name. */
export type ModelCatalogue = { [N in ModelName]: NonNullable<Parameters<(typeof BUILDERS)[N]>[0]> };

export type { ModelName };

/** What a file needs to build a network again: plain data. */
export interface Architecture {
  name: ModelName;
  options: Record<string, unknown>;
}

/** A network that knows how it was made. */
export type CatalogueModel = Network & { readonly architecture: Architecture };

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
export function createModel(name: string, { seed = 0, ...options }: Record<string, unknown> = {}): CatalogueModel {
  const model = CATALOGUE.find((entry) => entry.name === name);
  if (!model)
    throw new RangeError(
      `createModel: no network is called "${name}"${nearest(
        name,
        CATALOGUE.map((entry) => entry.name),
      )}`,
    );
  if ('pretrained' in options)
    throw new RangeError(
      `createModel: weights must be fetched, so they come with a promise, got the option "pretrained"; import createModel from @imgcls/io instead, and await it`,
    );
  for (const option of Object.keys(options))
    if (!model.options.includes(option))
      throw new RangeError(`createModel: ${name} has no option "${option}"${nearest(option, model.options)}`);
  const build = BUILDERS[model.name] as (options: ModelOptions) => Network;
  const network = seeded(seed as number, () => build(options));
  return Object.assign(network, { architecture: { name: model.name, options } });
}

/** The networks that `createModel` can build, smallest first within each family. */
export function listModels(): ModelEntry[] {
  return [...CATALOGUE];
}

const CATALOGUE: readonly ModelEntry[] = FAMILIES.flatMap(({ paper, options, models }) =>
  Object.entries(models).map(([name, { title, parameters, multiplyAdds, imageSize }]) => ({
    name: name as ModelName,
    title,
    paper,
    parameters,
    multiplyAdds: multiplyAdds * 1e6,
    inputShape: [imageSize, imageSize, 3] as const,
    options: ['numClasses', 'inputChannels', 'imageSize', ...options],
    weights: weightSources(name),
  })),
);

/** `, did you mean "resnet18"? There are: …`: the candidates that fewest letters tell apart, then all if they are few. */
function nearest(name: string, candidates: readonly string[]): string {
  const distances = candidates.map((candidate) => distance(name.toLowerCase(), candidate.toLowerCase()));
  const least = Math.min(...distances);
  const all = candidates.length <= 12 ? candidates.join(', ') : `${candidates.length}, see listModels()`;
  if (least > 3) return `; there are: ${all}`;
  const close = candidates.filter((_, i) => distances[i] === least).map((candidate) => `"${candidate}"`);
  return `, did you mean ${close.slice(0, 4).join(' or ')}? There are: ${all}`;
}
