// What the page and Node both do with a folder of images.
import { colorJitter, horizontalFlip, loader, randomResizedCrop } from '@imgcls/data';

/**
 * Three epochs, shuffled and augmented, as text. A loop before them is left after its first batch.
 *
 * @param {import('@imgcls/data').Dataset} photos
 * @param {number} workers
 */
export async function epochs(photos, workers) {
  const augment = [randomResizedCrop(12, 10), horizontalFlip(), colorJitter({ brightness: 0.4, hue: 0.1 })];
  const batches = loader(photos, { batchSize: 4, shuffle: true, seed: 3, augment, workers });
  for await (const _ of batches.epoch(0)) break;
  const read = [];
  for (const epoch of [0, 1, 2])
    for await (const { images, labels, indices } of batches.epoch(epoch))
      read.push({ epoch, images: Array.from(images), labels: Array.from(labels), indices: Array.from(indices) });
  return JSON.stringify(read);
}
