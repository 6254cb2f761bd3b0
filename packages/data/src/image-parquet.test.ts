import { describe, expect, it } from 'vitest';
import { fixture } from '../test/formats.ts';
import { imageParquet } from './image-parquet.ts';
import { shownClasses } from './label-sets.ts';
import { loader } from './loader.ts';
import { splitDataset } from './split.ts';

const file = (name: string): File => new File([fixture('images.parquet')], name);

describe('imageParquet()', () => {
  it.each([undefined, 1])('reads what pyarrow wrote, in any order, with a cache of %s bytes', async (maxCacheBytes) => {
    const dataset = await imageParquet([file('data.parquet')], {
      channels: 1,
      ...(maxCacheBytes && { maxCacheBytes }),
    });
    expect([dataset.length, dataset.classes]).toEqual([7, ['healthy', 'rust']]);
    const order = [6, 0, 3, 1, 5, 2, 4, 6];
    const examples = await Promise.all(order.map((index) => dataset.get(index)));
    expect(examples.map(({ image, label }) => [...image.data, label])).toEqual(
      order.map((index) => [10 * index, 10 * index + 1, index % 2]),
    );
    expect(dataset.source(4)).toBe('data.parquet, row 4');
  });

  it('reads lists of labels: an image may show several classes, or none', async () => {
    const dataset = await imageParquet([new File([fixture('labels.parquet')], 'x.parquet')]);
    expect([dataset.classes, [0, 1, 2].map((i) => shownClasses(dataset, i))]).toEqual([
      ['cat', 'dog'],
      [[0, 1], [], [1]],
    ]);
    for await (const { labels, multiLabel } of loader(dataset, { batchSize: 3 }))
      expect({ labels, multiLabel }).toEqual({ labels: Float32Array.of(1, 1, 0, 0, 0, 1), multiLabel: true });
  });

  it('keeps the splits that files are named after', async () => {
    const dataset = await imageParquet([file('train-00000-of-00001.parquet'), file('test-00000-of-00001.parquet')]);
    expect(splitDataset(dataset).test.length).toBe(7);
    expect(dataset.label(8)).toBe(1);
  });

  it('refuses what is no Parquet file, and columns that are missing', async () => {
    await expect(imageParquet([new File(['nothing of the kind'], 'x.parquet')])).rejects.toThrow(
      /^imageParquet: x.parquet must be a Parquet file: /,
    );
    await expect(imageParquet([file('x.parquet')], { label: 'breed' })).rejects.toThrow(
      /^imageParquet: x.parquet must have a column "image" and a column "breed", got image, bytes, path, label; name/,
    );
    await expect(imageParquet([])).rejects.toThrow(RangeError);
  });
});
