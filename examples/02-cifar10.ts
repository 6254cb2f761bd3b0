/**
 * CIFAR-10: 60,000 colour photos of ten kinds of things, 32 by 32 pixels. The benchmark that everybody has trained on.
 *
 * The official files are downloaded once (163 MB); `--data-dir DIR` takes them from a folder instead. The network is a narrow form of
 * airbench94's, made to learn these images in few operations: its first layer whitens patches by filters computed from the images, and its
 * filters are trained by Muon, which needs fewer epochs than SGD. `--precision bf16` halves the memory that activations take.
 * Target: 91 % of the test images right. (In quick form: above chance on whatever few images are given.)
 */
import { parseArgs } from 'node:util';
import { cifar10, type Dataset, horizontalFlip, imageStatistics, loader, randomCrop, splitDataset } from '@imgcls/data';
import { saveClassifier } from '@imgcls/io';
import { confusionMatrix, formatReport, mostConfused } from '@imgcls/metrics';
import { createModel, whiteningFilters } from '@imgcls/models';
import { namedState, parameterCount } from '@imgcls/nn';
import { normalize, useBackend } from '@imgcls/tensor';
import { evaluate, fit, muon, oneCycle, sgd } from '@imgcls/train';

const { values: options } = parseArgs({
  options: {
    'data-dir': { type: 'string' },
    epochs: { type: 'string', default: '8' },
    precision: { type: 'string', default: 'float32' },
    quick: { type: 'boolean', default: false },
  },
});
const epochs = Number(options.epochs);
const precision = options.precision === 'bf16' ? 'bf16' : 'float32';
const { quick } = options;
const target = quick ? 0.2 : 0.91;
const batchSize = quick ? 32 : 500;
const channels = quick ? ([8, 16, 16] as const) : ([64, 128, 128] as const);

const { name, device } = await useBackend();
console.log(`Training on ${name}: ${device}.`);

// The published test images stay the test part; validation images are taken from the training ones (and test images too, if there are none).
const dataDir = options['data-dir'];
const images = await cifar10(dataDir ? { dataDir } : {});
const { train, validation, test } = splitDataset(images, { seed: 1 });
const normalization = await imageStatistics(train);
const augment = [randomCrop(32, 32, { padding: 2, fill: 'reflect' }), horizontalFlip()];
const batches = loader(train, { batchSize, shuffle: true, seed: 1, augment, normalization, dropLast: true });
const plain = (part: Dataset, size = 500) => loader(part, { batchSize: size, normalization });

const model = createModel('airbench94', { numClasses: images.classes.length, channels, seed: 1 });
console.log(`${train.length} images, ${parameterCount(model)} parameters.`);
for await (const { images, shape } of plain(train, 5000)) {
  const filters = await whiteningFilters(normalize(images, shape, normalization));
  namedState(model)['whiten.weight']!.variable.assign(filters);
  break;
}

const totalSteps = epochs * batches.length;
const learningRate = (highest: number) =>
  oneCycle({ maxLearningRate: highest, totalSteps, initialDivisor: 2, warmupFraction: 0.1, anneal: 'linear' });
const optimizer = muon({
  learningRate: learningRate(0.08),
  momentum: 0.8,
  takes: (name) => /conv\d\.weight$/.test(name),
  rest: sgd({
    learningRate: learningRate(0.0015 * batchSize),
    learningRateScale: (name) => (/norm\d\.bias$/.test(name) ? 8 : 1),
    momentum: 0.85,
    nesterov: true,
    weightDecay: 0.0013,
  }),
});
const started = performance.now();
const run = fit(model, {
  train: batches,
  validation: plain(validation),
  optimizer,
  epochs,
  seed: 1,
  labelSmoothing: 0.2,
  precision,
  compiled: true, // the network computes by operations alone: they are recorded, and its code need not run again
});
for await (const { epoch, validation, imagesPerSecond } of run) {
  const percent = (100 * validation.accuracy).toFixed(1);
  console.log(`epoch ${epoch}: ${percent} % of the validation images, ${imagesPerSecond.toFixed(0)} images/s`);
}
console.log(`Trained in ${((performance.now() - started) / 60_000).toFixed(1)} minutes.`);

const { accuracy, confusion } = await evaluate(model, plain(test), { metrics: { confusion: confusionMatrix(10) } });
console.log(formatReport(confusion, images.classes));
console.log('Most often confused:', mostConfused(confusion, 3));

await saveClassifier('runs/cifar10', {
  model,
  architecture: model.architecture,
  labels: images.classes,
  preprocessing: { height: 32, width: 32, channels: 3, resize: 'squash', ...normalization },
  scores: { test: { accuracy } },
});
if (accuracy < target) throw new Error(`test accuracy ${accuracy.toFixed(4)} misses the target of ${target}`);
