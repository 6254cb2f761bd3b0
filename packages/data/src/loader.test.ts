import { describe, expect, it, vi } from 'vitest';
import { arrayDataset, type Dataset } from './dataset.ts';
import type { Image } from './image.ts';
import { type Batch, type LoaderOptions, loader, stackImages, type Transform } from './loader.ts';

const packed = (n: number) =>
  arrayDataset({
    data: Uint8Array.from({ length: 2 * n }, (_, i) => i),
    height: 1,
    width: 2,
    channels: 1,
    labels: Array.from({ length: n }, (_, i) => i % 3),
    classes: ['a', 'b', 'c'],
  });

/** The same images, which come later, the even ones last. */
const slow = (n: number): Dataset => {
  const { length, classes, get } = packed(n);
  return {
    length,
    classes,
    get: async (index) => {
      await new Promise((resolve) => setTimeout(resolve, index % 2 === 0 ? 3 : 0));
      return get(index);
    },
    source: (index) => `photos/${index}.png`,
  };
};

const noise: Transform = (image, random) => ({ ...image, data: image.data.map(() => random.int(256)) });

async function collect(batches: AsyncIterable<Batch>): Promise<Batch[]> {
  const all = [];
  for await (const batch of batches) all.push(batch);
  return all;
}

const indicesOf = (batches: Batch[]): number[] => batches.flatMap(({ indices }) => Array.from(indices));

