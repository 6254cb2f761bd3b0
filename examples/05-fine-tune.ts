/**
 * Fine-tuning: a network that was trained on other images learns yours from few, and in little time.
 *
 * Run it as `05-fine-tune.ts ./photos`, with one folder per class. A ResNet-18 first learns CIFAR-10, once: some ten minutes, after
 * which it is kept in `runs/resnet18-cifar10`. The official files are downloaded (163 MB); `--data-dir DIR` takes them from a folder.
 * Then it learns your photos: a new head alone, on features that are computed once; and all of it, the first layers least. The same
 * network from scratch has the same photos, as many steps, and as much time.
 * Target: more of the test photos right than from scratch in as many steps, and in as much time. (In quick form: 80 % by the head alone.)
 */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import {
  cached,
  cifar10,
  type Dataset,
  horizontalFlip,
  imageFolder,
  imageStatistics,
  loader,
  mapped,
  preprocess,
  randomAffine,
  randomCrop,
  splitDataset,
} from '@imgcls/data';
import { loadClassifier, saveClassifier } from '@imgcls/io';
import { type CatalogueModel, createModel } from '@imgcls/models';
import { loadStateDict, stateDict } from '@imgcls/nn';
import { useBackend } from '@imgcls/tensor';
import { adamW, cachedFeatures, evaluate, fit, layerDecay, oneCycle, sgd } from '@imgcls/train';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { 'data-dir': { type: 'string' }, quick: { type: 'boolean', default: false } },
});
const [folder] = positionals;
if (folder === undefined) throw new Error('name the folder of your photos: 05-fine-tune.ts ./photos');
const { quick } = options;
const kept = quick ? 'runs/resnet18-quick' : 'runs/resnet18-cifar10';
const size = quick ? 32 : 64;

const { name, device } = await useBackend();
console.log(`Training on ${name}: ${device}.`);

// 1. The source: trained on CIFAR-10 the first time, then there.
if (!existsSync(`${kept}/classifier.json`)) await trainSource();
const source = await loadClassifier(kept);

// 2. Photos, half of them to learn from, in the size and with the normalisation that they have here.
const { mean, std } = source.preprocessing;
const preprocessing = { ...source.preprocessing, height: size, width: size, resize: 'crop' } as const;
const photos = await imageFolder(folder);
const small = cached(mapped(photos, (image) => preprocess(image, preprocessing)));
const { train, test } = splitDataset(small, { fractions: [0.5, 0, 0.5], seed: 1 });
const augment = [
  randomAffine({ degrees: 10, translate: 0.1, scale: [0.9, 1.1], interpolation: 'bilinear', fill: 'edge' }),
];
const batches = loader(train, { batchSize: 32, shuffle: true, seed: 1, augment, normalization: { mean, std } });
const plain = (part: Dataset) => loader(part, { batchSize: 100, normalization: { mean, std } });
const numClasses = photos.classes.length;
console.log(`${train.length} photos of ${numClasses} classes to learn from, ${test.length} to be judged by`);

// 3. The network with what the source knows, but for its head, which tells other things apart.
const tuned = createModel('resnet18', { numClasses, seed: 1 });
loadStateDict(tuned.features, await stateDict(source.model), {
  rename: (name) => (name.startsWith('fc.') ? undefined : name),
});

// 4. Its head alone, in seconds: each photo passes the body once, not once an epoch. Enough where photos are like those of the source.
const headStarted = performance.now();
const seen = await cachedFeatures(tuned.features, plain(train), { batchSize: 32, shuffle: true, seed: 1 });
const onFeatures = createModel('resnet18', { numClasses, seed: 1 }).head;
const headRate = oneCycle({ maxLearningRate: 0.01, totalSteps: 20 * seen.length });
for await (const _ of fit(onFeatures, { train: seen, optimizer: adamW({ learningRate: headRate }), epochs: 20 }));
const held = await cachedFeatures(tuned.features, plain(test));
const { accuracy: headAccuracy } = await evaluate(onFeatures, held);
report('the head alone', headAccuracy, secondsSince(headStarted));

