import { arrayDataset, type Dataset, type Split, shownClasses, splitManifest, subset } from '@imgcls/data';
import { describe, expect, test } from 'vitest';
import { checkKind, choosePart, type Learned, matchClasses } from './evaluation-set.ts';
import type { Output } from './output.ts';
import type { Provenance } from './provenance.ts';
import type { Source } from './source.ts';

/** One gray pixel per image, whose value is its number. */
function numbered(length: number, classes: readonly string[], split?: (index: number) => Split): Dataset {
  const labels = Array.from({ length }, (_, i) => i % classes.length);
  const data = Uint8Array.from(labels.keys());
  return arrayDataset({ data, height: 1, width: 1, channels: 1, labels, classes, ...(split && { split }) });
}

const sourceOf = (dataset: Dataset, fingerprint = 'ours'): Source => ({
  name: 'photos',
  location: '/photos',
  dataset,
  folder: undefined,
  skipped: [],
  fingerprint,
});
const trainedOn = (fingerprint: string, location: string): Provenance =>
  ({
    dataset: { name: 'photos', location, fingerprint, count: 90 },
    division: { seed: 0, fractions: [0.8, 0.1, 0.1] },
  }) as unknown as Provenance;

const from = (provenance: Provenance | undefined): Learned => ({ provenance, split: undefined });

function listener(): Output & { said: string[] } {
  const said: string[] = [];
  return { said, live: false, print: (text) => void said.push(text), status: () => undefined, result: () => undefined };
}
const numbersOf = async (dataset: Dataset) =>
  Promise.all(Array.from({ length: dataset.length }, async (_, i) => (await dataset.get(i)).image.data[0]!));

const ab = numbered(100, ['a', 'b']);

describe('choosePart()', () => {
  const out = listener();

  test('takes the test images of the data that the classifier learned from', async () => {
    const { dataset, part } = await choosePart(sourceOf(ab), from(trainedOn('ours', '/elsewhere')), undefined, out);
    expect([part, dataset.length]).toEqual(['test', 10]);
  });

  test('takes parts that share no image, the same each time', async () => {
    const of = async (part: Split) =>
      numbersOf((await choosePart(sourceOf(ab), from(trainedOn('ours', '/photos')), part, out)).dataset);
    const [train, validation, test] = [await of('train'), await of('validation'), await of('test')];
    expect(new Set([...train, ...validation, ...test]).size).toBe(100);
    expect(await of('test')).toEqual(test);
  });

  test('takes the parts that are written down, whatever their numbers are now', async () => {
    const named: Dataset = { ...ab, source: (index) => `${index}.png` };
    const split = await splitManifest(named, { seed: 7 });
    const turned = subset(
      named,
      Array.from({ length: 100 }, (_, i) => 99 - i),
    );
    const learned = { ...from(trainedOn('ours', '/photos')), split };
    const { dataset } = await choosePart(sourceOf(turned), learned, undefined, out);
    const expected = split.files.filter(({ part }) => part === 'test').map(({ file }) => Number.parseInt(file, 10));
    expect((await numbersOf(dataset)).sort((a, b) => a - b)).toEqual(expected);
  });

  test('takes all of other data, unless these come divided', async () => {
    const elsewhere = from(trainedOn('others', '/elsewhere'));
    const published = numbered(100, ['a', 'b'], (i) => (i < 30 ? 'test' : 'train'));
    expect(await choosePart(sourceOf(ab), elsewhere, undefined, out)).toEqual({ dataset: ab, part: 'all' });
    expect((await choosePart(sourceOf(published), elsewhere, undefined, out)).dataset.length).toBe(30);
    expect((await choosePart(sourceOf(ab), from(undefined), undefined, out)).part).toBe('all');
    await expect(choosePart(sourceOf(ab), elsewhere, 'test', out)).rejects.toThrow(
      'photos has no test part of its own, and the classifier learned from other images; measure on all: --split all',
    );
  });

  test('warns where the data have changed', async () => {
    const listening = listener();
    expect((await choosePart(sourceOf(ab), from(trainedOn('before', '/photos')), undefined, listening)).part).toBe(
      'test',
    );
    expect(listening.said).toEqual([
      'warning: /photos has changed since the classifier was trained (90 images then, 100 now): it may have learned from some of these test images',
    ]);
  });
});

describe('matchClasses()', () => {
  test('matches labels by name, whatever their order', async () => {
    const out = listener();
    const matched = matchClasses(ab, ['c', 'b', 'a'], out);
    expect([(await matched.get(0)).label, (await matched.get(1)).label]).toEqual([2, 1]);
    expect([matched.label?.(0), matched.classes]).toEqual([2, ['c', 'b', 'a']]);
    expect(out.said).toEqual(['note: there are no images of c, which the classifier knows, too']);
  });

  test('leaves out images of unknown classes, and says so', async () => {
    const out = listener();
    const matched = matchClasses(numbered(9, ['a', 'x', 'b']), ['a', 'b'], out);
    expect(await numbersOf(matched)).toEqual([0, 2, 3, 5, 6, 8]);
    expect(out.said).toEqual(["warning: 3 images left out of classes that the classifier doesn't know: x"]);
  });

  test('refuses data without a class in common', () => {
    expect(() => matchClasses(ab, ['cat', 'dog'], listener())).toThrow(
      "the classes of the images must have the names of the classifier's (cat, dog), got a, b",
    );
  });

  test('gives the data set itself where all is alike', () => {
    expect(matchClasses(ab, ['a', 'b'], listener())).toBe(ab);
  });
});

describe('of images that may show several classes', () => {
  const one = { data: Uint8Array.of(0, 1, 2), height: 1, width: 1, channels: 1 } as const;
  const several = arrayDataset({ ...one, labels: [[0, 2], [], [1]], classes: ['a', 'x', 'b'] });

  test('matchClasses() leaves out labels, not images, and says so', async () => {
    const out = listener();
    const matched = matchClasses(several, ['b', 'a'], out);
    expect([0, 1, 2].map((i) => shownClasses(matched, i))).toEqual([[1, 0], [], []]);
    expect(await numbersOf(matched)).toEqual([0, 1, 2]);
    expect(out.said).toEqual(["warning: labels that the classifier doesn't know are left out: x"]);
  });

  test('checkKind() refuses a classifier of the other kind', () => {
    expect(() => checkKind(several, {})).toThrow('the classifier tells one class an image');
    expect(() => checkKind(ab, { multiLabel: {} })).toThrow('the classifier tells several labels an image');
    expect(() => checkKind(several, { multiLabel: {} })).not.toThrow();
    expect(() => checkKind(ab, {})).not.toThrow();
  });
});
