import { namedParameters, seeded, training } from '@imgcls/nn';
import { type Random, random } from '@imgcls/random';
import { crossEntropy, gradients, memory, sgdUpdate, tidy, useBackend } from '@imgcls/tensor';
import { argMax, tensor1d, tensor4d, variable, zerosLike } from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { airbench94 } from './airbench94.ts';
import { cifarResnet } from './cifar-resnet.ts';
import { resnet9 } from './resnet9.ts';
import { simpleCnn } from './simple-cnn.ts';

beforeAll(() => useBackend('wasm'));

const options = { numClasses: 2, inputChannels: 1, imageSize: 12 };

test.each([
  { name: 'simpleCnn', build: () => simpleCnn({ ...options, channels: [4, 8], hidden: [16] }) },
  { name: 'resnet9', build: () => resnet9({ ...options, channels: [4, 8, 8, 8] }) },
  { name: 'airbench94', build: () => airbench94({ ...options, channels: [16, 16, 16] }) },
  { name: 'cifarResnet', build: () => cifarResnet({ ...options, depth: 8, shortcut: 'B' }) },
])('$name learns to tell columns from rows, without leaks', ({ build }) => {
  const model = seeded(1, build);
  const parameters = namedParameters(model);
  const velocity = Object.values(parameters).map((parameter) => variable(zerosLike(parameter)));
  const before = memory().numTensors;
  for (let step = 0; step < 40; step++) {
    const { images, labels } = bars(32, random(1, step));
    const { value, gradients: slopes } = gradients(
      () => training(random(2, step), () => crossEntropy(model(images), labels)),
      parameters,
    );
    const values = Object.values(slopes);
    sgdUpdate(Object.values(parameters), values, { velocity }, { learningRate: 0.1, momentum: 0.9 });
    for (const tensor of [images, labels, value, ...values]) tensor.dispose();
    expect(memory().numTensors).toBe(before);
  }
  const { images, labels } = bars(200, random(3));
  const predicted = tidy(() => argMax(model(images), 1).dataSync());
  const correct = labels.dataSync().filter((label, i) => label === predicted[i]).length;
  expect(correct).toBeGreaterThanOrEqual(190);
});

/** Noisy images of one bright column (class 0) or one bright row (class 1). */
function bars(count: number, source: Random) {
  const labels = Int32Array.from({ length: count }, () => source.int(2));
  const images = new Float32Array(count * 144);
  for (const [n, label] of labels.entries()) {
    const place = source.int(12);
    for (let i = 0; i < 144; i++) {
      const lit = (label === 0 ? i % 12 : Math.floor(i / 12)) === place;
      images[n * 144 + i] = (lit ? 1 : 0) + 0.2 * source.normal();
    }
  }
  return { images: tensor4d(images, [count, 12, 12, 1]), labels: tensor1d(labels, 'int32') };
}
