import { cached, type Dataset, type Loader, loader, mapped, type Preprocessing, preprocess } from '@imgcls/data';

/** What images are resized to. */
export type Framing = Omit<Preprocessing, 'mean' | 'std'>;

/** A data set as a network sees it: each image is read and resized once. */
export function prepared(dataset: Dataset, framing: Framing): Dataset {
  const { packed } = dataset;
  const { height, width, channels } = framing;
  if (packed && packed.height === height && packed.width === width && packed.channels === channels) return dataset;
  return cached(mapped(dataset, (image) => preprocess(image, framing)));
}

/** Batches to measure on: all images in order, none changed. */
export const evaluationLoader = (dataset: Dataset, { mean, std }: Preprocessing): Loader =>
  loader(dataset, { batchSize: 64, normalization: { mean, std } });