describe('loader()', () => {
  it('cuts the data set into batches, in its order', async () => {
    const batches = loader(packed(5), { batchSize: 2 });
    expect(batches.length).toBe(3);
    expect(await collect(batches)).toEqual([
      {
        images: Uint8Array.of(0, 1, 2, 3),
        shape: [2, 1, 2, 1],
        labels: Int32Array.of(0, 1),
        indices: Int32Array.of(0, 1),
      },
      {
        images: Uint8Array.of(4, 5, 6, 7),
        shape: [2, 1, 2, 1],
        labels: Int32Array.of(2, 0),
        indices: Int32Array.of(2, 3),
      },
      { images: Uint8Array.of(8, 9), shape: [1, 1, 2, 1], labels: Int32Array.of(1), indices: Int32Array.of(4) },
    ]);
  });

  it('leaves out the last batch on demand', async () => {
    const batches = loader(packed(5), { batchSize: 2, dropLast: true });
    expect(batches.length).toBe(2);
    expect(indicesOf(await collect(batches))).toEqual([0, 1, 2, 3]);
  });

  it('passes the normalization on', async () => {
    const normalization = { mean: [0.5], std: [0.25] };
    for (const dataset of [packed(2), slow(2)])
      expect((await collect(loader(dataset, { batchSize: 2, normalization })))[0]?.normalization).toEqual(
        normalization,
      );
  });

  it('shuffles each epoch anew, every example once', async () => {
    const batches = loader(packed(50), { batchSize: 8, shuffle: true, seed: 3 });
    const [first, second] = [indicesOf(await collect(batches.epoch(0))), indicesOf(await collect(batches.epoch(1)))];
    expect(first).not.toEqual(second);
    for (const epoch of [first, second])
      expect(epoch.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });

  it('iterates over epoch 0 when it is not asked for one', async () => {
    const batches = loader(packed(20), { batchSize: 8, shuffle: true });
    expect(await collect(batches)).toEqual(await collect(batches.epoch(0)));
  });

  it('gives the same batches for the same seed, however images are read and however far ahead', async () => {
    const options = { batchSize: 4, shuffle: true, seed: 5, augment: [noise] };
    const expected = await collect(loader(packed(22), options).epoch(2));
    for (const prefetch of [0, 1, 7])
      for (const dataset of [packed(22), slow(22)])
        expect(await collect(loader(dataset, { ...options, prefetch }).epoch(2))).toEqual(expected);
    expect(await collect(loader(packed(22), { ...options, seed: 6 }).epoch(2))).not.toEqual(expected);
  });

  it('augments an example with the same numbers wherever it stands in the epoch, and with others in the next', async () => {
    const imagesOf = async (epoch: number, shuffle: boolean): Promise<Map<number, Image['data']>> => {
      const batches = await collect(loader(packed(9), { batchSize: 1, shuffle, augment: [noise] }).epoch(epoch));
      return new Map(batches.map(({ indices, images }) => [indices[0]!, images as Uint8Array]));
    };
    const [ordered, shuffled, next] = [await imagesOf(0, false), await imagesOf(0, true), await imagesOf(1, false)];
    for (const [index, image] of ordered) {
      expect(shuffled.get(index)).toEqual(image);
      expect(next.get(index)).not.toEqual(image);
    }
  });

  it('applies transforms one after the other, and they may change the size', async () => {
    const doubled: Transform = (image) => ({ ...image, data: image.data.map((v) => 2 * v) });
    const cut: Transform = (image) => ({ ...image, width: 1, data: image.data.subarray(1) });
    for (const dataset of [packed(3), slow(3)]) {
      const [batch] = await collect(loader(dataset, { batchSize: 3, augment: [doubled, cut] }));
      expect([batch?.images, batch?.shape]).toEqual([Uint8Array.of(2, 6, 10), [3, 1, 1, 1]]);
    }
  });

  it('goes on in the middle of an epoch with the very next batch, without reading the ones before', async () => {
    const dataset = slow(20);
    const get = vi.spyOn(dataset, 'get');
    const batches = loader(dataset, { batchSize: 4, shuffle: true, augment: [noise] });
    const whole = await collect(batches.epoch(3));
    get.mockClear();
    expect(await collect(batches.epoch(3, 3))).toEqual(whole.slice(3));
    expect(get).toHaveBeenCalledTimes(8);
    expect(await collect(batches.epoch(3, 5))).toEqual([]);
  });

  it('reads ahead so many batches as prefetch says, and no further', async () => {
    const dataset = slow(40);
    const get = vi.spyOn(dataset, 'get');
    const epoch = loader(dataset, { batchSize: 4, prefetch: 2 }).epoch(0)[Symbol.asyncIterator]();
    await epoch.next();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(get).toHaveBeenCalledTimes(3 * 4);
    await epoch.next();
    expect(get).toHaveBeenCalledTimes(4 * 4);
  });

  it('stops reading when the reader leaves, though reads under way fail', async () => {
    const dataset = slow(40);
    const read = dataset.get;
    const get = vi.fn<Dataset['get']>((index) => (index < 4 ? read(index) : Promise.reject(new Error('gone'))));
    for await (const batch of loader({ ...dataset, get }, { batchSize: 4 }).epoch(0)) {
      expect(batch.indices[0]).toBe(0);
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(get).toHaveBeenCalledTimes(12);
  });

  it('names the image that can not be read', async () => {
    const broken: Dataset = {
      ...slow(4),
      get: (index) => (index === 3 ? Promise.reject(new Error('disk on fire')) : packed(4).get(index)),
    };
    await expect(collect(loader(broken, { batchSize: 2 }))).rejects.toThrow(
      'loader: could not read photos/3.png: disk on fire',
    );
    const { source: _, ...nameless } = broken;
    await expect(collect(loader(nameless, { batchSize: 2 }))).rejects.toThrow(
      'loader: could not read example 3: disk on fire',
    );
  });

  it('names images of another size than the first of their batch', async () => {
    const odd: Dataset = {
      ...slow(2),
      get: (index) => ({
        label: 0,
        image: { data: new Uint8Array(index + 1), height: index + 1, width: 1, channels: 1 },
      }),
    };
    await expect(collect(loader(odd, { batchSize: 2 }))).rejects.toThrow(
      new RangeError(
        'loader: images of a batch must have one size, got 1x1x1 (photos/0.png) and 2x1x1 (photos/1.png); use mapped(dataset, resize(height, width))',
      ),
    );
  });

  it.each([
    [{ batchSize: 0 }, 'loader: batchSize must be an integer >= 1, got 0'],
    [{ batchSize: 1.5 }, 'loader: batchSize must be an integer >= 1, got 1.5'],
    [{ batchSize: 2, prefetch: -1 }, 'loader: prefetch must be an integer >= 0, got -1'],
    [
      { batchSize: 6, dropLast: true },
      'loader: the data set must fill a batch, got 5 examples for batchSize 6; use fewer per batch or more images',
    ],
  ] satisfies [LoaderOptions, string][])('refuses %j', (options, message) => {
    expect(() => loader(packed(5), options)).toThrow(new RangeError(message));
  });

  it('refuses epochs that are none', () => {
    expect(() => loader(packed(5), { batchSize: 1 }).epoch(-1)).toThrow(
      new RangeError('loader: epoch must be an integer >= 0, got -1'),
    );
  });
});

describe('stackImages()', () => {
  it('refuses an empty list', () => {
    expect(() => stackImages([])).toThrow(new RangeError('stackImages: there must be at least one image, got none'));
  });
});
