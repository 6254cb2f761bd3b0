import { type Preprocessing, parsePreprocessing } from '@imgcls/data';
import type { Classifier, MultiLabel } from './classifier.ts';
import { isPlainObject, parsePlain, stringifyPlain } from './plain-data.ts';

/** A network of the catalogue of `@imgcls/models`: `createModel(name, options)` builds it. */
export interface Architecture {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** A classifier that can't be saved, loaded or used: why, and what to do. */
export class ClassifierError extends Error {
  override readonly name = 'ClassifierError';
}

/** What `classifier.json` holds. */
export interface Manifest {
  architecture?: Architecture;
  labels: readonly string[];
  preprocessing: Preprocessing;
  multiLabel?: MultiLabel;
  scores?: Record<string, unknown>;
  provenance?: Record<string, unknown>;
  /** The hash of `weights.safetensors`. */
  weights: { sha256: string };
}

const FORMAT = 'imgcls-classifier';
const VERSION = 1;

export function encodeManifest(classifier: Omit<Classifier, 'model'>, sha256: string): Uint8Array {
  const { architecture, labels, preprocessing, multiLabel, scores, provenance } = classifier;
  const members = { architecture, labels, preprocessing, multiLabel, scores, provenance, weights: { sha256 } };
  const json = stringifyPlain({ format: FORMAT, version: VERSION, ...members }, 'saveClassifier: classifier', 2);
  parseManifest(json, 'saveClassifier: the classifier'); // what could not be loaded is not saved
  return new TextEncoder().encode(`${json}\n`);
}

/**
 * @param where What errors call it.
 * @throws {ClassifierError} naming the member that is not what it must be.
 */
export function parseManifest(json: string, where: string): Manifest {
  const value = parseObject(json, where);
  const fail = (must: string, got: unknown): never => {
    throw new ClassifierError(`${where} must have ${must}, got ${JSON.stringify(got)}`);
  };
  const { format, version, architecture, labels, preprocessing, multiLabel, scores, provenance, weights } = value;
  if (format !== FORMAT) fail(`the format "${FORMAT}"`, format);
  if (version !== VERSION) fail(`format version ${VERSION}, the one that this version of @imgcls/io reads`, version);
  if (!isLabels(labels)) return fail('labels, different strings', labels);
  if (!isWeights(weights)) return fail('the SHA-256 of its weights', weights);
  if (architecture !== undefined && !isArchitecture(architecture))
    return fail('an architecture with a name and options, or none', architecture);
  if (multiLabel !== undefined && !isMultiLabel(multiLabel)) fail('multiLabel with a threshold in (0, 1)', multiLabel);
  for (const [name, member] of Object.entries({ scores, provenance }))
    if (member !== undefined && !isPlainObject(member)) fail(`an object as ${name}`, member);
  try {
    return { ...(value as object), labels, weights, preprocessing: parsePreprocessing(preprocessing) };
  } catch (cause) {
    throw new ClassifierError(`${where}: ${(cause as Error).message}`, { cause });
  }
}

function parseObject(json: string, where: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = parsePlain(json);
  } catch (cause) {
    throw new ClassifierError(`${where} must be JSON, got ${JSON.stringify(json.slice(0, 40))}`, { cause });
  }
  if (isPlainObject(value)) return value;
  throw new ClassifierError(`${where} must be an object, got ${json.slice(0, 40)}`);
}

const isLabels = (value: unknown): value is string[] =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((label) => typeof label === 'string') &&
  new Set(value).size === value.length;

const isWeights = (value: unknown): value is Manifest['weights'] =>
  isPlainObject(value) && typeof value.sha256 === 'string' && /^[0-9a-f]{64}$/.test(value.sha256);

const isArchitecture = (value: unknown): value is Architecture =>
  isPlainObject(value) && typeof value.name === 'string' && isPlainObject(value.options);

const isMultiLabel = (value: unknown): boolean => {
  if (!isPlainObject(value)) return false;
  const { threshold = 0.5 } = value as { threshold?: number };
  return threshold > 0 && threshold < 1;
};
