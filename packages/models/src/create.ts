import { seeded } from '@imgcls/nn';
import { distance } from 'fastest-levenshtein';
import type { ModelName } from './builders.ts';
import type { Network } from './classifier.ts';
import { FAMILIES, type Family } from './families.ts';
import type { ModelOptions } from './options.ts';

/** What a file needs to build a network again: plain data. */
export interface Architecture {
  name: ModelName;
  options: Record<string, unknown>;
}

/** A network that knows how it was made. */
export type CatalogueModel = Network & { readonly architecture: Architecture };

/** The family that a network is of. @throws {RangeError} if there is no such network; the message has the nearest. */
export function familyOf(name: string): Family {
  const family = FAMILIES.find(({ models }) => Object.hasOwn(models, name));
  if (family) return family;
  const names = FAMILIES.flatMap(({ models }) => Object.keys(models));
  throw new RangeError(`createModel: no network is called "${name}"${nearest(name, names)}`);
}

/** The names of the options that networks of a family have. */
export const optionsOf = ({ options }: Family): string[] => ['numClasses', 'inputChannels', 'imageSize', ...options];

/**
 * A network by the function that builds it.
 *
 * @throws {RangeError} for an option that it does not have.
 */
export function built(
  name: string,
  build: (options: ModelOptions) => Network,
  { seed = 0, ...options }: Record<string, unknown>,
): CatalogueModel {
  if ('pretrained' in options)
    throw new RangeError(
      `createModel: weights must be fetched, so they come with a promise, got the option "pretrained"; import createModel from @imgcls/io instead, and await it`,
    );
  const known = optionsOf(familyOf(name));
  for (const option of Object.keys(options))
    if (!known.includes(option))
      throw new RangeError(`createModel: ${name} has no option "${option}"${nearest(option, known)}`);
  const network = seeded(seed as number, () => build(options));
  return Object.assign(network, { architecture: { name: name as ModelName, options } });
}

/** `, did you mean "resnet18"? There are: …`: the candidates that fewest letters tell apart, then all if they are few. */
function nearest(name: string, candidates: readonly string[]): string {
  const distances = candidates.map((candidate) => distance(name.toLowerCase(), candidate.toLowerCase()));
  const least = Math.min(...distances);
  const all = candidates.length <= 12 ? candidates.join(', ') : `${candidates.length}, see listModels()`;
  if (least > 3) return `; there are: ${all}`;
  const close = candidates.filter((_, i) => distances[i] === least).map((candidate) => `"${candidate}"`);
  return `, did you mean ${close.slice(0, 4).join(' or ')}? There are: ${all}`;
}
