import { type DownloadOptions, openOfficial, type Preprocessing } from '@imgcls/data';
import type { CatalogueModel, ImageSize } from '@imgcls/models';
import { adaptStateDict, disposeModule, type LoadReport, loadStateDict, type StateDict } from '@imgcls/nn';
import { ClassifierError } from './manifest.ts';
import { readWeights } from './read-weights.ts';

/** Weights that somebody offers: where they are, and what one must know to use them. */
export interface PublishedWeights {
  /** What they are called: `IMAGENET1K_V2`. */
  readonly name: string;
  /** Of the file: PyTorch's, safetensors or `.npz`. */
  readonly url: string;
  /** In hexadecimal: all of it, or as many digits as the publisher tells, at least 8. */
  readonly sha256: string;
  /** What is done to an image before the network sees it. */
  readonly preprocessing: Preprocessing;
  /** The name of each output. */
  readonly classes: readonly string[];
  /** Options that the network must be built with. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Whose names the tensors have: timm's are translated. Default: torchvision's. */
  readonly publisher?: 'torchvision' | 'timm';
}

/** How pretrained weights are fetched and loaded. What is not named here is an option of the network. */
export interface PretrainedOptions extends DownloadOptions {
  /** Which, by name, or weights of your own. Default: the newest that `weightSources` of `@imgcls/models` lists without a licence of its own. */
  weights?: string | PublishedWeights;
  /** Another number of classes than the weights tell apart: the head is new then. */
  numClasses?: number;
  /** Another number of channels than the weights are for: the first convolution is adapted. */
  inputChannels?: number;
  /** Another image size than the weights are for. */
  imageSize?: ImageSize;
  [option: string]: unknown;
}

/** A network with weights that somebody else has trained. */
export interface Pretrained {
  model: CatalogueModel;
  preprocessing: Preprocessing;
  /** The name of each output; `undefined` where the head is new. */
  labels: readonly string[] | undefined;
  /** What the weights are called. */
  weights: string;
  /** The tensors that were made to fit, and those that are new as the weights had none: the head. By name. */
  adapted: string[];
  fresh: string[];
}

/**
 * A network of the catalogue with published weights.
 *
 * The file is fetched once, checked against its SHA-256, and kept in the cache folder of the user; a transfer that breaks off goes on where
 * it stopped. `IMGCLS_MIRROR` names a copy of that folder on a web server, `IMGCLS_OFFLINE=1` forbids to fetch.
 *
 * @param name Of the network: `listModels()` of `@imgcls/models`.
 * @throws {RangeError} if the network has no such weights: which there are.
 * @throws {ClassifierError} if they don't fit the network.
 * @throws {Error} if the file can't be had: what went wrong, and where to put it by hand.
 * @example
 * It downloads 10 MB, so it is not run here.
 * ```ts no-run
 * import { loadPretrained } from '@imgcls/io';
 * import { useBackend } from '@imgcls/tensor';
 *
 * await useBackend();
 * const { model, preprocessing } = await loadPretrained('mobilenet_v3_small', {
 *   numClasses: 10, // a new head, to be trained
 *   onProgress: ({ receivedBytes, totalBytes }) => console.log(receivedBytes / totalBytes),
 * });
 * ```
 */
export async function loadPretrained(name: string, options: PretrainedOptions = {}): Promise<Pretrained> {
  const { weights: asked, dataDir, baseUrl, cacheDir, offline, onProgress, signal, ...ofModel } = options;
  const download = given({ dataDir, baseUrl, cacheDir, offline, onProgress, signal });
  const { createModel, fromTimm, fromTorchvision } = await import('@imgcls/models');
  const published = typeof asked === 'object' ? asked : await publishedFor(name, asked);
  const { options: needed, classes, preprocessing, publisher } = published;
  const model = createModel(name, { numClasses: classes.length, ...needed, ...ofModel });
  try {
    const weights = await fetchWeights(name, published, download);
    const named = publisher === 'timm' ? fromTimm(name, weights) : fromTorchvision(weights);
    const { stateDict: fitting, changes } = adaptStateDict(named, model);
    const report = loadStateDict(model, fitting, { strict: false });
    const fresh = headOf(report, classes.length, `loadPretrained: ${published.name} for ${name}`);
    return {
      model,
      preprocessing: forNetwork(preprocessing, ofModel),
      labels: fresh.length === 0 ? classes : undefined,
      weights: published.name,
      adapted: changes.map((change) => change.name),
      fresh,
    };
  } catch (error) {
    disposeModule(model);
    throw error;
  }
}

/** Options of a network, `seed` among them, and whether it comes with weights that others have trained. */
export interface CreateModelOptions extends Omit<PretrainedOptions, 'weights'> {
  /** `true`: the newest; their name, or weights of your own: those. Default: none, the network is new. */
  pretrained?: boolean | string | PublishedWeights;
}

