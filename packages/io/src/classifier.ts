import type { Preprocessing } from '@imgcls/data';
import { disposeModule, loadStateDict, type Module, type StateDict, stateDict } from '@imgcls/nn';
import { tidy } from '@imgcls/tensor';
import { zeros } from '@tensorflow/tfjs-core';
import { type Architecture, ClassifierError, encodeManifest, type Manifest, parseManifest } from './manifest.ts';
import { type Destination, nameOf, type Source, sourceAt, storeAt } from './place.ts';
import { decodeSafetensors, encodeSafetensors, toStateDict } from './safetensors.ts';
import { sha256 } from './sha256.ts';
import type { ReadableStore, Store } from './store.ts';

/** What training leaves behind, and all it takes to use it. */
export interface Classifier {
  /** Images `[N, height, width, channels]` in, one logit for each label out. */
  model: Module;
  /** How the catalogue of `@imgcls/models` builds the model. Without it, whoever loads must bring the model. */
  architecture?: Architecture | undefined;
  /** The name of each class, in the order of the logits. */
  labels: readonly string[];
  /** What is done to an image before the model sees it. */
  preprocessing: Preprocessing;
  /** Where an image may show several of the labels, or none: each then has a probability by itself. Without it, an image shows exactly one. */
  multiLabel?: MultiLabel | undefined;
  /** How well it did, as plain data: `{ test: { accuracy: 0.98 } }`. */
  scores?: Record<string, unknown> | undefined;
  /** Where it comes from, as plain data: versions, commit, seed, arguments, the data. */
  provenance?: Record<string, unknown> | undefined;
}

/** How a classifier tells several labels. */
export interface MultiLabel {
  /** From this probability on, an image is said to show a label; above 0 and below 1. @defaultValue 0.5 */
  readonly threshold?: number;
}

/** How a classifier is loaded. */
export interface LoadClassifierOptions {
  /** The network that the weights are loaded into: needed where it is not of the catalogue. */
  model?: Module;
}

const MANIFEST = 'classifier.json';
const WEIGHTS = 'weights.safetensors';

/**
 * Writes `classifier.json` and `weights.safetensors`.
 *
 * What was there is replaced. Killed at any moment, the place holds the classifier that was there before or the new one, whole.
 *
 * @param where The folder, which is made if need be.
 * @throws {ClassifierError} if the model does not give one logit for each label, or what `loadClassifier` would refuse.
 * @throws {TypeError} naming what is to be plain data but is not.
 * @example
 * ```ts
 * import { loadClassifier, memory, saveClassifier } from '@imgcls/io';
 * import { createModel } from '@imgcls/models';
 * import { useBackend } from '@imgcls/tensor';
 *
 * await useBackend('cpu');
 * const store = memory(); // or the path of a folder
 * const model = createModel('simple_cnn', { numClasses: 2, imageSize: 8, inputChannels: 1, channels: [4], hidden: [] });
 * const preprocessing = { height: 8, width: 8, channels: 1, resize: 'squash', mean: [0.5], std: [0.5] } as const;
 * await saveClassifier(store, { model, architecture: model.architecture, labels: ['cat', 'dog'], preprocessing });
 * console.log((await loadClassifier(store)).labels); // => [ 'cat', 'dog' ]
 * ```
 */
export async function saveClassifier(where: Destination, classifier: Classifier): Promise<void> {
  const store = storeAt(where);
  checkLogits(classifier);
  const weights = encodeSafetensors(await stateDict(classifier.model), { format: 'pt' });
  const hash = await sha256(weights);
  const manifest = encodeManifest(classifier, hash);
  await replaceBoth(store, manifest, weights, hash);
}

/**
 * Reads what `saveClassifier` wrote, and builds the model.
 *
 * A network of the catalogue is built by `@imgcls/models`, which is imported only then. One of your own is brought:
 * `loadClassifier(folder, { model: myNetwork() })`; its weights are replaced by those of the file.
 *
 * @throws {ClassifierError} if there is no classifier, it is damaged or of another version, the model is missing or does not fit the
 * weights: what the weights expect, and what to do.
 */
export async function loadClassifier(where: Source, { model }: LoadClassifierOptions = {}): Promise<Classifier> {
  const { manifest, weights } = await readBoth(sourceAt(where), nameOf(where));
  const { architecture, labels, preprocessing, multiLabel, scores, provenance } = manifest;
  const built = model ?? (await build(architecture, weights));
  try {
    loadStateDict(built, weights);
  } catch (cause) {
    if (!model) disposeModule(built);
    throw new ClassifierError(`the weights don't fit the model: ${(cause as Error).message}`, { cause });
  }
  return { model: built, architecture, labels, preprocessing, multiLabel, scores, provenance };
}

