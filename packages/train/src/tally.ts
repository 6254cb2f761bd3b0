import type { Tensor1D } from '@imgcls/tensor';

/** Sums over the images of an epoch so far. */
export interface Sums {
  /** Of the losses of all images, each times its weight. */
  loss: number;
  /** Of the weights: the number of images, unless classes have weights. */
  weight: number;
  correct: number;
  images: number;
}

/** What an update leaves behind: numbers that the host knows, and a tensor that the device may still be computing. */
export interface StepReport {
  /** The mean loss and the number of images classified correctly, `[2]`. Owned by the tally. */
  values: Tensor1D;
  weight: number;
  images: number;
  /** Where in the training this was, in words, for the error about a loss that is no number. */
  place: string;
}

/** The running sums of an epoch. */
export interface Tally {
  /** Takes a report and reads the one before: the device always has work while the host waits for a number. */
  add(report: StepReport): Promise<void>;
  /** The sums over all reports that were added. */
  sums(): Promise<Sums>;
  /** Frees a report that was not read. */
  dispose(): void;
}

export function tally(initial: Sums): Tally {
  let sums = initial;
  let latest: StepReport | undefined;
  let settled = Promise.resolve();

  const settle = (): Promise<void> => {
    const report = latest;
    latest = undefined;
    if (report)
      settled = settled.then(async () => {
        sums = plus(sums, report, await read(report));
      });
    return settled;
  };

  return {
    add(report) {
      const before = settle();
      latest = report;
      return before;
    },
    async sums() {
      await settle();
      return sums;
    },
    dispose() {
      latest?.values.dispose();
      latest = undefined;
    },
  };
}

async function read({ values, place }: StepReport): Promise<[loss: number, correct: number]> {
  const [loss, correct] = await values.data();
  values.dispose();
  if (Number.isFinite(loss)) return [loss!, correct!];
  throw new Error(
    `fit: the loss must be a finite number, got ${loss} at ${place}; ` +
      'lower the learning rate or let it rise slowly (warmup), and look for images that hold NaN or that are not normalized',
  );
}

const plus = (sums: Sums, { weight, images }: StepReport, [loss, correct]: [number, number]): Sums => ({
  loss: sums.loss + loss * weight,
  weight: sums.weight + weight,
  correct: sums.correct + correct,
  images: sums.images + images,
});
