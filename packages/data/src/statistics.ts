import { type Dataset, packedImage } from './dataset.ts';
import { type Image, sizeOf } from './image.ts';
import type { Normalization } from './loader.ts';

/**
 * Mean and standard deviation of each channel over all pixels of a data set, of values scaled to `[0, 1]`: what `loader` takes as
 * `normalization`. Compute it over the training set alone.
 *
 * One pass that holds one image at a time. Exact: the values are counted, the rest is float64. A channel that never changes has
 * deviation 1, so that normalising makes it 0.
 *
 * @throws {RangeError} if the data set is empty, or images differ in channels.
 * @example
 * ```ts
 * import { digits, imageStatistics } from '@imgcls/data';
 *
 * const { mean, std } = await imageStatistics(await digits());
 * console.log(mean[0]?.toFixed(3), std[0]?.toFixed(3)); // => 0.305 0.376
 * ```
 */
export async function imageStatistics(dataset: Dataset): Promise<Normalization> {
  if (dataset.length === 0) throw new RangeError('imageStatistics: there must be at least one image, got none');
  let counts: Float64Array[] | undefined;
  for (let i = 0; i < dataset.length; i++) {
    const image = dataset.packed ? packedImage(dataset.packed, i) : (await dataset.get(i)).image;
    counts ??= Array.from({ length: image.channels }, () => new Float64Array(256));
    if (image.channels !== counts.length)
      throw new RangeError(
        `imageStatistics: images must have ${counts.length} channels like the first, got ${sizeOf(image)} at ${i}`,
      );
    countValues(image, counts);
  }
  const moments = counts!.map(momentsOf);
  return { mean: moments.map(({ mean }) => mean), std: moments.map(({ std }) => std) };
}

function countValues({ data, channels }: Image, counts: Float64Array[]): void {
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
