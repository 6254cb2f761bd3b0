import { type Dataset, imageStatistics, type Preprocessing, type Split, type Transform } from '@imgcls/data';
import { type CatalogueModel, createModel } from '@imgcls/models';
import { augmentationFor, type Material, modelOptions } from './defaults.ts';
import { divide, usualDivision } from './division.ts';
import { type Framing, prepared } from './preparation.ts';
import type { Settings } from './settings.ts';
import type { Source } from './source.ts';

/** What there is to learn: the three parts of the images as the network sees them, and the network as it begins. */
export interface Lesson extends Record<Split, Dataset> {
  classes: readonly string[];
  preprocessing: Preprocessing;
  augmentation: readonly Transform[];
  model: CatalogueModel;
}

/** Makes of images and settings all that training needs. The same for the same: a resumed run gets what it had. */
export async function prepareLesson(dataset: Dataset, material: Material, settings: Settings): Promise<Lesson> {
  const { channels } = material;
  const { imageSize, model, seed } = settings;
  const framing: Framing = { height: imageSize, width: imageSize, channels, resize: 'squash' };
  const parts = divide(dataset, usualDivision);
  const train = prepared(parts.train, framing);
  return {
    train,
    validation: prepared(parts.validation, framing),
    test: prepared(parts.test, framing),
    classes: dataset.classes,
    preprocessing: { ...framing, ...(await imageStatistics(train)) },
    augmentation: augmentationFor(material),
    model: createModel(model, {
      ...modelOptions(settings),
      numClasses: dataset.classes.length,
      inputChannels: channels,
      imageSize,
      seed,
    }),
  };
}

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
  return { side: sides[sides.length >> 1]!, channels, photos: dataset.packed === undefined };
}

const LOOKED_AT = 50;
