import { describe, expect, it } from 'vitest';
import { arrayDataset, cached, type Dataset, mapped, subset } from './dataset.ts';
import { classCounts, shownClasses } from './label-sets.ts';
import { type Batch, loader } from './loader.ts';
import { cutMix, mixUp } from './mix.ts';
import { classBalanced } from './sampler.ts';
import { splitDataset } from './split.ts';
import { splitByManifest, splitManifest } from './split-manifest.ts';

const sets = [[0], [0, 2], [], [1, 2], [0, 1, 2], [2]];

/** Six images of one pixel, their index. */
const dataset = arrayDataset({
  data: Uint8Array.from(sets.keys()),
  height: 1,
  width: 1,
  channels: 1,
  labels: sets,
  classes: ['cat', 'dog', 'fox'],
});

async function first(of: Dataset, options: Partial<Parameters<typeof loader>[1]> = {}): Promise<Batch> {
  for await (const batch of loader(of, { batchSize: of.length, ...options })) return batch;
  return expect.fail('no batch');
}

const rowsOf = ({ labels }: Batch): number[][] =>
  Array.from({ length: labels.length / 3 }, (_, i) => Array.from(labels.subarray(3 * i, 3 * i + 3)));

const marks = [[1, 0, 0], [1, 0, 1], [0, 0, 0], [0, 1, 1], [1, 1, 1], [0, 0, 1]]; // biome-ignore format: one line

describe('a multi-label data set', () => {
  it('gives batches of 0 and 1 for each class', async () => {
    const batch = await first(dataset);
    expect([batch.multiLabel, rowsOf(batch)]).toEqual([true, marks]);
    expect(batch.labels).toBeInstanceOf(Float32Array);
  });

  it.each<[string, (of: Dataset) => Dataset]>([
    ['in a subset', (of) => subset(of, [4, 2])],
    ['in another order', (of) => subset(subset(of, [0, 2, 4]), [2, 1])],
    ['with other images', (of) => mapped(subset(of, [4, 2]), (image) => image)],
    ['remembered', (of) => cached(mapped(subset(of, [4, 2]), (image) => image))],
  ])('keeps the labels %s', async (_, change) => {
    const changed = change(dataset);
    for (let epoch = 0; epoch < 2; epoch++) expect(rowsOf(await first(changed))).toEqual([marks[4], marks[2]]);
    expect([shownClasses(changed, 0), shownClasses(changed, 1)]).toEqual([[0, 1, 2], []]);
    expect(classCounts(changed)).toEqual(Int32Array.of(1, 1, 1));
  });

  it('may be anything with length, classes, labelSets and get', async () => {
    const { data, ...rest } = { data: Uint8Array.of(0), height: 1, width: 1, channels: 1 } as const;
    const own: Dataset = {
      length: 2,
      classes: ['a', 'b', 'c'],
      labelSets: [[1], [0, 2]],
      get: (index) => ({ image: { data, ...rest }, label: 1 - index }),
    };
    expect(rowsOf(await first(own))).toEqual([[1, 0, 1], [0, 1, 0]]); // biome-ignore format: one line
    expect(() => shownClasses(own, 0)).toThrow(TypeError);
    const stray: Dataset = { ...own, get: () => ({ image: { data, ...rest }, label: 2 }) };
    await expect(first(stray)).rejects.toThrow(
      new RangeError('dataset: labels must be in [0, 2), the number of labelSets, got 2'),
    );
  });

  it('mixes what the images show', async () => {
    const mixed = await first(dataset, { mix: mixUp({ numClasses: 3 }) });
    expect(mixed.multiLabel).toBe(true);
    const share = rowsOf(mixed)[1]![2]!; // the image before shows no fox
    const expected = marks.map((row, i) => row.map((mark, k) => share * mark + (1 - share) * marks[(i + 5) % 6]![k]!));
    for (const [i, row] of rowsOf(mixed).entries())
      for (const [k, mark] of row.entries()) expect(mark).toBeCloseTo(expected[i]![k]!, 6);
    const cut = await first(dataset, { mix: cutMix({ numClasses: 3 }) });
    expect(cut.labels.every((mark) => mark >= 0 && mark <= 1)).toBe(true);
  });

  it('is refused where an image must have one class', () => {
    expect(() => loader(dataset, { batchSize: 1, sampler: classBalanced() })).toThrow(
      'classBalanced: each example must have one class, got a multi-label data set; use weighted(weights)',
    );
  });

  it('is written down with the names of all that an image shows, and found again only with these', async () => {
    const options = { fractions: [0.5, 0.25, 0.25] as const };
    const manifest = JSON.parse(JSON.stringify(await splitManifest(dataset, options)));
    expect(manifest.files.map((one: { class: unknown }) => one.class)).toEqual(
      sets.map((set) => set.map((k) => dataset.classes[k])),
    );
    const [parts, again] = [splitDataset(dataset, options), await splitByManifest(dataset, manifest)];
    for (const part of ['train', 'validation', 'test'] as const)
      expect(again[part].packed!.rows).toEqual(parts[part].packed!.rows);
    const changed = { ...dataset, labelSets: sets.map((set, i) => (i === 3 ? [1] : set)) };
    await expect(splitByManifest(changed, manifest)).rejects.toThrow('1 changed: example 3');
  });

  it('names a label that is no class', () => {
    expect(() =>
      arrayDataset({
        data: new Uint8Array(2),
        height: 1,
        width: 1,
        channels: 1,
        labels: [[0], [0, 3]],
        classes: ['a'],
      }),
    ).toThrow(new RangeError('arrayDataset: labels must be in [0, 1), the number of classes, got 0,3 at 1'));
  });
});

it('classCounts() counts the examples of each class where they have one, too', () => {
  const { data, ...rest } = { data: new Uint8Array(4), height: 1, width: 1, channels: 1 } as const;
  expect(classCounts(arrayDataset({ data, ...rest, labels: [2, 0, 2, 2], classes: ['a', 'b', 'c'] }))).toEqual(
    Int32Array.of(1, 0, 3),
  );
});
