import { random } from '@imgcls/random';
import { describe, expect, it } from 'vitest';
import { arrayDataset } from './dataset.ts';
import { loader, type Transform } from './loader.ts';
import { classBalanced, repeated, weighted } from './sampler.ts';

/** Ten examples, eight of them of class 0. */
const dataset = arrayDataset({
  data: new Uint8Array(10),
  height: 1,
  width: 1,
  channels: 1,
  labels: [0, 0, 0, 0, 1, 0, 0, 0, 0, 1],
  classes: ['many', 'few'],
});

const share = (drawn: Int32Array, index: number) => drawn.filter((one) => one === index).length / drawn.length;

describe('weighted()', () => {
  it('draws each example as often as its weight says', () => {
    const drawn = weighted([0, 1, 3, 0, 0, 0, 0, 0, 0, 4], { size: 40_000 }).draw(dataset, random(1));
    expect([1, 2, 9].map((index) => Math.round(100 * share(drawn, index)))).toEqual([13, 37, 50]);
    expect(drawn.length).toBe(40_000);
  });

  it.each([
    [[1, -1], 'weighted: weights must be finite and >= 0, got -1 at 1'],
    [[0, 0], 'weighted: at least one weight must be > 0, got none'],
  ])('refuses %j', (weights, message) => {
    expect(() => weighted(weights)).toThrow(new RangeError(message));
  });

  it('refuses another number of weights than of examples', () => {
    expect(() => loader(dataset, { batchSize: 1, sampler: weighted([1]) })).toThrow(
      new RangeError('weighted: there must be a weight for each of 10 examples, got 1'),
    );
  });
});

describe('classBalanced()', () => {
  it('draws all classes alike, and the examples of a class alike', () => {
    const drawn = classBalanced({ size: 40_000 }).draw(dataset, random(2));
    expect([4, 9, 0, 8].map((index) => Math.round(100 * share(drawn, index)))).toEqual([25, 25, 6, 6]);
  });
});

describe('repeated()', () => {
  it('gives each example several times in a row, as many in all as ever', () => {
    const drawn = Array.from(repeated(3).draw(dataset, random(3)));
    expect(drawn.length).toBe(10);
    const rows = [drawn.slice(0, 3), drawn.slice(3, 6), drawn.slice(6, 9), drawn.slice(9)];
    expect(rows.every((row) => new Set(row).size === 1)).toBe(true);
    expect(new Set(drawn).size).toBe(4);
  });

  it('augments each of them anew, and the first as if it were the only one', async () => {
    const noise: Transform = (image, draw) => ({ ...image, data: image.data.map(() => draw.int(256)) });
    const options = { batchSize: 10, augment: [noise], seed: 1 };
    const once = new Map<number, number>();
    for await (const { indices, images } of loader(dataset, options))
      for (const [i, index] of indices.entries()) once.set(index, images[i]!);
    for await (const { indices, images } of loader(dataset, { ...options, sampler: repeated(3) })) {
      expect(images[0]).toBe(once.get(indices[0]!));
      expect(new Set(images.subarray(0, 3)).size).toBe(3);
    }
  });

  it('does not go with shuffle', () => {
    expect(() => loader(dataset, { batchSize: 1, shuffle: true, sampler: repeated(2) })).toThrow(
      new RangeError('loader: shuffle or sampler must be given, got both; a sampler shuffles'),
    );
  });
});