/**
 * The weights of a classifier, without building its network: no engine is needed.
 *
 * @throws {ClassifierError} if there is no classifier, or it is damaged or of another version.
 */
export async function loadWeights(where: Source): Promise<StateDict> {
  return (await readBoth(sourceAt(where), nameOf(where))).weights;
}

/**
 * Puts two files in place as if they were one. The manifest names the weights by their hash; new weights lie under a name of their own until
 * both files are in place, and `readBoth` looks there too. So at every moment the manifest, old or new, finds its weights.
 */
async function replaceBoth(store: Store, manifest: Uint8Array, weights: Uint8Array, hash: string): Promise<void> {
  const isFirst = (await store.read(MANIFEST)) === undefined;
  const steps: [string, Uint8Array][] = isFirst
    ? [
        [WEIGHTS, weights],
        [MANIFEST, manifest],
      ]
    : [
        [spareOf(hash), weights],
        [MANIFEST, manifest],
        [WEIGHTS, weights],
      ];
  for (const [name, bytes] of steps) await store.write(name, bytes);
  for (const name of await store.list()) if (/^weights-[0-9a-f]{16}\.safetensors$/.test(name)) await store.delete(name);
}

const spareOf = (hash: string): string => `weights-${hash.slice(0, 16)}.safetensors`;

async function readBoth(store: ReadableStore, place: string): Promise<{ manifest: Manifest; weights: StateDict }> {
  for (let before: string | undefined; ; ) {
    const json = await readManifest(store, place);
    const manifest = parseManifest(json, `${place}: ${MANIFEST}`);
    const weights = await readWeights(store, manifest.weights.sha256);
    if (weights) return { manifest, weights: toStateDict(decodeSafetensors(weights).tensors) };
    if (json === before)
      throw new ClassifierError(
        `${place}: ${WEIGHTS} must have the SHA-256 ${manifest.weights.sha256}, which ${MANIFEST} names, got other bytes or none; copy both files again, or save the classifier again`,
      );
    before = json; // perhaps it is being replaced just now: look once more
  }
}

async function readManifest(store: ReadableStore, place: string): Promise<string> {
  const bytes = await store.read(MANIFEST);
  if (bytes) return new TextDecoder().decode(bytes);
  throw new ClassifierError(
    `${place} must hold a classifier, got no ${MANIFEST}; saveClassifier (or imgcls train) makes one`,
  );
}

/** The bytes with this hash, where they are. */
async function readWeights(store: ReadableStore, hash: string): Promise<Uint8Array | undefined> {
  for (const name of [WEIGHTS, spareOf(hash)]) {
    const bytes = await store.read(name);
    if (bytes && (await sha256(bytes)) === hash) return bytes;
  }
  return undefined;
}

async function build(architecture: Architecture | undefined, weights: StateDict): Promise<Module> {
  if (!architecture)
    throw new ClassifierError(
      `this network was written by hand, and its code is not in the file: bring it, loadClassifier(where, { model: yourNetwork() }). The weights expect ${outline(weights)}`,
    );
  const { importModel } = await import('@imgcls/models/import-model');
  try {
    return await importModel(architecture.name, architecture.options);
  } catch (cause) {
    throw new ClassifierError(
      `the network "${architecture.name}" can't be built: ${(cause as Error).message}; update @imgcls/models, or bring it, loadClassifier(where, { model }). The weights expect ${outline(weights)}`,
      { cause },
    );
  }
}

/** The names and shapes of weights, one a line; of many, the first and the last. */
function outline(weights: StateDict): string {
  const lines = [...weights].map(([name, { dtype, shape }]) => `  ${name}: ${dtype} [${shape}]`);
  const shown =
    lines.length <= 24 ? lines : [...lines.slice(0, 20), `  … ${lines.length - 22} more`, ...lines.slice(-2)];
  return ['these tensors (PyTorch layout):', ...shown].join('\n');
}

function checkLogits({ model, labels, preprocessing: { height, width, channels } }: Classifier): void {
  const shape = tidy(() => model(zeros([1, height, width, channels])).shape);
  if (shape.length !== 2 || shape[1] !== labels.length)
    throw new ClassifierError(
      `saveClassifier: the model must give [1, ${labels.length}] logits for an image of ${height}x${width}x${channels}, one for each label, got [${shape}]`,
    );
}