// 5. All of it: the nearer a layer is to the images, the less it has to change.
const epochs = 2;
const fineTuned = await trainPhotos(tuned, epochs, layerDecay(tuned, 0.9));
report('fine-tuned', fineTuned.accuracy, fineTuned.seconds, epochs);

// 6. From scratch: first in as many steps; then, where that was quicker, in epochs enough to take as long. The same steps differ by
// a twentieth in time from run to run, and an epoch more is half as much again: so much counts as equal.
const scratch = [await fromScratch(epochs)];
while (scratch.at(-1)!.seconds < 0.95 * fineTuned.seconds) scratch.push(await fromScratch(epochs + scratch.length));

await saveClassifier('runs/fine-tuned', {
  model: tuned,
  architecture: tuned.architecture,
  labels: photos.classes,
  preprocessing,
  scores: { test: { accuracy: fineTuned.accuracy } },
});
const bestFromScratch = Math.max(...scratch.map(({ accuracy }) => accuracy));
const [reached, target] = quick ? [headAccuracy, 0.8] : [fineTuned.accuracy, bestFromScratch];
if (reached <= target) throw new Error(`test accuracy ${reached.toFixed(4)} is not above ${target.toFixed(4)}`);

async function trainSource(): Promise<void> {
  const epochs = 4;
  const dataDir = options['data-dir'];
  const images = await cifar10(dataDir ? { dataDir } : {});
  const { train, test } = splitDataset(images, { fractions: [0.9, 0.05, 0.05], seed: 1 });
  const normalization = await imageStatistics(train);
  const augment = [randomCrop(32, 32, { padding: 4 }), horizontalFlip()];
  const batches = loader(train, { batchSize: quick ? 32 : 128, shuffle: true, seed: 1, augment, normalization });
  const model = createModel('resnet18', { numClasses: images.classes.length, seed: 1 });
  const learningRate = oneCycle({ maxLearningRate: 0.1, totalSteps: epochs * batches.length });
  const optimizer = sgd({ learningRate, momentum: 0.9, nesterov: true, weightDecay: 5e-4 });
  for await (const { epoch, train: seen } of fit(model, { train: batches, optimizer, epochs, seed: 1, compiled: true }))
    console.log(`source, epoch ${epoch} of ${epochs}: ${percent(seen.accuracy)} of the images it learns from`);
  const { accuracy } = await evaluate(model, loader(test, { batchSize: 500, normalization }));
  console.log(`source: ${percent(accuracy)} of images that it has not learned from`);
  await saveClassifier(kept, {
    model,
    architecture: model.architecture,
    labels: images.classes,
    preprocessing: { height: 32, width: 32, channels: 3, resize: 'squash', ...normalization },
    scores: { test: { accuracy } },
  });
}

interface Trained {
  /** On the test photos. */
  accuracy: number;
  /** Of training. */
  seconds: number;
}

/** Trains on the photos, each time with a whole schedule. */
async function trainPhotos(
  model: CatalogueModel,
  epochs: number,
  learningRateScale: (name: string) => number = () => 1,
): Promise<Trained> {
  const started = performance.now();
  const learningRate = oneCycle({ maxLearningRate: 0.001, totalSteps: epochs * batches.length });
  const optimizer = adamW({ learningRate, learningRateScale, weightDecay: 0.05 });
  for await (const _ of fit(model, {
    train: batches,
    optimizer,
    epochs,
    seed: 1,
    labelSmoothing: 0.1,
    compiled: true,
  }));
  const seconds = secondsSince(started);
  return { accuracy: (await evaluate(model, plain(test))).accuracy, seconds };
}

async function fromScratch(epochs: number): Promise<Trained> {
  const trained = await trainPhotos(createModel('resnet18', { numClasses, seed: 1 }), epochs);
  report('from scratch', trained.accuracy, trained.seconds, epochs);
  return trained;
}

function report(what: string, accuracy: number, seconds: number, epochs?: number): void {
  const steps = epochs === undefined ? '' : `${epochs * batches.length} steps and `;
  console.log(`${what}: ${percent(accuracy)} of the test photos after ${steps}${seconds.toFixed(1)} s of training`);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function secondsSince(started: number): number {
  return (performance.now() - started) / 1000;
}
