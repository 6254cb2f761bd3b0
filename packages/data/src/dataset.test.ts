import { random } from '@imgcls/random';
import { describe, expect, it } from 'vitest';
import { arrayDataset, cached, type Dataset, mapped, subset } from './dataset.ts';
import type { Image } from './image.ts';

/** `n` images of one gray pixel, whose value and label is their index. */
const ramp = (n: number) =>
  arrayDataset({
    data: Uint8Array.from({ length: n }, (_, i) => i),
    height: 1,
    width: 1,
    channels: 1,
    labels: Array.from({ length: n }, (_, i) => i),
    classes: Array.from({ length: n }, (_, i) => `class ${i}`),
  });

/** The same without an array behind it, counting how often each image is read. */
function counting(n: number): Dataset & { reads: number[] } {
  const reads = Array<number>(n).fill(0);
  const { classes, get } = ramp(n);
  return {
    length: n,
    classes,
    reads,
    get: async (index) => {
      reads[index]!++;
      return get(index);
    },
    source: (index) => `${index}.png`,
    split: (index) => (index < 2 ? 'train' : 'test'),
  };
}

const pixel = async (dataset: Dataset, index: number): Promise<number | undefined> =>
  (await dataset.get(index)).image.data[0];

describe('arrayDataset()', () => {
  it('gives images as views of the array', () => {
    const data = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    const dataset = arrayDataset({ data, height: 1, width: 2, channels: 3, labels: [1, 0], classes: ['a', 'b'] });
    const { image, label } = dataset.get(1);
    expect(label).toBe(0);
    expect(image).toEqual({ data: Uint8Array.from([7, 8, 9, 10, 11, 12]), height: 1, width: 2, channels: 3 });
    expect(image.data.buffer).toBe(data.buffer);
  });

  it('refuses data of another size than the labels say', () => {
    const options = {
      data: new Uint8Array(7),
      height: 2,
      width: 2,
      channels: 1,
      labels: [0, 1],
      classes: ['a', 'b'],
    } as const;
    expect(() => arrayDataset(options)).toThrow(
      new RangeError('arrayDataset: data must have 2 labels x 2 x 2 x 1 = 8 bytes, got 7'),
    );
  });

  it.each([2, -1])('refuses the label %i of two classes', (label) => {
    const options = {
      data: new Uint8Array(2),
      height: 1,
      width: 1,
      channels: 1,
      labels: [0, label],
      classes: ['a', 'b'],
    } as const;
    expect(() => arrayDataset(options)).toThrow(
      new RangeError(`arrayDataset: labels must be in [0, 2), the number of classes, got ${label} at 1`),
    );
  });

  it.each([-1, 3, 0.5, Number.NaN])('refuses the index %d of three', (index) => {
    const dataset = ramp(3);
    const message = `dataset: index must be an integer in [0, 3), got ${index}`;
    expect(() => dataset.get(index)).toThrow(new RangeError(message));
    expect(() => dataset.label(index)).toThrow(new RangeError(message));
  });
});

describe('subset()', () => {
  it('picks examples in the given order, also of a subset', async () => {
    const twice = subset(subset(ramp(9), [8, 6, 4, 2]), [3, 0]);
    expect([twice.length, await pixel(twice, 0), await pixel(twice, 1)]).toEqual([2, 2, 8]);
    expect([twice.label?.(0), twice.label?.(1)]).toEqual([2, 8]);
  });

  it('keeps the array of a data set that has one', () => {
    const { packed } = subset(ramp(9), [5, 3]);
    expect(packed?.rows).toEqual(Int32Array.of(5, 3));
    expect(packed?.labels).toEqual(Int32Array.of(5, 3));
  });

  it('translates sources and splits, and reads only what is asked for', async () => {
    const whole = counting(4);
    const part = subset(whole, [3, 1]);
    expect([part.source?.(0), part.split?.(0), part.source?.(1), part.split?.(1)]).toEqual([
      '3.png',
      'test',
      '1.png',
      'train',
    ]);
    expect(part.label).toBeUndefined();
    await part.get(1);
    expect(whole.reads).toEqual([0, 1, 0, 0]);
  });

  it('refuses an index that the data set does not have', () => {
    expect(() => subset(ramp(3), [0, 3])).toThrow(new RangeError('dataset: index must be an integer in [0, 3), got 3'));
  });
});

describe('mapped()', () => {
  const inverted = (image: Image): Image => ({ ...image, data: image.data.map((value) => 255 - value) });

  it('changes images, of data sets that answer at once and of those that do not', async () => {
    expect(await pixel(mapped(ramp(3), inverted), 2)).toBe(253);
    expect(await pixel(mapped(counting(3), inverted), 2)).toBe(253);
  });

  it('keeps labels and names but not the array, which it does not change', () => {
    expect(mapped(ramp(3), inverted).packed).toBeUndefined();
    expect(mapped(ramp(3), inverted).label?.(2)).toBe(2);
    expect(mapped(counting(3), inverted).source?.(2)).toBe('2.png');
  });

  it('passes the random numbers on', async () => {
    const noisy: Dataset = {
      ...ramp(3),
      get: (index, own) => ({
        label: index,
        image: { data: Uint8Array.of(own!.int(256)), height: 1, width: 1, channels: 1 },
      }),
    };
    const { image } = await mapped(noisy, inverted).get(0, random(7));
    expect(image.data[0]).toBe(255 - random(7).int(256));
  });
});

describe('cached()', () => {
  it('reads every image once', async () => {
    const whole = counting(3);
    const dataset = cached(whole);
    for (const index of [0, 1, 0, 2, 0, 1]) expect(await pixel(dataset, index)).toBe(index);
    expect(whole.reads).toEqual([1, 1, 1]);
  });

  it('keeps no more than fits, and reads the rest anew', async () => {
    const whole = counting(3);
    const dataset = cached(whole, { maxBytes: 2 });
    for (const index of [0, 1, 2, 0, 1, 2]) await dataset.get(index);
    expect(whole.reads).toEqual([1, 1, 2]);
  });

  it('tries again what has failed', async () => {
    let attempts = 0;
    const flaky: Dataset = {
      ...ramp(1),
      get: async () => {
        if (++attempts === 1) throw new Error('busy');
        return ramp(1).get(0);
      },
    };
    const dataset = cached(flaky);
    await expect(dataset.get(0)).rejects.toThrow('busy');
    expect(await pixel(dataset, 0)).toBe(0);
  });
});
