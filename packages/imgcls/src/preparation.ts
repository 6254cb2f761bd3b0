import { availableParallelism } from 'node:os';
import {
  type Batch,
  cached,
  type Dataset,
  imageStatistics,
  type Loader,
  loader,
  mapped,
  type Normalization,
  type Preprocessing,
  preprocessor,
  type SkippedExample,
  type SkippedFile,
  subset,
} from '@imgcls/data';
import type { Output } from './output.ts';

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

/** What comes of reading all images once. */
export interface FirstReading {
  /** The images that were there. */
  dataset: Dataset;
  statistics: Normalization;
  /** Files that could be read when they were listed, and have gone or changed since. */
  skipped: readonly SkippedExample[];
}

/** Reads all images of a data set that remembers them, many at a time; those that come later are then there at once. */
export async function readAll(
  dataset: Dataset,
  workers: number,
  onProgress: (read: number) => void,
): Promise<FirstReading> {
  if (dataset.packed) return { dataset, statistics: await imageStatistics(dataset), skipped: [] };
  const there: number[] = [];
  const batches = loader(dataset, { batchSize: READ_AT_ONCE, workers, onError: 'skip' });
  async function* reading(): AsyncGenerator<Batch> {
    for await (const batch of batches) {
      yield batch;
      there.push(...batch.indices);
      onProgress(there.length);
    }
  }
  const statistics = await imageStatistics(reading());
  const { skipped } = batches;
  return { dataset: skipped.length > 0 ? subset(dataset, there) : dataset, statistics, skipped };
}

const READ_AT_ONCE = 64;

const CACHE_BYTES = 2 ** 30;

/** How many threads decode if nobody says: none where the images are decoded once and then remembered, else one for each processor. */
export function usualWorkers({ length, packed }: Dataset, { height, width, channels }: Framing): number {
  return packed || length * height * width * channels <= CACHE_BYTES ? 0 : availableParallelism();
}

/** Batches to measure on: all images in order, none changed. Files that have gone since they were listed are left out, and in `skipped`. */
export const evaluationLoader = (dataset: Dataset, { mean, std }: Preprocessing, workers: number): Loader =>
  loader(dataset, { batchSize: 64, normalization: { mean, std }, workers, onError: 'skip' });

/** Names files that gave no image, and says why. */
export function printSkipped(skipped: readonly SkippedFile[], print: Output['print']): void {
  for (const { file, reason } of skipped) print(`left out ${file}: ${reason}`);
}
