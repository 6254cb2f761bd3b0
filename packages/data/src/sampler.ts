import type { Random } from '@imgcls/random';
import type { Dataset } from './dataset.ts';
import { checkWhole } from './numbers.ts';

/** Which examples an epoch consists of, and in which order. */
export interface Sampler {
  /** How many examples there are in an epoch. */
  size(dataset: Dataset): number;
  /** Their indices, `size` of them, drawn from the epoch's random numbers. */
  draw(dataset: Dataset, random: Random): Int32Array;
}

/** How long an epoch is. */
export interface SampleOptions {
  /** Examples in an epoch. Default: as many as the data set has. */
  size?: number;
}

/** Every example once, in a random order: what `shuffle: true` stands for. */
export const shuffled: Sampler = {
  size: ({ length }) => length,
  draw: ({ length }, random) => random.permutation(length),
};

/**
 * Examples drawn with replacement, each as often as its weight says, as PyTorch's `WeightedRandomSampler`.
 *
 * @param weights One for each example, none negative, not all 0.
 * @throws {RangeError} if they are not so, or not as many as the data set's examples (when it is given to `loader`).
 * @example
 * ```ts
 * import { digits, loader, weighted } from '@imgcls/data';
 *
 * const dataset = await digits();
 * const onlyOnes = Float64Array.from({ length: dataset.length }, (_, i) => Number(dataset.label!(i) === 1));
 * for await (const { labels } of loader(dataset, { batchSize: 4, sampler: weighted(onlyOnes) })) {
 *   console.log(labels); // => Int32Array(4) [ 1, 1, 1, 1 ]
 *   break;
 * }
 * ```
 */
export function weighted(weights: ArrayLike<number>, { size }: SampleOptions = {}): Sampler {
  if (size !== undefined) checkWhole('weighted', 'size', size, 1);
  const sums = new Float64Array(weights.length);
  let total = 0;
  for (let i = 0; i < weights.length; i++) {
    if (!(weights[i]! >= 0 && weights[i]! < Number.POSITIVE_INFINITY))
      throw new RangeError(`weighted: weights must be finite and >= 0, got ${weights[i]} at ${i}`);
    total += weights[i]!;
    sums[i] = total;
  }
  if (!(total > 0)) throw new RangeError('weighted: at least one weight must be > 0, got none');
  return {
    size: ({ length }) => {
      if (length !== weights.length)
        throw new RangeError(`weighted: there must be a weight for each of ${length} examples, got ${weights.length}`);
      return size ?? length;
    },
    draw: ({ length }, random) =>
      Int32Array.from({ length: size ?? length }, () => firstAbove(sums, fine(random) * total)),
  };
}

/**
 * Examples drawn with replacement so that all classes are equally frequent, however many examples each has.
 *
 * @throws {RangeError} if the data set does not tell its labels, or is multi-label (when it is given to `loader`).
 */
export function classBalanced({ size }: SampleOptions = {}): Sampler {
  if (size !== undefined) checkWhole('classBalanced', 'size', size, 1);
  return {
    size: ({ length, label, labelSets }) => {
      if (!label) throw new RangeError('classBalanced: the data set must have label(index), got none');
      if (labelSets)
        throw new RangeError(
          'classBalanced: each example must have one class, got a multi-label data set; use weighted(weights), or positiveWeights in training',
        );
      return size ?? length;
    },
    draw: (dataset, random) => {
      const members = [...byLabel(dataset).values()];
      return Int32Array.from({ length: size ?? dataset.length }, () => {
        const own = members[random.int(members.length)]!;
        return own[random.int(own.length)]!;
      });
    },
  };
}

/**
 * Repeated augmentation: each example that comes up does so `times` times in a row, each time augmented anew, and an epoch is as long
 * as ever, so that it sees a part of the data set only.
 *
 * Hoffer et al. 2020, https://arxiv.org/abs/1901.09335
 *
 * @throws {RangeError} unless `times` is a whole number of at least 1.
 */
export function repeated(times: number): Sampler {
  checkWhole('repeated', 'times', times, 1);
  return {
    size: ({ length }) => length,
    draw: ({ length }, random) => {
      const order = random.permutation(length);
      return order.map((_, i) => order[Math.floor(i / times)]!);
    },
  };
}

function byLabel(dataset: Dataset): Map<number, number[]> {
  const members = new Map<number, number[]>();
  for (let i = 0; i < dataset.length; i++) {
    const label = dataset.label!(i);
    const own = members.get(label);
    if (own) own.push(i);
    else members.set(label, [i]);
  }
  return members;
}

/** Uniform in [0, 1) with 53 bits: 24 would leave out examples of large data sets. */
const fine = (random: Random): number => ((random.uint32() >>> 5) * 2 ** 26 + (random.uint32() >>> 6)) / 2 ** 53;

/** The first place whose sum is above a value. */
function firstAbove(sums: Float64Array, value: number): number {
  let [low, high] = [0, sums.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sums[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
