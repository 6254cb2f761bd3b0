import { cached, type Dataset, type Loader, loader, mapped, type Preprocessing, preprocess } from '@imgcls/data';

/** What images are resized to. */
export type Framing = Omit<Preprocessing, 'mean' | 'std'>;

/** A data set as a network sees it: each image is read and resized once. */
export function prepared(dataset: Dataset, framing: Framing): Dataset {
  const { packed } = dataset;
  const { height, width, channels, cropFraction = 1 } = framing;
  const fits = packed && packed.height === height && packed.width === width && packed.channels === channels;
  if (fits && cropFraction === 1) return dataset;
  return cached(mapped(dataset, (image) => preprocess(image, framing)));
}

/** Reads all images of a data set that remembers them, many at a time; those that come later are then there at once. */
export async function readAll(dataset: Dataset, onProgress: (read: number) => void): Promise<void> {
  for (let start = 0; start < dataset.length; start += READ_AT_ONCE) {
    const end = Math.min(start + READ_AT_ONCE, dataset.length);
    await Promise.all(Array.from({ length: end - start }, (_, i) => dataset.get(start + i)));
    onProgress(end);
  }
}

const READ_AT_ONCE = 64;

/** Batches to measure on: all images in order, none changed. */
export const evaluationLoader = (dataset: Dataset, { mean, std }: Preprocessing): Loader =>
  loader(dataset, { batchSize: 64, normalization: { mean, std } });
