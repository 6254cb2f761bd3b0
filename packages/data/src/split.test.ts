import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arrayDataset, type Dataset, type Split } from './dataset.ts';
import { foldDataset, publishedPart, splitDataset } from './split.ts';

const PARTS = ['train', 'validation', 'test'] as const;

/** A data set of these labels, whose images are their index. */
function labelled(labels: number[], split?: (index: number) => Split | undefined): Dataset {
  const data = new Uint8Array(Uint32Array.from(labels, (_, i) => i).buffer);
  const classes = Array.from({ length: Math.max(0, ...labels) + 1 }, (_, i) => `${i}`);
  return arrayDataset({ data, height: 1, width: 4, channels: 1, labels, classes, ...(split && { split }) });
}

/** The examples of a part, by their index in the whole. */
const indicesOf = ({ packed }: Dataset): number[] => Array.from(packed!.rows);

const repeated = (counts: number[]): number[] => counts.flatMap((count, label) => Array<number>(count).fill(label));

describe('splitDataset()', () => {
  it('divides 80/10/10, each class alike', () => {
    const parts = splitDataset(labelled(repeated([50, 30, 20])));
    const counts = PARTS.map((part) =>
      [0, 1, 2].map((label) => parts[part].packed!.labels.filter((l) => l === label).length),
    );
    expect(counts).toEqual([
      [40, 24, 16],
      [5, 3, 2],
      [5, 3, 2],
    ]);
  });

  it('shares no example between parts, loses none, and has exact sizes and classes within their bound', () => {
    const fractions = fc
      .tuple(fc.integer({ min: 1, max: 20 }), fc.nat(20), fc.nat(20))
      .map((parts) => parts.map((part) => part / (parts[0] + parts[1] + parts[2])) as [number, number, number]);
    fc.assert(
      fc.property(
        fc.array(fc.nat(40), { maxLength: 5 }),
        fractions,
        fc.nat(),
        fc.boolean(),
        (counts, split, seed, stratified) => {
          const labels = repeated(counts);
          const parts = splitDataset(labelled(labels), { fractions: split, seed, stratified });
          const all = PARTS.flatMap((part) => indicesOf(parts[part]));
          const shown = counts.filter((count) => count > 0).length;
          expect(all.sort((a, b) => a - b)).toEqual(labels.map((_, i) => i));
          PARTS.forEach((part, p) => {
            expect(Math.abs(parts[part].length - labels.length * split[p]!)).toBeLessThan(1);
            if (!stratified) return;
            counts.forEach((count, label) => {
              const got = parts[part].packed!.labels.filter((l) => l === label).length;
              const bound = 1 + (count * (shown + 1)) / labels.length;
              expect(Math.abs(got - count * split[p]!)).toBeLessThanOrEqual(count && bound + 1e-9);
            });
          });
        },
      ),
      { examples: [[[5, 1, 20, 1], [0.25, 0.5, 0.25], 0, true]] },
    );
  });

  it('gives a class of few examples to training first', () => {
    for (const seed of [0, 1, 2]) {
      const { train, validation, test } = splitDataset(labelled(repeated([100, 1, 2])), { seed });
      expect([train, validation, test].map(({ packed }) => packed!.labels.filter((label) => label > 0).length)).toEqual(
        [3, 0, 0],
      );
    }
  });

  it('is the same for the same seed, and another for another', () => {
    const whole = labelled(repeated([50, 50]));
    const test = (seed: number): number[] => indicesOf(splitDataset(whole, { seed }).test);
    expect(test(1)).toEqual(test(1));
    expect(test(1)).not.toEqual(test(2));
  });

  it('keeps the order of the data set within each part', () => {
    const { train } = splitDataset(labelled(repeated([20, 20])));
    expect(indicesOf(train)).toEqual(indicesOf(train).sort((a, b) => a - b));
  });

  it('leaves examples where the data set puts them, and draws only the part that it lacks', () => {
    const whole = labelled(repeated([60, 60]), (index) => (index % 6 === 0 ? 'test' : 'train'));
    const { train, validation, test } = splitDataset(whole);
    expect(indicesOf(test)).toEqual(Array.from({ length: 20 }, (_, i) => 6 * i));
    expect([train.length, validation.length]).toEqual([89, 11]); // 100 in the proportion 8 to 1
    expect(indicesOf(validation).every((index) => index % 6 !== 0)).toBe(true);
  });

  it('draws nothing where the data set comes in three parts', () => {
    const whole = labelled(repeated([30]), (index) => PARTS[index % 3]);
    const parts = splitDataset(whole);
    PARTS.forEach((part, p) => {
      expect(indicesOf(parts[part])).toEqual(Array.from({ length: 10 }, (_, i) => 3 * i + p));
    });
  });

  it.each([
    [0.5, 0.5, 0.5],
    [1.2, -0.1, -0.1],
    [0, 0.5, 0.5],
    [0.9, 0.1, Number.NaN],
  ])('refuses the fractions %d, %d, %d', (...fractions) => {
    expect(() => splitDataset(labelled([0, 1]), { fractions })).toThrow(
      new RangeError(
        `splitDataset: fractions must be three numbers [train > 0, validation >= 0, test >= 0] that add up to 1, got [${fractions.join(', ')}]`,
      ),
    );
  });

  it('refuses to divide classes alike that it does not know', () => {
    const { length, classes, get } = labelled([0, 1]);
    expect(() => splitDataset({ length, classes, get })).toThrow(
      new TypeError(
        'splitDataset: to divide every class alike it needs dataset.label(index); pass { stratified: false }',
      ),
    );
    expect(splitDataset({ length, classes, get }, { stratified: false }).train.length).toBe(2);
  });
});

