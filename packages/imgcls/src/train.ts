import { join } from 'node:path';
import { classCounts, type Dataset, shownClasses } from '@imgcls/data';
import { folder as folderStore, loadClassifier, type Store, saveClassifier } from '@imgcls/io';
import { listModels } from '@imgcls/models';
import { parameterCount } from '@imgcls/nn';
import { Command } from 'commander';
import type { Outcome } from './advice.ts';
import { assessClassifier } from './assess-classifier.ts';
import type { Assessment } from './assessment.ts';
import { backendNames, startBackend } from './backend.ts';
import { withDefaults } from './defaults.ts';
import { partsFor, usualDivision } from './division.ts';
import { count, plural } from './format.ts';
import { Interrupted, interruptible } from './interrupt.ts';
import { type Lesson, materialOf, prepareLesson } from './lesson.ts';
import type { MultiLabelAssessment } from './multi-label-assessment.ts';
import { createOutput, type Output } from './output.ts';
import { printSkipped } from './preparation.ts';
import { origins, type Provenance } from './provenance.ts';
import { printAssessment, printLearning } from './report.ts';
import { checkSameRun, loadRun, type Run, refuseOccupied, saveRun } from './run.ts';
import { optimizerNames, precisions, type Settings, scheduleNames } from './settings.ts';
import { datasetHelp, nameOf, openSource, type Source, workersHelp } from './source.ts';
import { bestOf, type TrainedEpoch, trainToEnd } from './training.ts';
import { networkName, oneOf, realNumber, wholeNumber } from './usage.ts';

interface TrainOptions extends Partial<Settings> {
  output?: string;
  resume?: boolean;
  dataDir?: string;
  splitFile?: string;
  workers?: number;
  json?: boolean;
}

const examples = `
Examples:
  imgcls train ./photos                               photos/cat/1.jpg, photos/dog/1.jpg, …
  imgcls train ./photos --output runs/mine --resume   goes on where it was stopped, or begins
  imgcls train photos.csv                             path,label of each image; or path,labels, as cat;dog
  imgcls train shards/*.tar                           as WebDataset has them
  imgcls train digits --epochs 10 --seed 1
  imgcls train cifar10 --data-dir ~/cifar-10-batches-bin`;

/** `imgcls train`: from labelled images to a classifier. */
export function trainCommand(): Command {
  const models = listModels().map(({ name }) => name);
  return new Command('train')
    .description('Trains a classifier on labelled images.')
    .argument('<dataset...>', datasetHelp)
    .option('--output <folder>', 'where the classifier goes (default: runs/<dataset>)')
    .option('--resume', 'go on with the run in the output folder, or begin where there is none')
    .option('--model <name>', 'the network: see imgcls models', networkName('--model', models))
    .option('--epochs <n>', 'how often it sees each image', wholeNumber('--epochs'))
    .option('--batch-size <n>', 'images per step', wholeNumber('--batch-size'))
    .option('--learning-rate <x>', 'how large steps are', realNumber('--learning-rate', { positive: true }))
    .option('--optimizer <name>', optimizerNames.join(', '), oneOf('--optimizer', optimizerNames))
    .option('--weight-decay <x>', 'how strongly weights are held small', realNumber('--weight-decay'))
    .option(
      '--schedule <name>',
      `of the learning rate: ${scheduleNames.join(', ')}`,
      oneOf('--schedule', scheduleNames),
    )
    .option('--seed <n>', 'names one of many equal runs', wholeNumber('--seed', 0))
    .option('--backend <name>', 'the engine (default: the fastest that works)', oneOf('--backend', backendNames))
    .option(
      '--precision <name>',
      `of activations: ${precisions.join(', ')} (half the memory, often faster; engines native and wasm)`,
      oneOf('--precision', precisions),
    )
    .option('--image-size <pixels>', 'height and width that images are resized to', wholeNumber('--image-size'))
    .option('--data-dir <folder>', 'where the official files of a known data set lie')
    .option('--split-file <file>', 'the split.json of another run: the very same images in the same parts')
    .option('--workers <n>', workersHelp, wholeNumber('--workers', 0))
    .option('--json', 'end with one line of JSON')
    .addHelpText('after', examples)
    .action(train);
}

