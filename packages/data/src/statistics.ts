import { type Dataset, packedImage } from './dataset.ts';
import { sizeOf } from './image.ts';
import type { Batch, Normalization } from './loader.ts';

/**
 * Mean and standard deviation of each channel over all pixels of a data set, or of the batches of a `loader`, whose workers then decode; of values scaled to `[0, 1]`: what `loader` takes as
 * `normalization`. Compute it over the training set alone.
 *
 * One pass that holds one image, or batch, at a time. Exact: the values are counted, the rest is float64, so it is the same either way. A channel that
 * never changes has deviation 1, so that normalising makes it 0.
 *
 * @throws {RangeError} if there is no image, or images differ in channels.
 * @throws {TypeError} if batches hold other values than bytes.
 * @example
 * ```ts
 * import { digits, imageStatistics } from '@imgcls/data';
 *
 * const { mean, std } = await imageStatistics(await digits());
 * console.log(mean[0]?.toFixed(3), std[0]?.toFixed(3)); // => 0.305 0.376
 * ```
 */
export async function imageStatistics(images: Dataset | AsyncIterable<Batch>): Promise<Normalization> {
  const counts = 'get' in images ? await countsOfDataset(images) : await countsOfBatches(images);
  if (!counts) throw new RangeError('imageStatistics: there must be at least one image, got none');
  const moments = counts.map(momentsOf);
  return { mean: moments.map(({ mean }) => mean), std: moments.map(({ std }) => std) };
}

const noCounts = (channels: number): Float64Array[] => Array.from({ length: channels }, () => new Float64Array(256));

async function countsOfDataset(dataset: Dataset): Promise<Float64Array[] | undefined> {
  let counts: Float64Array[] | undefined;
  for (let i = 0; i < dataset.length; i++) {
    const image = dataset.packed ? packedImage(dataset.packed, i) : (await dataset.get(i)).image;
    counts ??= noCounts(image.channels);
    if (image.channels !== counts.length)
      throw new RangeError(
        `imageStatistics: images must have ${counts.length} channels like the first, got ${sizeOf(image)} at ${i}`,
      );
    countValues(image, counts);
  }
  return counts;
}

async function countsOfBatches(batches: AsyncIterable<Batch>): Promise<Float64Array[] | undefined> {
  let counts: Float64Array[] | undefined;
  for await (const { images, shape } of batches) {
    if (!(images instanceof Uint8Array))
      throw new TypeError('imageStatistics: batches must hold bytes, got floats; give it those of a loader');
    const channels = shape[3];
    counts ??= noCounts(channels);
    if (channels !== counts.length)
      throw new RangeError(
        `imageStatistics: batches must have ${counts.length} channels like the first, got ${channels}`,
      );
    countValues({ data: images, channels }, counts);
  }
  return counts;
}

function countValues({ data, channels }: { data: Uint8Array; channels: number }, counts: Float64Array[]): void {
  for (let c = 0; c < channels; c++) {
    const count = counts[c]!;
    for (let i = c; i < data.length; i += channels) count[data[i]!]!++;
  }
}

function momentsOf(counts: Float64Array): { mean: number; std: number } {
  const total = counts.reduce((a, b) => a + b, 0);
  const mean = counts.reduce((sum, count, value) => sum + count * value, 0) / total;
  const variance = counts.reduce((sum, count, value) => sum + count * (value - mean) ** 2, 0) / total;
  return { mean: mean / 255, std: variance > 0 ? Math.sqrt(variance) / 255 : 1 };
}