describe('publishedPart()', () => {
  it('is what the publisher marks', () => {
    const whole = labelled(repeated([10]), (index) => (index < 4 ? 'test' : 'train'));
    expect(indicesOf(publishedPart(whole, 'test'))).toEqual([0, 1, 2, 3]);
    expect(indicesOf(publishedPart(whole, 'train'))).toEqual([4, 5, 6, 7, 8, 9]);
    expect(publishedPart(whole, undefined)).toBe(whole);
  });

  it('is what splitDataset holds out where nothing is marked', () => {
    const whole = labelled(repeated([50, 50]));
    const { train, validation, test } = splitDataset(whole);
    expect(indicesOf(publishedPart(whole, 'test'))).toEqual(indicesOf(test));
    expect(indicesOf(publishedPart(whole, 'train'))).toEqual(
      [...indicesOf(train), ...indicesOf(validation)].sort((a, b) => a - b),
    );
  });
});

describe('splitDataset() with groups', () => {
  it('tears no group apart, and comes near the fractions and the classes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(2), fc.nat(30)), { minLength: 300, maxLength: 300 }),
        fc.nat(),
        (examples, seed) => {
          const labels = examples.map(([label]) => label);
          const groupOf = (index: number) => examples[index]![1];
          const parts = splitDataset(labelled(labels), { seed, groupOf });
          const groups = PARTS.map((part) => new Set(indicesOf(parts[part]).map(groupOf)));
          expect(groups.reduce((sum, { size }) => sum + size, 0)).toBe(new Set(labels.map((_, i) => groupOf(i))).size);
          expect(Math.abs(parts.train.length - 240)).toBeLessThan(25);
          expect(Math.abs(parts.test.length - 30)).toBeLessThan(25);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('is another for another seed', () => {
    const dataset = labelled(repeated([50, 50]));
    const test = (seed: number) => indicesOf(splitDataset(dataset, { seed, groupOf: (index) => index >> 1 }).test);
    expect(test(1)).toEqual(test(1));
    expect(test(1)).not.toEqual(test(2));
  });
});

describe('splitDataset() with counts', () => {
  it('has exactly so many', () => {
    const parts = splitDataset(labelled(repeated([997, 800])), { counts: { validation: 7, test: 90 } });
    expect(PARTS.map((part) => parts[part].length)).toEqual([1700, 7, 90]);
  });

  it('leaves the part alone that the data set has', () => {
    const marked = labelled(repeated([50, 50]), (index) => (index < 30 ? 'test' : undefined));
    const { train, validation, test } = splitDataset(marked, { counts: { validation: 10, test: 5 } });
    expect([train.length, validation.length, test.length]).toEqual([60, 10, 30]);
  });

  it.each([
    [{ validation: 50, test: 50 }, 'validation 50 and test 50'],
    [{ validation: 1.5, test: 5 }, 'validation 1.5 and test 5'],
    [{ validation: -1, test: 5 }, 'validation -1 and test 5'],
  ])('refuses %j', (counts, got) => {
    expect(() => splitDataset(labelled(repeated([50, 50])), { counts })).toThrow(
      new RangeError(
        `splitDataset: counts must be whole numbers that leave some of 100 examples for training, got ${got}`,
      ),
    );
  });
});

describe('foldDataset()', () => {
  it('holds each example out once, each class alike', () => {
    const folds = foldDataset(labelled(repeated([20, 10])), 5, { seed: 3 });
    const held = folds.flatMap(({ validation }) => indicesOf(validation));
    expect(held.sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, i) => i));
    for (const { train, validation } of folds) {
      expect(validation.packed!.labels.filter((label) => label === 1).length).toBe(2);
      const all = [...indicesOf(train), ...indicesOf(validation)];
      expect(new Set(all).size).toBe(30);
    }
  });

  it('keeps groups together', () => {
    const folds = foldDataset(labelled(repeated([12])), 3, { groupOf: (index) => index % 3 });
    for (const { validation } of folds) expect(new Set(indicesOf(validation).map((i) => i % 3)).size).toBe(1);
  });

  it('refuses what can not be divided so', () => {
    expect(() => foldDataset(labelled([0, 1]), 1)).toThrow(
      new RangeError('foldDataset: folds must be an integer >= 2, got 1'),
    );
    expect(() => foldDataset(labelled([0, 1]), 3)).toThrow(
      new RangeError('foldDataset: there must be an example for each of 3 folds, got 2 examples that fill 2'),
    );
    expect(() => foldDataset(labelled([0, 1]), 2, { groupOf: () => 'one' })).toThrow(
      /and a group, for each of 2 folds/,
    );
  });
});
