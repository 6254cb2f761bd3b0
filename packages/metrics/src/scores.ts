/** Precision, recall and F1, each in `[0, 1]`. */
export interface Scores {
  /** Of the images that were taken for the class, the fraction that belong to it: `TP / (TP + FP)`, 0 where that is 0/0. */
  precision: number;
  /** Of the images of the class, the fraction that were found: `TP / (TP + FN)`, 0 where that is 0/0. */
  recall: number;
  /** The harmonic mean of both: `2·TP / (2·TP + FP + FN)`, 0 where that is 0/0. */
  f1: number;
}

/** The scores of one class. */
export interface ClassScores extends Scores {
  /** How many images of the class there were. */
  support: number;
}

/** What scores are made of: images of a class, or classes of an image. */
export interface Counts {
  /** Those that were labelled and predicted alike: true positives. */
  found: number;
  labelled: number;
  predicted: number;
}

export function scoresOf({ found, labelled, predicted }: Counts): Scores {
  return {
    precision: ratio(found, predicted),
    recall: ratio(found, labelled),
    f1: ratio(2 * found, labelled + predicted),
  };
}

export const classScores = (counts: Counts): ClassScores => ({ ...scoresOf(counts), support: counts.labelled });

/** The scores of all counts together. */
export const microAverage = (counts: readonly Counts[]): Scores =>
  scoresOf({
    found: sum(counts.map(({ found }) => found)),
    labelled: sum(counts.map(({ labelled }) => labelled)),
    predicted: sum(counts.map(({ predicted }) => predicted)),
  });

/** The mean of the scores of classes, each counted by its weight. */
export function average(perClass: readonly ClassScores[], weight: (scores: ClassScores) => number): Scores {
  const total = sum(perClass.map(weight));
  const mean = (of: keyof Scores) => ratio(sum(perClass.map((scores) => weight(scores) * scores[of])), total);
  return { precision: mean('precision'), recall: mean('recall'), f1: mean('f1') };
}

const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
export const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
