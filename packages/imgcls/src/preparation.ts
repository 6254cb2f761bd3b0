import { availableParallelism } from 'node:os';
import { cached, type Dataset, type Loader, loader, mapped, type Preprocessing, preprocessor } from '@imgcls/data';

/** What images are resized to. */
export type Framing = Omit<Preprocessing, 'mean' | 'std'>;

/** A data set as a network sees it: each image is read and resized once. */
export function prepared(dataset: Dataset, framing: Framing): Dataset {
  const { packed } = dataset;
  const { height, width, channels, cropFraction = 1 } = framing;
  const fits = packed && packed.height === height && packed.width === width && packed.channels === channels;
  if (fits && cropFraction === 1) return dataset;
  return cached(mapped(dataset, preprocessor(framing)), { maxBytes: CACHE_BYTES });
}

/** Reads all images of a data set that remembers them, many at a time; those that come later are then there at once. */
export async function readAll(dataset: Dataset, workers: number, onProgress: (read: number) => void): Promise<void> {
  if (dataset.packed) return onProgress(dataset.length);
  let read = 0;
  for await (const { indices } of loader(dataset, { batchSize: READ_AT_ONCE, workers })) {
    read += indices.length;
    onProgress(read);
  }
}

const READ_AT_ONCE = 64;

const CACHE_BYTES = 2 ** 30;

/** How many threads decode if nobody says: none where the images are decoded once and then remembered, else one for each processor. */
export function usualWorkers({ length, packed }: Dataset, { height, width, channels }: Framing): number {
  return packed || length * height * width * channels <= CACHE_BYTES ? 0 : availableParallelism();
}

/** Batches to measure on: all images in order, none changed. */
export const evaluationLoader = (dataset: Dataset, { mean, std }: Preprocessing, workers: number): Loader =>
  loader(dataset, { batchSize: 64, normalization: { mean, std }, workers });
