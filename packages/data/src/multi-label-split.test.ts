import { random } from '@imgcls/random';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arrayDataset, type Dataset } from './dataset.ts';
import { classCounts } from './label-sets.ts';
import { foldDataset, splitDataset } from './split.ts';

const PARTS = ['train', 'validation', 'test'] as const;

function labelled(labels: number[][], numClasses: number): Dataset {
  const data = new Uint8Array(labels.length);
  const classes = Array.from({ length: numClasses }, (_, k) => `${k}`);
  return arrayDataset({ data, height: 1, width: 1, channels: 1, labels, classes });
}

/** Ten classes, shown by half of the images down to a hundredth, each by itself: nearly all sets differ. */
function longTailed(count: number): Dataset {
  const stream = random(3);
  const rates = Array.from({ length: 10 }, (_, k) => 0.5 / (1 + 5 * k));
  const labels = Array.from({ length: count }, () => rates.flatMap((rate, k) => (stream.uniform() < rate ? [k] : [])));
  return labelled(labels, 10);
}

const withoutLabels = ({ length, packed, labelSets }: Dataset): number =>
  Array.from({ length }, (_, i) => labelSets![packed!.labels[i]!]!).filter((set) => set.length === 0).length;

describe('splitDataset() of a multi-label data set', () => {
  it('divides each class alike, and the images that show none', () => {
    const dataset = longTailed(1000);
    const whole = [...classCounts(dataset), withoutLabels(dataset)];
    const farthest = (stratified: boolean): number => {
      const parts = splitDataset(dataset, { seed: 1, stratified });
      expect(PARTS.map((part) => parts[part].length)).toEqual([800, 100, 100]);
      const off = PARTS.flatMap((part, p) =>
        [...classCounts(parts[part]), withoutLabels(parts[part])].map((n, k) =>
          Math.abs(n - [0.8, 0.1, 0.1][p]! * whole[k]!),
        ),
      );
      return Math.max(...off);
    };
    expect(farthest(true)).toBeLessThan(2.5);
    expect(farthest(false)).toBeGreaterThan(5);
  });

  it('shares no example between parts, loses none, and has exact sizes', () => {
    const sets = fc.array(fc.uniqueArray(fc.nat(4), { maxLength: 4 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(sets, fc.nat(), fc.boolean(), (labels, seed, stratified) => {
        const parts = splitDataset(labelled(labels, 5), { fractions: [0.6, 0.3, 0.1], seed, stratified });
        const all = PARTS.flatMap((part) => Array.from(parts[part].packed!.rows));
        expect(all.sort((a, b) => a - b)).toEqual(labels.map((_, i) => i));
        [0.6, 0.3, 0.1].forEach((share, p) => {
          expect(Math.abs(parts[PARTS[p]!].length - labels.length * share)).toBeLessThan(1);
        });
      }),
    );
  });

  it('is the same for a seed, and another for another', () => {
    const rows = (seed: number) => splitDataset(longTailed(200), { seed }).test.packed!.rows;
    expect(rows(1)).toEqual(rows(1));
    expect(rows(1)).not.toEqual(rows(2));
  });

  it('tears no group apart, and keeps classes near their fractions', () => {
    const dataset = longTailed(1000);
    const groupOf = (index: number) => index % 200;
    const parts = splitDataset(dataset, { groupOf });
    const groups = PARTS.map((part) => new Set(Array.from(parts[part].packed!.rows, groupOf)));
    expect(groups.reduce((sum, { size }) => sum + size, 0)).toBe(200);
    const [common] = classCounts(dataset);
    expect(classCounts(parts.train)[0]! / common!).toBeCloseTo(0.8, 1);
  });

  it('foldDataset() gives each fold its share of the rarest class', () => {
    const dataset = longTailed(1000);
    const rarest = classCounts(dataset)[9]!;
    for (const { validation } of foldDataset(dataset, 5))
      expect(Math.abs(classCounts(validation)[9]! - rarest / 5)).toBeLessThan(1);
  });
});
