import { expect, it } from 'vitest';
import { arrayDataset, type Dataset, mapped } from './dataset.ts';
import { toChannels } from './image.ts';
import { type Batch, loader } from './loader.ts';
import { imageStatistics } from './statistics.ts';

const colours = arrayDataset({
  data: Uint8Array.from([0, 10, 255, 255, 10, 0, 51, 10, 255, 102, 10, 0]),
  height: 1,
  width: 2,
  channels: 3,
  labels: [0, 1],
  classes: ['a', 'b'],
});

it('imageStatistics() are the mean and the deviation of each channel', async () => {
  const { mean, std } = await imageStatistics(colours);
  // Red is 0, 1, 0.2, 0.4: mean 0.4, variance (0.16 + 0.36 + 0.04 + 0) / 4; green never changes; blue is 1, 0, 1, 0.
  expect(mean).toEqual([expect.closeTo(0.4, 15), 10 / 255, 0.5]);
  expect(std).toEqual([expect.closeTo(Math.sqrt(0.14), 15), 1, 0.5]);
});

it('imageStatistics() are the same for images that are read one by one', async () => {
  expect(await imageStatistics(mapped(colours, (image) => ({ ...image })))).toEqual(await imageStatistics(colours));
});

it('imageStatistics() are the same, bit for bit, of batches in any order', async () => {
  const many = arrayDataset({
    data: Uint8Array.from({ length: 7 * 5 * 4 * 3 }, (_, i) => (i * 2654435761) >>> 24),
    height: 5,
    width: 4,
    channels: 3,
    labels: [0, 0, 0, 0, 0, 0, 0],
    classes: ['a'],
  });
  expect(await imageStatistics(loader(many, { batchSize: 3, shuffle: true }))).toEqual(await imageStatistics(many));
});

it('imageStatistics() refuse batches of floats', async () => {
  async function* floats(): AsyncGenerator<Batch> {
    yield { images: new Float32Array(3), shape: [1, 1, 1, 3], labels: Int32Array.of(0), indices: Int32Array.of(0) };
  }
  await expect(imageStatistics(floats())).rejects.toThrow(
    new TypeError('imageStatistics: batches must hold bytes, got floats; give it those of a loader'),
  );
});

it('imageStatistics() stay exact over many equal values', async () => {
  const data = new Uint8Array(3_000_000).fill(100);
  const one = arrayDataset({ data, height: 1000, width: 1000, channels: 3, labels: [0], classes: ['a'] });
  expect((await imageStatistics(one)).mean).toEqual([100 / 255, 100 / 255, 100 / 255]);
});

it('imageStatistics() refuse an empty data set, and mixed channels', async () => {
  const empty: Dataset = { ...colours, length: 0 };
  await expect(imageStatistics(empty)).rejects.toThrow(
    new RangeError('imageStatistics: there must be at least one image, got none'),
  );
  const mixed: Dataset = {
    length: 2,
    classes: colours.classes,
    get: (index) => ({ label: 0, image: toChannels(colours.get(index).image, index === 0 ? 3 : 1) }),
  };
  await expect(imageStatistics(mixed)).rejects.toThrow(
    new RangeError('imageStatistics: images must have 3 channels like the first, got 1x2x1 at 1'),
  );
});
