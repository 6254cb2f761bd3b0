import { type Dataset, loader, type Preprocessing, type Split, type Transform } from '@imgcls/data';
import { type CatalogueModel, createModel, whiteningFilters } from '@imgcls/models';
import { namedState } from '@imgcls/nn';
import { dispose } from '@imgcls/tensor';
import { toTensors } from '@imgcls/train';
import { augmentationFor, type Material, modelOptions } from './defaults.ts';
import { count } from './format.ts';
import type { Output } from './output.ts';
import { type Framing, prepared, printSkipped, readAll, usualWorkers } from './preparation.ts';
import type { Settings } from './settings.ts';
import type { Source } from './source.ts';

/** What there is to learn: the three parts of the images as the network sees them, and the network as it begins. */
export interface Lesson extends Record<Split, Dataset> {
  classes: readonly string[];
  preprocessing: Preprocessing;
  augmentation: readonly Transform[];
  model: CatalogueModel;
  /** Threads that decode and augment. */
  workers: number;
  /** Whether images are made smaller than most are. */
  shrunk: boolean;
}

/** Makes of images and settings all that training needs. The same for the same: a resumed run gets what it had. */
export async function prepareLesson(
  parts: Record<Split, Dataset>,
  material: Material,
  settings: Settings,
  { status, print }: Output,
  askedWorkers?: number,
): Promise<Lesson> {
  const { channels } = material;
  const { imageSize } = settings;
  const framing: Framing = { height: imageSize, width: imageSize, channels, resize: 'squash' };
  const listed = prepared(parts.train, framing);
  const workers = askedWorkers ?? usualWorkers(parts.train, framing);
  const onProgress = (read: number): void => status(`resizing images ${count(read)}/${count(listed.length)}`);
  const { dataset: train, statistics, skipped } = await readAll(listed, workers, onProgress);
  printSkipped(skipped, print);
  const preprocessing = { ...framing, ...statistics };
  return {
    train,
    validation: prepared(parts.validation, framing),
    test: prepared(parts.test, framing),
    classes: parts.train.classes,
    preprocessing,
    augmentation: augmentationFor(material),
    workers,
    shrunk: imageSize < material.side,
    model: await createNetwork(train, preprocessing, settings),
  };
}

async function createNetwork(
  train: Dataset,
  preprocessing: Preprocessing,
  settings: Settings,
): Promise<CatalogueModel> {
  const { model: name, imageSize, seed } = settings;
  const shapes = { numClasses: train.classes.length, inputChannels: preprocessing.channels, imageSize };
  const model = createModel(name, { ...modelOptions(settings), ...shapes, seed });
  if (name === 'airbench94') await whiten(model, train, preprocessing, seed);
  return model;
}

/** The first layer of airbench94 whitens patches of images: its filters are not learned, but follow from the training images. */
async function whiten(
  model: CatalogueModel,
  train: Dataset,
  { mean, std }: Preprocessing,
  seed: number,
): Promise<void> {
  const normalization = { mean, std };
  for await (const batch of loader(train, { batchSize: WHITENED, shuffle: true, seed, normalization })) {
    const { images, targets } = toTensors(batch);
    const filters = await whiteningFilters(images);
    namedState(model)['whiten.weight']!.variable.assign(filters);
    return dispose([images, targets, filters]);
  }
}

const WHITENED = 2000; // images: many more patches than a patch has values

/** Looks at some of the images: how large they are, and whether they have colours. */
export async function materialOf({ dataset }: Source): Promise<Material> {
  const stride = Math.ceil(dataset.length / LOOKED_AT);
  const sides: number[] = [];
  let channels: 1 | 3 = 1;
  for (let i = 0; i < dataset.length; i += stride) {
    const { image } = await dataset.get(i);
    sides.push(Math.min(image.height, image.width));
    if (image.channels === 3) channels = 3;
  }
  sides.sort((a, b) => a - b);
  return { count: dataset.length, side: sides[sides.length >> 1]!, channels, photos: dataset.packed === undefined };
}

const LOOKED_AT = 50;
