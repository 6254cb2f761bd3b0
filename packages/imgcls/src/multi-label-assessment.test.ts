import { arrayDataset } from '@imgcls/data';
import { flatten } from '@imgcls/nn';
import { useBackend } from '@imgcls/tensor';
import { expect, test } from 'vitest';
import { assessMultiLabel } from './multi-label-assessment.ts';

test('assessMultiLabel() measures each label by itself, and lists the surest mistakes first', async () => {
  await useBackend('cpu');
  // two pixels are the logits of two labels: 255 is 2, 0 is -2
  const dataset = arrayDataset({
    data: Uint8Array.from([255, 0, 255, 255, 0, 0, 0, 153]),
    height: 1,
    width: 2,
    channels: 1,
    labels: [[0], [1], [], [1]],
    classes: ['cat', 'dog'],
  });
  const preprocessing = { height: 1, width: 2, channels: 1, resize: 'squash', mean: [0.5], std: [0.25] } as const;
  const classifier = { model: flatten(), labels: ['cat', 'dog'], preprocessing, multiLabel: { threshold: 0.7 } };

  const { assessment, mistakes } = await assessMultiLabel(classifier, dataset);

  const small = (153 / 255 - 0.5) / 0.25;
  const right = Math.log(1 + Math.exp(-2));
  const losses = [right, right, 2 + right, right, right, right, right, Math.log(1 + Math.exp(-small))];
  expect(assessment.loss).toBeCloseTo(losses.reduce((a, b) => a + b) / 8, 6);
  expect(assessment).toMatchObject({ accuracy: 0.5, hammingLoss: 0.25, threshold: 0.7, count: 4 });
  expect(assessment.perClass).toEqual([
    { label: 'cat', averagePrecision: 0.5, precision: 0.5, recall: 1, f1: expect.closeTo(2 / 3, 12), support: 1 },
    { label: 'dog', averagePrecision: 1, precision: 1, recall: 0.5, f1: expect.closeTo(2 / 3, 12), support: 2 },
  ]);
  expect(assessment.meanAveragePrecision).toBe(0.75);
  expect(mistakes).toEqual([
    { index: 1, label: 'dog', predicted: 'cat, dog', probability: expect.closeTo(1 / (1 + Math.exp(-2)), 6) },
    { index: 3, label: 'dog', predicted: 'nothing', probability: expect.closeTo(1 / (1 + Math.exp(small)), 6) },
  ]);
});