async function train(named: readonly string[], options: TrainOptions): Promise<void> {
  const {
    output: folder = join('runs', nameOf(named)),
    resume,
    dataDir,
    splitFile,
    workers,
    json = false,
    ...asked
  } = options;
  const started = performance.now();
  const output = createOutput({ json });
  const store = folderStore(folder);
  const before = await loadRun(store, folder);
  if (!(resume && before)) await refuseOccupied(store, folder);
  const source = await openSource(named, output, dataDir);
  if (before) checkSameRun(before, source, asked, folder);
  const { name: backend } = await startBackend(before?.settings.backend ?? asked.backend, output);
  const material = await materialOf(source);
  const run = before ?? newRun(source, withDefaults(asked, backend, material));
  const parts = await partsFor(source, { store, resumed: before !== undefined, splitFile }, output);
  const lesson = await prepareLesson(parts, material, run.settings, output, workers);
  if (!before) await saveRun(store, run);
  printLesson(lesson, run, source, output);
  const images = dataDir ? `${named.join(' ')} --data-dir ${dataDir}` : named.join(' ');
  const goOn = `imgcls train ${images} --output ${folder} --resume`;
  const history = await learn(lesson, run, source, { store, output, goOn });
  const test = await judge(lesson, store, output);
  printLearning(history, outcomeOf(lesson, history), output);
  printAssessment(test, output);
  output.print(
    `\nThe classifier is in ${folder}. Now try:\n  imgcls predict ${folder} some-photo.jpg\n  imgcls evaluate ${folder} ${images} --mistakes 20\n  imgcls serve ${folder}`,
  );
  output.result({
    output: folder,
    settings: run.settings,
    bestEpoch: bestOf(history).epoch,
    validation: bestOf(history).validation,
    test,
    skipped: source.skipped,
    seconds: (performance.now() - started) / 1000,
  });
}

const newRun = ({ location, fingerprint, dataset }: Source, settings: Settings): Run => ({
  formatVersion: 1,
  dataset: { location, fingerprint, count: dataset.length },
  settings,
});

function printLesson(
  { train, validation, test, classes, model }: Lesson,
  { settings }: Run,
  { name }: Source,
  { print }: Output,
): void {
  print(
    `${name}: ${plural(classes.length, 'class', 'classes')}${train.labelSets ? ', of which an image may show several' : ''}, ${plural(train.length, 'image')} to learn from, ${count(validation.length)} to choose by, ${count(test.length)} to be judged by at the end`,
  );
  print(
    `${model.architecture.name} with ${count(parameterCount(model))} parameters on images of ${settings.imageSize} x ${settings.imageSize} pixels; ${plural(settings.epochs, 'epoch')} of ${settings.optimizer}`,
  );
}

interface Place {
  store: Store;
  output: Output;
  /** The command that resumes the run. */
  goOn: string;
}

/** Trains to the end; the weights of the best epoch are then in the folder. Ctrl-C stops it where it can be resumed. */
async function learn(
  lesson: Lesson,
  run: Run,
  source: Source,
  { store, output, goOn }: Place,
): Promise<TrainedEpoch[]> {
  const { model, preprocessing, classes: labels } = lesson;
  const interruption = interruptible(() => output.print('stopping after this batch (once more Ctrl-C: at once) …'));
  const provenance: Provenance = {
    dataset: { ...run.dataset, name: source.name },
    division: usualDivision,
    settings: run.settings,
    ...(await origins()),
  };
  const { architecture } = model;
  const keep = ({ epoch, validation }: TrainedEpoch): Promise<void> =>
    saveClassifier(store, {
      model,
      architecture,
      labels: [...labels],
      preprocessing,
      ...(lesson.train.labelSets && { multiLabel: { threshold: 0.5 } }),
      scores: { epoch, validation },
      provenance,
    });
  try {
    return await trainToEnd({ ...lesson, settings: run.settings, store, keep, output, interruption });
  } catch (error) {
    if (error instanceof Interrupted) output.print(`stopped; go on with: ${goOn}`);
    throw error;
  } finally {
    interruption.release();
  }
}

/** Measures what was kept on the test images, the only time they are looked at, and writes it into the classifier. */
async function judge(
  { test, workers }: Lesson,
  store: Store,
  { print }: Output,
): Promise<Assessment | MultiLabelAssessment> {
  const kept = await loadClassifier(store);
  const { assessment, skipped } = await assessClassifier(kept, test, workers);
  printSkipped(skipped, print);
  const { accuracy, loss, macro, count } = assessment;
  const ranked = 'confusion' in assessment ? {} : { meanAveragePrecision: assessment.meanAveragePrecision };
  await saveClassifier(store, {
    ...kept,
    scores: { ...kept.scores, test: { accuracy, ...ranked, loss, macro, count } },
  });
  return assessment;
}

function outcomeOf({ train, validation, classes, model, shrunk }: Lesson, history: readonly TrainedEpoch[]): Outcome {
  const best = bestOf(history);
  return {
    trainAccuracy: best.train.accuracy,
    validation: { accuracy: best.validation.accuracy, count: validation.length },
    bestEpoch: best.epoch,
    epochs: history.length,
    classes,
    trainCounts: Array.from(classCounts(train)),
    commonest: commonestShare(train),
    model: model.architecture.name,
    shrunk,
  };
}

function commonestShare(dataset: Dataset): number {
  const counts = new Map<string, number>();
  for (let i = 0; i < dataset.length; i++) {
    const answer = shownClasses(dataset, i).join();
    counts.set(answer, (counts.get(answer) ?? 0) + 1);
  }
  return Math.max(...counts.values()) / dataset.length;
}
