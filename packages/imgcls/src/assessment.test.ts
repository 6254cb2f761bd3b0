import { arrayDataset } from '@imgcls/data';
import { flatten } from '@imgcls/nn';
import { useBackend } from '@imgcls/tensor';
import { expect, test } from 'vitest';
import { assess } from './assessment.ts';

test('assess() measures and lists the surest mistakes first', async () => {
  await useBackend('cpu');
  // two pixels are the logits of two classes: 255 is 2, 0 is 0
  const data = Uint8Array.from([255, 0, 0, 255, 255, 0, 0, 128]);
  const dataset = arrayDataset({
    data,
    height: 1,
    width: 2,
    channels: 1,
    labels: [0, 1, 1, 0],
    classes: ['cat', 'dog'],
  });
  const preprocessing = { height: 1, width: 2, channels: 1, resize: 'squash', mean: [0], std: [0.5] } as const;

  const { assessment, mistakes } = await assess(flatten(), dataset, preprocessing, ['cat', 'dog']);

  const half = (2 * 128) / 255;
  const losses = [
    Math.log(1 + Math.exp(-2)),
    Math.log(1 + Math.exp(-2)),
    Math.log(1 + Math.exp(2)),
    Math.log(1 + Math.exp(half)),
  ];
  expect(assessment.loss).toBeCloseTo(losses.reduce((a, b) => a + b) / 4, 6);
  expect(assessment).toMatchObject({
    accuracy: 0.5,
    count: 4,
    confusion: [
      [1, 1],
      [1, 1],
    ],
    macro: { precision: 0.5, recall: 0.5, f1: 0.5 },
  });
  expect(assessment.perClass[1]).toEqual({ label: 'dog', precision: 0.5, recall: 0.5, f1: 0.5, support: 2 });
  expect(mistakes).toEqual([
    { index: 2, label: 'dog', predicted: 'cat', probability: expect.closeTo(1 / (1 + Math.exp(-2)), 6) },
    { index: 3, label: 'cat', predicted: 'dog', probability: expect.closeTo(1 / (1 + Math.exp(-half)), 6) },
  ]);
});
