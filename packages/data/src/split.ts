import { random } from '@imgcls/random';
import { type Dataset, type Split, subset } from './dataset.ts';

/** How `splitDataset` divides. */
export interface SplitOptions {
  /** The parts for training, validation and test; they add up to 1. Default `[0.8, 0.1, 0.1]`. */
  fractions?: readonly [train: number, validation: number, test: number];
  /** Which of the many splits with these fractions. Default 0. */
  seed?: number;
  /** Every class is divided alike. Default true. */
  stratified?: boolean;
}

/**
 * A data set in three parts that share no example.
 *
 * Sizes are exact (within rounding, largest remainder first), and the same seed gives the same parts. Stratified, each class is
 * divided in these fractions, less than two examples off; a class with few examples has them in `train` first, where that is more than half.
 *
 * Examples that the data set itself assigns to a part (`dataset.split`: a published test set, a folder `val`) stay there;
 * only a part that has none is drawn from the training examples, in the fractions' proportions.
 *
 * @throws {RangeError} if the fractions are negative or don't add up to 1.
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

const PARTS: readonly Split[] = ['train', 'validation', 'test'];

function splitIndices(dataset: Dataset, options: SplitOptions): Record<Split, number[]> {
  const { fractions = [0.8, 0.1, 0.1], seed = 0, stratified = true } = options;
  checkFractions(fractions);
  const parts = assigned(dataset);
  const drawn = PARTS.filter((part) => part === 'train' || parts[part].length === 0);
  const order = spread(dataset, parts.train, seed, stratified);
  const sizes = apportion(
    order.length,
    drawn.map((part) => fractions[PARTS.indexOf(part)]!),
  );
  let start = 0;
  drawn.forEach((part, i) => {
    parts[part] = order.slice(start, start + sizes[i]!).sort((a, b) => a - b);
    start += sizes[i]!;
  });
  return parts;
}

/** The indices by the part they are assigned to; those without one are for training. */
function assigned(dataset: Dataset): Record<Split, number[]> {
  const indices: Record<Split, number[]> = { train: [], validation: [], test: [] };
  for (let i = 0; i < dataset.length; i++) indices[dataset.split?.(i) ?? 'train'].push(i);
  return indices;
}

/**
 * The indices in a random order in which every stretch holds the classes in their proportions: each example stands at its
 * quantile within its class, (rank + ½) / size.
 */
function spread(dataset: Dataset, indices: number[], seed: number, stratified: boolean): number[] {
  const shuffled = Array.from(random(seed, 'split').permutation(indices.length), (i) => indices[i]!);
  if (!stratified) return shuffled;
  if (!dataset.label)
    throw new TypeError(
      'splitDataset: to divide every class alike it needs dataset.label(index); pass { stratified: false }',
    );
  const labels = shuffled.map((index) => dataset.label!(index));
  const sizes = new Map<number, number>();
  for (const label of labels) sizes.set(label, (sizes.get(label) ?? 0) + 1);
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

function checkFractions(fractions: readonly number[]): void {
  const sum = fractions.reduce((a, b) => a + b, 0);
  if (fractions.length === 3 && fractions.every((f) => f >= 0) && fractions[0]! > 0 && Math.abs(sum - 1) < 1e-9) return;
  throw new RangeError(
    `splitDataset: fractions must be three numbers [train > 0, validation >= 0, test >= 0] that add up to 1, got [${fractions.join(', ')}]`,
  );
}
