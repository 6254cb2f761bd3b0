import type { Dataset } from './dataset.ts';

/**
 * The classes that an example shows, as indices into `classes`: one, or in a multi-label data set any number of them. The data set needs `label`.
 *
 * @throws {TypeError} if the data set has no `label`.
 */
export function shownClasses(dataset: Dataset, index: number): readonly number[] {
  if (!dataset.label) throw new TypeError('shownClasses: needs dataset.label(index), got a data set without');
  const label = dataset.label(index);
  return dataset.labelSets ? setOf(dataset.labelSets, label) : [label];
}

/**
 * How many examples show each class, `[classes]`. The data set needs `label`.
 *
 * @throws {TypeError} if the data set has no `label`.
 * @example
 * What `fit` of `@imgcls/train` takes as `positiveWeights`, so that rare classes count as much as frequent ones:
 * ```ts
 * import { arrayDataset, classCounts } from '@imgcls/data';
 *
 * const data = new Uint8Array(4); // four images of one pixel
 * const labels = [[0], [0, 1], [], [0]];
 * const dataset = arrayDataset({ data, height: 1, width: 1, channels: 1, labels, classes: ['cat', 'dog'] });
 * const counts = classCounts(dataset);
 * console.log(counts, Array.from(counts, (n) => (dataset.length - n) / n)); // => Int32Array(2) [ 3, 1 ] [ 0.3333333333333333, 3 ]
 * ```
 */
export function classCounts(dataset: Dataset): Int32Array {
  const counts = new Int32Array(dataset.classes.length);
  for (let i = 0; i < dataset.length; i++) for (const k of shownClasses(dataset, i)) counts[k]! += 1;
  return counts;
}

/** A class; or, where images may show several or none, all that this one shows, and then one name for all of these together. */
export interface Named {
  readonly className: string;
  readonly classNames?: readonly string[] | undefined;
}

export function namedSeveral(names: readonly string[]): Named {
  const classNames = [...new Set(names)].sort();
  return { className: JSON.stringify(classNames), classNames };
}

/** The labels of named examples: indices into `classes`, or into `labelSets` where one of them may show several. */
export function labelled(
  examples: readonly Named[],
  classes: readonly string[],
): Pick<Dataset, 'labelSets'> & { labels: Int32Array } {
  const numberOf = new Map(classes.map((name, k) => [name, k]));
  if (!examples.some(({ classNames }) => classNames))
    return { labels: Int32Array.from(examples, ({ className }) => numberOf.get(className)!) };
  const labelSets: number[][] = [];
  const setOf = new Map<string, number>();
  const labels = Int32Array.from(examples, ({ className, classNames = [className] }) => {
    const known = setOf.get(className);
    if (known !== undefined) return known;
    setOf.set(className, labelSets.length);
    return labelSets.push(classNames.map((name) => numberOf.get(name)!)) - 1;
  });
  return { labels, labelSets };
}

/** 1 where an image shows a class, else 0: `[n, classes]`. */
export function multiHot(labels: Int32Array, { labelSets, classes }: Pick<Dataset, 'labelSets' | 'classes'>) {
  const marks = new Float32Array(labels.length * classes.length);
  labels.forEach((label, i) => {
    for (const k of setOf(labelSets!, label)) marks[i * classes.length + k] = 1;
  });
  return marks;
}

function setOf(labelSets: NonNullable<Dataset['labelSets']>, label: number): readonly number[] {
  const set = labelSets[label];
  if (set) return set;
  throw new RangeError(`dataset: labels must be in [0, ${labelSets.length}), the number of labelSets, got ${label}`);
}
