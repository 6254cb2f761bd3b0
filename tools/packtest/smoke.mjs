// The whole road in a few seconds, on whatever JavaScript runs it: train, save, load, classify.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digits, imageStatistics, loader, splitDataset } from '@imgcls/data';
import { classify, loadClassifier, saveClassifier } from '@imgcls/io';
import { createModel } from '@imgcls/models';
import { useBackend } from '@imgcls/tensor';
import { adamW, evaluate, fit } from '@imgcls/train';

const { name, device } = await useBackend();
const { train, test } = splitDataset(await digits(), { seed: 1 });
const normalization = await imageStatistics(train);
const batches = loader(train, { batchSize: 64, shuffle: true, seed: 1, normalization });
const model = createModel('simple_cnn', { numClasses: 10, inputChannels: 1, imageSize: 8, seed: 1 });
for await (const _ of fit(model, { train: batches, optimizer: adamW({ learningRate: 0.003 }), epochs: 3, seed: 1 })) {
  // three epochs are enough to tell a classifier from a guess
}
const { accuracy } = await evaluate(model, loader(test, { batchSize: 180, normalization }));
if (!(accuracy > 0.7)) throw new Error(`accuracy must be above 0.7 after three epochs, got ${accuracy}`);

const folder = mkdtempSync(join(tmpdir(), 'imgcls-smoke-'));
const preprocessing = /** @type {const} */ ({ height: 8, width: 8, channels: 1, resize: 'squash', ...normalization });
await saveClassifier(folder, { model, architecture: model.architecture, labels: [...test.classes], preprocessing });
const [answer] = await classify(await loadClassifier(folder), [(await test.get(0)).image]);
rmSync(folder, { recursive: true });
if (!answer || !(answer.probability > 0.1)) throw new Error(`expected an answer, got ${JSON.stringify(answer)}`);
console.log(`accuracy ${accuracy.toFixed(3)} on ${name} (${device})`);
