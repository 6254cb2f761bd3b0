import { random } from '@imgcls/random';
import { type Dataset, type Split, subset } from './dataset.ts';
import { shownClasses } from './label-sets.ts';
import { divideByLabels } from './multi-label-split.ts';

/** How examples are divided. */
export interface DivisionOptions {
  /** Which of the many divisions. Default 0. */
  seed?: number;
  /** Every class is divided alike. Default true. */
  stratified?: boolean;
  /**
   * What must not be torn apart: examples with the same answer (the person, the camera, the day) come into the same part. Sizes and
   * classes are then as near to the fractions as whole groups allow.
   */
  groupOf?: (index: number) => string | number;
}

/** How `splitDataset` divides. */
export interface SplitOptions extends DivisionOptions {
  /** The parts for training, validation and test; they add up to 1. Default `[0.8, 0.1, 0.1]`. */
  fractions?: readonly [train: number, validation: number, test: number];
  /** How many examples are for validation and for testing, instead of `fractions`; the others are for training. */
  counts?: { readonly validation: number; readonly test: number };
}

/**
 * A data set in three parts that share no example.
 *
 * Sizes are exact (within rounding, largest remainder first), and the same seed gives the same parts. Stratified, each class is
 * divided in these fractions: `n` of `N` examples, of `C` classes, at most `1 + (C + 1) n / N` examples off. A class with few examples
 * has them in `train` first, where that is more than half.
 * Where images may show several classes, the rarest is divided first, and those that show nothing as if that were a class.
 *
 * Examples that the data set itself assigns to a part (`dataset.split`: a published test set, a folder `val`) stay there;
 * only a part that has none is drawn from the training examples, in the fractions' proportions.
 *
 * @throws {RangeError} if the fractions are negative or don't add up to 1, or the counts leave nothing to train on.
 * @throws {TypeError} if classes are wanted alike and the data set has no `label`.
 * @example
 * ```ts
 * import { digits, splitDataset } from '@imgcls/data';
 *
 * const { train, validation, test } = splitDataset(await digits(), { seed: 1 });
 * console.log(train.length, validation.length, test.length); // => 1437 180 180
 * ```
 */
export function splitDataset(dataset: Dataset, options: SplitOptions = {}): Record<Split, Dataset> {
  const { train, validation, test } = splitIndices(dataset, options);
  return { train: subset(dataset, train), validation: subset(dataset, validation), test: subset(dataset, test) };
}

/** The training or the test images alone: where none are marked as test, those that `splitDataset` holds out. */
export function publishedPart(dataset: Dataset, part: 'train' | 'test' | undefined): Dataset {
  if (part === undefined) return dataset;
  const { train, validation, test } = splitIndices(dataset, {});
  return subset(dataset, part === 'test' ? test : [...train, ...validation].sort((a, b) => a - b));
}

/** In the order of their fractions. */
export const PARTS: readonly Split[] = ['train', 'validation', 'test'];

/** As `splitDataset`, by number. */
export function splitIndices(dataset: Dataset, options: SplitOptions): Record<Split, number[]> {
  const parts = assigned(dataset);
  const fractions = options.counts
    ? fractionsOf(options.counts, parts)
    : (options.fractions ?? ([0.8, 0.1, 0.1] as const));
  checkFractions(fractions);
  const drawn = PARTS.filter((part) => part === 'train' || parts[part].length === 0);
  const shares = drawn.map((part) => fractions[PARTS.indexOf(part)]!);
  const divided = divide('splitDataset', dataset, parts.train, shares, options);
  drawn.forEach((part, i) => {
    parts[part] = divided[i]!;
  });
  return parts;
}

/** One way to divide a data set in two: what is held out, and the rest. */
export interface Fold {
  readonly train: Dataset;
  readonly validation: Dataset;
}

/**
 * A data set divided `folds` times, so that each example is held out once: cross-validation.
 *
 * What the data set itself assigns to a part is not looked at.
 *
 * @throws {RangeError} if there are fewer than two folds, or fewer examples (or groups) than folds.
 * @throws {TypeError} if classes are wanted alike and the data set has no `label`.
 * @example
 * ```ts
 * import { digits, foldDataset } from '@imgcls/data';
 *
 * const [first] = foldDataset(await digits(), 3);
 * console.log(first!.train.length, first!.validation.length); // => 1198 599
 * ```
 */
export function foldDataset(dataset: Dataset, folds: number, options: DivisionOptions = {}): Fold[] {
  if (!(Number.isInteger(folds) && folds >= 2))
    throw new RangeError(`foldDataset: folds must be an integer >= 2, got ${folds}`);
  const indices = Array.from({ length: dataset.length }, (_, i) => i);
  const parts = divide('foldDataset', dataset, indices, new Array<number>(folds).fill(1 / folds), options);
  const empty = parts.findIndex((part) => part.length === 0);
  if (empty >= 0)
    throw new RangeError(
      `foldDataset: there must be an example${options.groupOf ? ', and a group,' : ''} for each of ${folds} folds, got ${dataset.length} examples that fill ${parts.filter((part) => part.length > 0).length}`,
    );
  return parts.map((held, i) => ({
    train: subset(
      dataset,
      parts.flatMap((part, j) => (j === i ? [] : part)).sort((a, b) => a - b),
    ),
    validation: subset(dataset, held),
  }));
}

