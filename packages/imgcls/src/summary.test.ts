import { join } from 'node:path';
import { saveClassifier } from '@imgcls/io';
import { createModel } from '@imgcls/models';
import { linear, sequential, summary } from '@imgcls/nn';
import { useBackend } from '@imgcls/tensor';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inThisProcess, resultOf } from '../test/cli.ts';
import { temporaryFolder } from '../test/photos.ts';
import { trainingMemory } from './summary.ts';

const folder = await temporaryFolder(afterAll);
const run = (line: string) => inThisProcess(['summary', ...line.split(' '), '--backend', 'cpu'], folder);

beforeAll(() => useBackend('cpu'));

test('trainingMemory() counts weights, three numbers more for each that is trained, and what layers give', () => {
  const [first, second] = [linear({ inFeatures: 2, outFeatures: 3 }), linear({ inFeatures: 3, outFeatures: 1 })];
  first.children.weight.variable.trainable = false;
  expect(trainingMemory(summary(sequential(first, second), [2]), 10)).toEqual({
    weights: 4 * (6 + 3 + 3 + 1),
    optimizer: 3 * 4 * (3 + 3 + 1),
    activations: 4 * (3 + 1) * 10,
    total: 52 + 84 + 160,
  });
});

describe('imgcls summary', () => {
  test('lists the layers of a network, and the memory that training takes', async () => {
    const { code, stdout } = await run('simple_cnn --num-classes 2 --image-size 8 --batch-size 10');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^name +layer +output +parameters +multiply-adds$/m);
    expect(stdout).toMatch(/^training {7}about \d+ MB at 10 images a step: \d+ MB of weights, /m);
  });

  test('is about a classifier, too', async () => {
    const model = createModel('simple_cnn', { numClasses: 2, imageSize: 8, inputChannels: 1 });
    const preprocessing = { height: 8, width: 8, channels: 1, resize: 'squash', mean: [0], std: [1] } as const;
    await saveClassifier(join(folder, 'mine'), {
      model,
      architecture: model.architecture,
      labels: ['a', 'b'],
      preprocessing,
    });
    expect(resultOf(await run('mine --json'))).toMatchObject({ inputShape: [8, 8, 1], outputShape: [2] });
    expect(await run('mine --num-classes 3')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--num-classes and --image-size are for networks, a classifier has its own'),
    });
  });

  test('says what it knows where the name is none', async () => {
    expect(await run('resnet19')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no network is called "resnet19", did you mean "resnet9" or "resnet18"'),
    });
  });
});
