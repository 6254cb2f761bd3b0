import { type Module, seeded } from '@imgcls/nn';
import { distance } from 'fastest-levenshtein';
import { type Airbench94Options, airbench94 } from './airbench94.ts';
import { type CifarResnetOptions, cifarResnet } from './cifar-resnet.ts';
import type { ModelOptions } from './options.ts';
import { resnet18, resnet34 } from './resnet.ts';
import { type ResNet9Options, resnet9 } from './resnet9.ts';
import { type SimpleCnnOptions, simpleCnn } from './simple-cnn.ts';

/** The options of each network in the catalogue, by name. */
export interface ModelCatalogue {
  simple_cnn: SimpleCnnOptions;
  resnet9: ResNet9Options;
  airbench94: Airbench94Options;
  cifar_resnet20: Omit<CifarResnetOptions, 'depth'>;
  cifar_resnet32: Omit<CifarResnetOptions, 'depth'>;
  cifar_resnet44: Omit<CifarResnetOptions, 'depth'>;
  cifar_resnet56: Omit<CifarResnetOptions, 'depth'>;
  resnet18: ModelOptions;
  resnet34: ModelOptions;
}

export type ModelName = keyof ModelCatalogue;

/** What a file needs to build a network again: plain data. */
export interface Architecture {
  name: ModelName;
  options: Record<string, unknown>;
}

/** A network that knows how it was made. */
export type CatalogueModel = Module & { readonly architecture: Architecture };

/** A network of the catalogue. */
export interface ModelEntry {
  name: ModelName;
  title: string;
  paper: string;
  /** Parameters with the default options. */
  parameters: number;
  /** Height, width and channels of the images that the default options are for. */
  inputShape: readonly [height: number, width: number, channels: number];
  /** The names of its options. */
  options: readonly string[];
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
  for (const option of Object.keys(options))
    if (!model.options.includes(option))
      throw new RangeError(`createModel: ${name} has no option "${option}"${nearest(option, model.options)}`);
  const network = seeded(seed as number, () => model.build(options));
  return Object.assign(network, { architecture: { name: model.name, options } });
}

/** The networks that `createModel` can build, smallest first within each family. */
export function listModels(): ModelEntry[] {
  return CATALOGUE.map(({ build, ...entry }) => entry);
}

interface BuildableEntry extends ModelEntry {
  build(options: ModelOptions): Module;
}

const COMMON = ['numClasses', 'inputChannels', 'imageSize'];
const CIFAR = [32, 32, 3] as const;
const IMAGENET = [224, 224, 3] as const;
const RESNET_PAPER = 'https://arxiv.org/abs/1512.03385';

const cifarResnetEntry = (depth: 20 | 32 | 44 | 56, parameters: number): BuildableEntry => ({
  name: `cifar_resnet${depth}`,
  title: `ResNet-${depth} for small images`,
  paper: RESNET_PAPER,
  parameters,
  inputShape: CIFAR,
  options: [...COMMON, 'shortcut'],
  build: (options) => cifarResnet({ ...options, depth }),
});

const CATALOGUE: readonly BuildableEntry[] = [
  {
    name: 'simple_cnn',
    title: 'Convolutions, pooling and fully connected layers',
    paper: 'https://doi.org/10.1109/5.726791',
    parameters: 356_810,
    inputShape: CIFAR,
    options: [...COMMON, 'channels', 'kernelSize', 'poolSize', 'hidden', 'dropout'],
    build: simpleCnn,
  },
  {
    name: 'resnet9',
    title: "ResNet-9, David Page's fast network for CIFAR-10",
    paper: 'https://github.com/davidcpage/cifar10-fast',
    parameters: 6_573_120,
    inputShape: CIFAR,
    options: [...COMMON, 'channels', 'logitScale'],
    build: resnet9,
  },
  {
    name: 'airbench94',
    title: 'airbench94, CIFAR-10 to 94 % in the fewest operations',
    paper: 'https://arxiv.org/abs/2404.00498',
    parameters: 1_972_792,
    inputShape: CIFAR,
    options: [...COMMON, 'channels', 'logitScale'],
    build: airbench94,
  },
  cifarResnetEntry(20, 269_722),
  cifarResnetEntry(32, 464_154),
  cifarResnetEntry(44, 658_586),
  cifarResnetEntry(56, 853_018),
  {
    name: 'resnet18',
    title: 'ResNet-18',
    paper: RESNET_PAPER,
    parameters: 11_689_512,
    inputShape: IMAGENET,
    options: COMMON,
    build: resnet18,
  },
  {
    name: 'resnet34',
    title: 'ResNet-34',
    paper: RESNET_PAPER,
    parameters: 21_797_672,
    inputShape: IMAGENET,
    options: COMMON,
    build: resnet34,
  },
];

/** `, did you mean "resnet18"? There are: …`: the candidates that fewest letters tell apart, then all. */
function nearest(name: string, candidates: readonly string[]): string {
  const distances = candidates.map((candidate) => distance(name.toLowerCase(), candidate.toLowerCase()));
  const least = Math.min(...distances);
  const known = candidates.join(', ');
  if (least > 3) return `; there are: ${known}`;
  const close = candidates.filter((_, i) => distances[i] === least).map((candidate) => `"${candidate}"`);
  return `, did you mean ${close.join(' or ')}? There are: ${known}`;
}