/**
 * A network by its name, as `createModel` of `@imgcls/models` builds it, that may come with published weights.
 *
 * With `pretrained` it is the `model` of `loadPretrained`, which also tells the preprocessing and labels that go with the weights. It comes
 * with a promise, since it must be fetched.
 *
 * @throws {RangeError} for a name, an option or weights that do not exist.
 * @example
 * It downloads 100 MB, so it is not run here.
 * ```ts no-run
 * import { createModel } from '@imgcls/io';
 * import { useBackend } from '@imgcls/tensor';
 *
 * await useBackend();
 * const model = await createModel('resnet50', { pretrained: true, numClasses: 10 }); // the head is new
 * console.log(model.architecture);
 * ```
 */
export async function createModel(name: string, options: CreateModelOptions = {}): Promise<CatalogueModel> {
  const { pretrained = false, ...rest } = options;
  if (pretrained === false)
    return (await import('@imgcls/models')).createModel(name as CatalogueModel['architecture']['name'], rest);
  return (await loadPretrained(name, pretrained === true ? rest : { ...rest, weights: pretrained })).model;
}

/** The members that are not undefined. */
const given = (options: { [K in keyof DownloadOptions]: DownloadOptions[K] | undefined }): DownloadOptions =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

async function publishedFor(network: string, asked: string | undefined): Promise<PublishedWeights> {
  const { IMAGENET_CLASSES, weightSources } = await import('@imgcls/models');
  const sources = weightSources(network);
  const unrestricted = sources.filter(({ license }) => license === undefined);
  const source = asked === undefined ? unrestricted.at(-1) : sources.find(({ name }) => name === asked);
  if (source) return { ...source, classes: IMAGENET_CLASSES };
  const names = sources.map(({ name }) => name).join(', ');
  throw new RangeError(
    `loadPretrained: ${network} must have ${asked === undefined ? 'published weights' : `weights called "${asked}"`}, got ${names || 'none'}; pass weights of your own, { weights: { name, url, sha256, preprocessing, classes } }`,
  );
}

async function fetchWeights(
  network: string,
  { url, sha256 }: PublishedWeights,
  options: DownloadOptions,
): Promise<StateDict> {
  const [, folder, name] = /^(.*\/)([^/?#]+)$/.exec(url) ?? [];
  if (folder === undefined || name === undefined)
    throw new TypeError(
      `loadPretrained: the URL of weights must end with the name of a file, got ${JSON.stringify(url)}`,
    );
  const official = { name: `weights/${network}`, baseUrls: [folder], files: [{ name, sha256 }] };
  const files = await openOfficial(official, options);
  const file = await files.at(name);
  return (await readWeights(typeof file === 'string' ? file : new Uint8Array(await file.arrayBuffer()))).stateDict;
}

/** The tensors that don't fit as they are for another number of classes: those of heads. @throws {ClassifierError} if more doesn't. */
function headOf({ missing, mismatched }: LoadReport, numClasses: number, where: string): string[] {
  const isHead = ({ got, expected }: LoadReport['mismatched'][number]): boolean =>
    got[0] === numClasses && got.length === expected.length && got.slice(1).every((n, i) => n === expected[i + 1]);
  const others = mismatched.filter((tensor) => !isHead(tensor));
  const problems = [
    ...others.map(({ name, got, expected }) => `${name} is [${got}] in the weights but [${expected}] in the network`),
    ...missing.map((name) => `the weights lack ${name}`),
  ];
  if (problems.length === 0) return mismatched.map(({ name }) => name);
  const more = problems.length > 3 ? ` and ${problems.length - 3} more` : '';
  throw new ClassifierError(
    `${where}: all tensors but the head must fit, got ${problems.slice(0, 3).join('; ')}${more}; build the network with the options that the weights were trained with`,
  );
}

/** The preprocessing for images of the size and channels that the network is built for. */
function forNetwork(
  preprocessing: Preprocessing,
  { imageSize, inputChannels = preprocessing.channels }: Pick<PretrainedOptions, 'imageSize' | 'inputChannels'>,
): Preprocessing {
  const { height, width, mean, std } = preprocessing;
  const size = typeof imageSize === 'number' ? [imageSize, imageSize] : (imageSize ?? [height, width]);
  const average = (values: readonly number[]): number[] => [
    values.reduce((sum, value) => sum + value, 0) / values.length,
  ];
  const sized = { ...preprocessing, height: size[0]!, width: size[1]! };
  return inputChannels === 1 && mean.length > 1
    ? { ...sized, channels: 1, mean: average(mean), std: average(std) }
    : sized;
}
