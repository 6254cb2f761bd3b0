import { type Batch, type Dataset, type Loader, loader, type Preprocessing, type Transform } from '@imgcls/data';
import { appendHistory, loadCheckpoint, type Store, saveCheckpoint } from '@imgcls/io';
import { averagePrecision, type MultiLabelPredictions } from '@imgcls/metrics';
import type { Module } from '@imgcls/nn';
import { type Epoch, type Evaluation, fit, type TrainingState } from '@imgcls/train';
import { duration, percent, plural } from './format.ts';
import { Interrupted, type Interruption } from './interrupt.ts';
import type { Output } from './output.ts';
import { evaluationLoader, printSkipped } from './preparation.ts';
import { meter, progressLine } from './progress.ts';
import { createOptimizer, type Settings } from './settings.ts';

/** An epoch with its validation. */
export type TrainedEpoch = Epoch<
  Evaluation & { /** Where images may show several classes. */ meanAveragePrecision?: number }
>;

/** What `trainFrom` works with. */
export interface TrainingOptions {
  model: Module;
  train: Dataset;
  validation: Dataset;
  preprocessing: Preprocessing;
  augmentation: readonly Transform[];
  settings: Settings;
  /** Threads that decode and augment: any number gives the same run. */
  workers: number;
  /** Where the run is kept. */
  store: Store;
  /** Writes down the model as it is now: it is the best so far. */
  keep(epoch: TrainedEpoch): Promise<void>;
  output: Output;
  interruption: Interruption;
}

/** How much of each label is spread over all classes: it keeps a network from being too sure of itself. */
const LABEL_SMOOTHING = 0.1;

/**
 * Trains to the end, from the last checkpoint where there is one.
 *
 * A run that is killed at any moment, and resumed, ends with the same weights as one that is not: every file is written at once or
 * not at all, the weights of the best epoch before the checkpoint that knows of this epoch, and what was done after a checkpoint is
 * done again in the same way.
 *
 * @returns All epochs of the run.
 * @throws {Interrupted} if it was asked to stop; there is a checkpoint then.
 */
export async function trainToEnd(options: TrainingOptions): Promise<TrainedEpoch[]> {
  const { model, settings, store, output, interruption } = options;
  const { epochs, batchSize, seed } = settings;
  const train = trainingLoader(options);
  const validation = evaluationLoader(options.validation, options.preprocessing, options.workers);
  const saved = await loadCheckpoint<TrainingState>(store);
  const history = [...(saved?.history ?? [])] as TrainedEpoch[]; // this run measures every epoch
  const progress = epochProgress(train.length * batchSize, options);
  if (saved) output.print(`going on after ${placeOf(saved)}`);

  const run = fit(model, {
    train: { epoch: (n, from = 0) => watched(train.epoch(n, from), progress(n, from * batchSize)) },
    validation,
    optimizer: createOptimizer(settings, epochs * train.length),
    epochs,
    seed,
    precision: settings.precision,
    compiled: true,
    labelSmoothing: LABEL_SMOOTHING,
    ...(options.train.labelSets && { metrics: () => ranking(options.train.classes.length) }),
    ...(saved && { resume: saved }),
  });
  const checkpoint = checkpoints(store, () => run.state());

  async function* watched(batches: AsyncIterable<Batch>, progressed: (images: number) => void): AsyncGenerator<Batch> {
    for await (const batch of batches) {
      yield batch;
      progressed(batch.shape[0]);
      if (interruption.requested()) await checkpoint.save();
      stopIfAsked(interruption);
      await checkpoint.saveIfDue();
    }
  }

  for await (const epoch of run) {
    history.push(epoch);
    if (bestOf(history) === epoch) await options.keep(epoch);
    await appendHistory(store, epoch);
    await checkpoint.save();
    output.print(epochLine(epoch, epochs));
    stopIfAsked(interruption);
  }
  printSkipped([...train.skipped, ...validation.skipped], output.print);
  return history;
}

/** How well images that show a class are told from others, whatever the threshold. */
function ranking(numClasses: number) {
  const metric = averagePrecision(numClasses);
  const update = (predictions: MultiLabelPredictions): void => metric.update(predictions);
  return { meanAveragePrecision: { update, result: () => metric.result().macro } };
}

/** Whole batches, if there is one: batch normalisation can't tell much from the few images that are left over. */
function trainingLoader({
  train,
  augmentation,
  preprocessing: { mean, std },
  settings,
  workers,
}: TrainingOptions): Loader {
  const { batchSize, seed } = settings;
  return loader(train, {
    batchSize,
    seed,
    shuffle: true,
    augment: augmentation,
    normalization: { mean, std },
    dropLast: train.length >= batchSize,
    workers,
    onError: 'skip',
  });
}

/**
 * The epoch with the highest validation accuracy, or mean average precision where images may show several classes; among equals the one with the
 * lowest loss, then the earliest.
 */
export function bestOf(history: readonly TrainedEpoch[]): TrainedEpoch {
  const score = ({ accuracy, meanAveragePrecision = accuracy }: TrainedEpoch['validation']): number =>
    meanAveragePrecision;
  const isBetter = ({ validation: a }: TrainedEpoch, { validation: b }: TrainedEpoch): boolean =>
    score(a) > score(b) || (score(a) === score(b) && a.loss < b.loss);
  return history.reduce((best, epoch) => (isBetter(epoch, best) ? epoch : best));
}

const placeOf = ({ epoch, batch }: TrainingState): string =>
  batch === 0 ? `epoch ${epoch}` : `${plural(batch, 'batch', 'batches')} of epoch ${epoch + 1}`;

function stopIfAsked({ requested }: Interruption): void {
  const signal = requested();
  if (signal) throw new Interrupted(signal);
}

/** Checkpoints that take at most a fiftieth of the time, but come at least every 20 seconds. When they are made changes no result. */
function checkpoints(store: Store, state: () => Promise<TrainingState>) {
  let [savedAt, costMs] = [performance.now(), 20];
  const save = async (): Promise<void> => {
    const started = performance.now();
    await saveCheckpoint(store, await state());
    savedAt = performance.now();
    costMs = savedAt - started;
  };
  const saveIfDue = async (): Promise<void> => {
    if (performance.now() - savedAt > Math.min(50 * costMs, 20_000)) await save();
  };
  return { save, saveIfDue };
}

/** What shows how far epoch `n`, of `total` images, is; it begins after `before` of them. */
function epochProgress(total: number, { settings: { epochs }, output }: TrainingOptions) {
  const speed = meter();
  return (n: number, before: number) => {
    let done = before;
    return (images: number): void => {
      done += images;
      speed.add(images);
      const secondsLeft = ((epochs - n) * total - done) / speed.rate();
      const progress = { done, total, imagesPerSecond: speed.rate(), secondsLeft };
      output.status(progressLine(`epoch ${n + 1}/${epochs}`, progress));
    };
  };
}

/** One line for an epoch, where no bar moves, too. */
function epochLine({ epoch, train, validation, seconds, imagesPerSecond }: TrainedEpoch, epochs: number): string {
  const { meanAveragePrecision: precision } = validation;
  const ranked = precision === undefined ? '' : `, mAP ${precision.toFixed(3)}`;
  return [
    `epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}`,
    `training loss ${train.loss.toFixed(3)}, ${percent(train.accuracy)} right`,
    `validation loss ${validation.loss.toFixed(3)}, ${percent(validation.accuracy)} right${ranked}`,
    `${Math.round(imagesPerSecond)} images/s`,
    `${duration((epochs - epoch) * seconds)} left`,
  ].join('  ');
}