/** The indices in parts of these shares, each in order. */
function divide(
  where: string,
  dataset: Dataset,
  indices: number[],
  shares: readonly number[],
  { seed = 0, stratified = true, groupOf }: DivisionOptions,
): number[][] {
  if (stratified && !dataset.label)
    throw new TypeError(
      `${where}: to divide every class alike it needs dataset.label(index); pass { stratified: false }`,
    );
  const labelsOf = stratified ? strataOf(dataset) : () => [0];
  const shuffled = Array.from(random(seed, 'split').permutation(indices.length), (i) => indices[i]!);
  const divided = (): number[][] =>
    dataset.labelSets
      ? divideByLabels(shuffled, labelsOf, apportion(shuffled.length, shares))
      : cutAt(spread(shuffled, labelsOf), shares);
  const parts = groupOf ? divideGroups(shuffled, labelsOf, shares, groupOf) : divided();
  return parts.map((part) => part.sort((a, b) => a - b));
}

type Strata = (index: number) => readonly number[];

/** The classes of an example; showing none is one, too. */
const strataOf =
  (dataset: Dataset): Strata =>
  (index) => {
    const shown = shownClasses(dataset, index);
    return shown.length > 0 ? shown : [-1];
  };

function cutAt(order: readonly number[], shares: readonly number[]): number[][] {
  let start = 0;
  return apportion(order.length, shares).map((size) => {
    start += size;
    return order.slice(start - size, start);
  });
}

/**
 * Whole groups, the largest first, each into the part where it brings the classes' counts nearest to what they should be: the greedy
 * rule of scikit-learn's `StratifiedGroupKFold`.
 */
function divideGroups(
  order: readonly number[],
  labelsOf: Strata,
  shares: readonly number[],
  groupOf: (index: number) => string | number,
): number[][] {
  const groups = new Map<string | number, number[]>();
  for (const index of order) {
    const group = groupOf(index);
    const members = groups.get(group);
    if (members) members.push(index);
    else groups.set(group, [index]);
  }
  const totals = countLabels(order, labelsOf);
  const parts = shares.map((): number[] => []);
  const counts = shares.map(() => new Map<number, number>());
  const missing = (part: number, label: number) =>
    (shares[part]! * totals.get(label)! - (counts[part]!.get(label) ?? 0)) / totals.get(label)!;
  for (const members of [...groups.values()].sort((a, b) => b.length - a.length)) {
    const own = countLabels(members, labelsOf);
    const need = (part: number) => [...own].reduce((sum, [label, n]) => sum + n * missing(part, label), 0);
    const best = shares.map((_, part) => part).reduce((a, b) => (need(b) > need(a) + 1e-12 ? b : a));
    parts[best]!.push(...members);
    for (const [label, n] of own) counts[best]!.set(label, (counts[best]!.get(label) ?? 0) + n);
  }
  return parts;
}

function countLabels(indices: readonly number[], labelsOf: Strata): Map<number, number> {
  const counts = new Map<number, number>();
  for (const index of indices) for (const label of labelsOf(index)) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
}

/** The indices by the part they are assigned to; those without one are for training. */
function assigned(dataset: Dataset): Record<Split, number[]> {
  const indices: Record<Split, number[]> = { train: [], validation: [], test: [] };
  for (let i = 0; i < dataset.length; i++) indices[dataset.split?.(i) ?? 'train'].push(i);
  return indices;
}

/**
 * The indices in an order in which every stretch holds the classes in their proportions: each example stands at its quantile within
 * its class, (rank + ½) / size.
 */
function spread(shuffled: readonly number[], labelsOf: Strata): number[] {
  const labels = shuffled.map((index) => labelsOf(index)[0]!);
  const sizes = countLabels(shuffled, labelsOf);
  const ranks = new Map<number, number>();
  const quantiles = labels.map((label) => {
    const rank = ranks.get(label) ?? 0;
    ranks.set(label, rank + 1);
    return (rank + 0.5) / sizes.get(label)!;
  });
  const positions = shuffled.map((_, i) => i).sort((a, b) => quantiles[a]! - quantiles[b]! || a - b);
  return positions.map((i) => shuffled[i]!);
}

/** Whole numbers in proportion to the weights that add up to `total`, by largest remainder. */
function apportion(total: number, weights: readonly number[]): number[] {
  const sum = weights.reduce((a, b) => a + b, 0);
  const exact = weights.map((weight) => (total * weight) / sum);
  const sizes = exact.map(Math.floor);
  const byRemainder = exact.map((_, i) => i).sort((a, b) => exact[b]! - sizes[b]! - (exact[a]! - sizes[a]!) || a - b);
  const missing = total - sizes.reduce((a, b) => a + b, 0);
  for (const i of byRemainder.slice(0, missing)) sizes[i]!++;
  return sizes;
}

/** What counts are of the examples that are divided. A part that the data set itself fills takes none of them. */
function fractionsOf(
  counts: NonNullable<SplitOptions['counts']>,
  parts: Readonly<Record<Split, readonly number[]>>,
): readonly [number, number, number] {
  const total = parts.train.length;
  const [validation, test] = (['validation', 'test'] as const).map((part) =>
    parts[part].length > 0 ? 0 : counts[part],
  ) as [number, number];
  const isCount = (count: number): boolean => Number.isInteger(count) && count >= 0;
  if (isCount(counts.validation) && isCount(counts.test) && validation + test < total)
    return [(total - validation - test) / total, validation / total, test / total];
  throw new RangeError(
    `splitDataset: counts must be whole numbers that leave some of ${total} examples for training, got validation ${counts.validation} and test ${counts.test}`,
  );
}

function checkFractions(fractions: readonly number[]): void {
  const sum = fractions.reduce((a, b) => a + b, 0);
  if (fractions.length === 3 && fractions.every((f) => f >= 0) && fractions[0]! > 0 && Math.abs(sum - 1) < 1e-9) return;
  throw new RangeError(
    `splitDataset: fractions must be three numbers [train > 0, validation >= 0, test >= 0] that add up to 1, got [${fractions.join(', ')}]`,
  );
}
