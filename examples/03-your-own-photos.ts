/**
 * Your own photos: a folder with one folder per class becomes a classifier.
 *
 *     photos/roses/img_0001.jpg  photos/roses/img_0002.png  photos/tulips/…
 *
 * Run it as `03-your-own-photos.ts ./photos`. What is no image, or a broken one, is left out and named.
 * Target: better than twice chance on photos that it has not learned from; a few hundred photos usually reach far more.
 */
import { parseArgs } from 'node:util';
import {
  cached,
  colorJitter,
  horizontalFlip,
  imageFolder,
  imageStatistics,
  loader,
  mapped,
  preprocess,
  randomAffine,
  splitDataset,
} from '@imgcls/data';
import { saveClassifier } from '@imgcls/io';
import { confusionMatrix, formatConfusion } from '@imgcls/metrics';
import { createModel } from '@imgcls/models';
import { useBackend } from '@imgcls/tensor';
import { adamW, evaluate, fit, oneCycle } from '@imgcls/train';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { quick: { type: 'boolean' } } });
const folder = positionals[0];
if (folder === undefined) throw new Error('name the folder of your photos: 03-your-own-photos.ts ./photos');
const epochs = values.quick ? 8 : 30;

await useBackend();

const photos = await imageFolder(folder);
for (const { file, reason } of photos.skipped) console.log(`left out ${file}: ${reason}`);
console.log(`${photos.length} photos of ${photos.classes.join(', ')}`);

// Every photo is brought to one size once; augmentation changes it anew each epoch, in training only.
const shape = { height: 64, width: 64, channels: 3, resize: 'crop' } as const;
const small = cached(mapped(photos, (image) => preprocess(image, shape)));
const { train, validation, test } = splitDataset(small, { seed: 1 });
const normalization = await imageStatistics(train);
const augment = [
  horizontalFlip(),
  randomAffine({ degrees: 10, translate: 0.1, scale: [0.9, 1.1], interpolation: 'bilinear', fill: 'edge' }),
  colorJitter({ brightness: 0.2, contrast: 0.2 }),
];
const batches = loader(train, { batchSize: 32, shuffle: true, seed: 1, augment, normalization });
const held = (part: typeof test) => loader(part, { batchSize: 64, normalization });

const numClasses = photos.classes.length;
const model = createModel('simple_cnn', { numClasses, imageSize: 64, channels: [16, 32, 64, 64], seed: 1 });
const optimizer = adamW({
  learningRate: oneCycle({ maxLearningRate: 0.002, totalSteps: epochs * batches.length }),
  weightDecay: 0.05,
});
for await (const { epoch, train: seen, validation: unseen } of fit(model, {
  train: batches,
  validation: held(validation),
  optimizer,
  epochs,
  seed: 1,
  labelSmoothing: 0.1,
})) {
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  console.log(
    `epoch ${epoch}: ${percent(seen.accuracy)} of the training, ${percent(unseen.accuracy)} of the validation photos`,
  );
}

const { accuracy, confusion } = await evaluate(model, held(test), {
  metrics: { confusion: confusionMatrix(numClasses) },
});
console.log(formatConfusion(confusion, photos.classes));
await saveClassifier('runs/photos', {
  model,
  architecture: model.architecture,
  labels: photos.classes,
  preprocessing: { ...shape, ...normalization },
  scores: { test: { accuracy } },
});
console.log(`${(100 * accuracy).toFixed(1)} % of the test photos. Try it: imgcls predict runs/photos some-photo.jpg`);

const target = Math.min(0.95, 2 / numClasses);
if (accuracy < target) throw new Error(`test accuracy ${accuracy.toFixed(4)} misses the target of ${target}`);
