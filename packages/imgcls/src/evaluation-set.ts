import { type Dataset, type Split, type SplitManifest, splitByManifest, splitDataset, subset } from '@imgcls/data';
import type { Classifier } from '@imgcls/io';
import { usualDivision } from './division.ts';
import { count, plural, someOf } from './format.ts';
import type { Output } from './output.ts';
import type { Provenance } from './provenance.ts';
import { nameIn, type Source } from './source.ts';

/** A part of a data set, or all of it. */
export type Part = Split | 'all';

/** The images that a classifier is measured on, and which part of the source they are. */
export interface EvaluationSet {
  dataset: Dataset;
  part: Part;
}

/** What is known of the images that a classifier learned from. */
export interface Learned {
  provenance: Provenance | undefined;
  /** Which of them was in which part. */
  split: SplitManifest | undefined;
}

/**
 * The part of a source to measure a classifier on: the test images where it is known which they are, otherwise all.
 *
 * They are known where the data set comes divided, and where it is the one that the classifier learned from.
 *
 * @param asked The part that the user wants.
 * @throws {Error} if it has no such part.
 */
export async function choosePart(
  source: Source,
  { provenance, split }: Learned,
  asked: Part | undefined,
  { print }: Output,
): Promise<EvaluationSet> {
  const { dataset, name, location, fingerprint } = source;
  const same = provenance?.dataset.fingerprint === fingerprint;
  const changed = !same && provenance?.dataset.location === location;
  const part = asked ?? (same || changed || comesWith('test', dataset) ? 'test' : 'all');
  if (part === 'all') return { dataset, part };
  if (!same && !changed && !comesWith(part, dataset))
    throw new Error(
      `${name} has no ${part} part of its own, and the classifier learned from other images; measure on all: --split all`,
    );
  if (changed)
    print(
      `warning: ${location} has changed since the classifier was trained (${count(provenance.dataset.count)} images then, ${count(dataset.length)} now): it may have learned from some of these ${part} images`,
    );
  const parts =
    split && (same || changed)
      ? await splitByManifest(dataset, split, { nameOf: nameIn(source), verify: false })
      : splitDataset(dataset, provenance?.division ?? usualDivision);
  const chosen = parts[part];
  if (chosen.length === 0) throw new Error(`${name} has no images in its ${part} part; measure on all: --split all`);
  return { dataset: chosen, part };
}

/** Whether the publisher of the data, or its folders, say which images are this part. */
function comesWith(part: Split, dataset: Dataset): boolean {
  for (let i = 0; i < dataset.length; i++) if (dataset.split?.(i) === part) return true;
  return false;
}

/** @throws {Error} if images have several labels and the classifier tells one, or the other way round. */
export function checkKind({ labelSets }: Dataset, { multiLabel }: Pick<Classifier, 'multiLabel'>): void {
  if (labelSets && !multiLabel)
    throw new Error(
      'the classifier tells one class an image, but these images have several labels; train one on such images',
    );
  if (multiLabel && !labelSets)
    throw new Error(
      'the classifier tells several labels an image, but these images have one class each; list all that they show in a table with the columns path and labels',
    );
}

/**
 * The data set with the labels of a classifier: classes are the same where their names are.
 *
 * Images of a class that the classifier doesn't know are left out, or where they show several classes that label of them is; the user is told.
 *
 * @throws {Error} if they have no class in common.
 */
export function matchClasses(dataset: Dataset, labels: readonly string[], { print }: Output): Dataset {
  const labelOf = dataset.classes.map((name) => labels.indexOf(name));
  const unknown = dataset.classes.filter((_, k) => labelOf[k] === -1);
  const missing = labels.filter((name) => !dataset.classes.includes(name));
  if (unknown.length === dataset.classes.length)
    throw new Error(
      `the classes of the images must have the names of the classifier's (${someOf(labels)}), got ${someOf(dataset.classes)}`,
    );
  if (missing.length > 0) print(`note: there are no images of ${someOf(missing)}, which the classifier knows, too`);
  if (unknown.length === 0) return relabelled(dataset, labelOf, labels);
  if (dataset.labelSets) {
    print(`warning: labels that the classifier doesn't know are left out: ${someOf(unknown)}`);
    return relabelled(dataset, labelOf, labels);
  }
  const known = Array.from({ length: dataset.length }, (_, i) => i).filter((i) => labelOf[dataset.label!(i)] !== -1);
  print(
    `warning: ${plural(dataset.length - known.length, 'image')} left out of classes that the classifier doesn't know: ${someOf(unknown)}`,
  );
  return relabelled(subset(dataset, known), labelOf, labels);
}

function relabelled(dataset: Dataset, labelOf: readonly number[], classes: readonly string[]): Dataset {
  if (labelOf.every((label, k) => label === k)) return dataset;
  if (dataset.labelSets) {
    const known = (set: readonly number[]): number[] => set.map((k) => labelOf[k]!).filter((k) => k !== -1);
    return { ...dataset, classes, labelSets: dataset.labelSets.map(known) };
  }
  const { length, source } = dataset;
  return {
    length,
    classes,
    get: async (index, random) => {
      const { image, label } = await dataset.get(index, random);
      return { image, label: labelOf[label]! };
    },
    label: (index) => labelOf[dataset.label!(index)]!,
    ...(source && { source }),
  };
}
