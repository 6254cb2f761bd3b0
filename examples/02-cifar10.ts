/**
 * CIFAR-10: 60,000 colour photos of ten kinds of things, 32 by 32 pixels. The benchmark that everybody has trained on.
 *
 * The official files are downloaded once (163 MB); `--data-dir DIR` takes them from a folder instead.
 * Target: 70 % of the test images right after 8 epochs. A GPU or a faster engine may take `--model resnet9 --epochs 24`
 * for about 94 %. (In quick form: above chance on whatever few images are given.)
 */
import { parseArgs } from 'node:util';
import { cifar10, horizontalFlip, imageStatistics, loader, randomCrop, splitDataset } from '@imgcls/data';
import { saveClassifier } from '@imgcls/io';
import { confusionMatrix, formatReport, mostConfused } from '@imgcls/metrics';
import { createModel } from '@imgcls/models';
import { parameterCount } from '@imgcls/nn';
import { useBackend } from '@imgcls/tensor';
import { adamW, evaluate, fit, oneCycle } from '@imgcls/train';

const { values: options } = parseArgs({
  options: {
    'data-dir': { type: 'string' },
    model: { type: 'string', default: 'simple_cnn' },
    epochs: { type: 'string', default: '8' },
    quick: { type: 'boolean', default: false },
  },
});
const epochs = Number(options.epochs);
const target = options.quick ? 0.2 : 0.7;

const { name, device } = await useBackend();
console.log(`Training ${options.model} on ${name}: ${device}.`);

// The published test images stay the test part; validation images are taken from the training ones (and test images too, if there are none).
const dataDir = options['data-dir'];
const images = await cifar10(dataDir ? { dataDir } : {});
const { train, validation, test } = splitDataset(images, { seed: 1 });
const normalization = await imageStatistics(train);
const augment = [randomCrop(32, 32, { padding: 4 }), horizontalFlip()];
const batches = loader(train, { batchSize: 128, shuffle: true, seed: 1, augment, normalization });
const held = (part: typeof test) => loader(part, { batchSize: 500, normalization });

const model = createModel(options.model, { numClasses: images.classes.length, seed: 1 });
console.log(`${train.length} images, ${parameterCount(model)} parameters.`);

const optimizer = adamW({
  learningRate: oneCycle({ maxLearningRate: 0.002, totalSteps: epochs * batches.length }),
  weightDecay: 0.05,
});
for await (const epoch of fit(model, { train: batches, validation: held(validation), optimizer, epochs, seed: 1 })) {
  const percent = (100 * epoch.validation.accuracy).toFixed(1);
  console.log(
    `epoch ${epoch.epoch}: ${percent} % of the validation images, ${epoch.imagesPerSecond.toFixed(0)} images/s`,
  );
}

const { accuracy, confusion } = await evaluate(model, held(test), { metrics: { confusion: confusionMatrix(10) } });
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
