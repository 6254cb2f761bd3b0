import { expect, test } from 'vitest';
import { createOptimizer, createSchedule, optimizerNames, type Settings, scheduleNames } from './settings.ts';

const settings: Settings = {
  model: 'resnet9',
  epochs: 1,
  batchSize: 1,
  learningRate: 0.1,
  optimizer: 'sgd',
  weightDecay: 0,
  schedule: 'constant',
  seed: 0,
  backend: 'cpu',
  precision: 'float32',
  imageSize: 8,
};
const rates = (schedule: Settings['schedule'], steps: readonly number[], total = 100) =>
  steps.map((step) => Number(createSchedule({ ...settings, schedule }, total)(step).toFixed(4)));

test('createSchedule() makes each schedule of the learning rate', () => {
  expect(rates('constant', [0, 99])).toEqual([0.1, 0.1]);
  expect(rates('step', [49, 50, 75])).toEqual([0.1, 0.01, 0.001]);
  expect(rates('cosine', [0, 5, 50, 100])).toEqual([0.02, 0.0994, 0.05, 0]);
  expect(rates('one-cycle', [0, 29, 99])).toEqual([0.004, 0.1, 0]);
});

test.each(scheduleNames)('createSchedule(%s) works for the shortest runs', (schedule) => {
  for (const total of [1, 2, 3]) expect(rates(schedule, [0], total)[0]).toBeGreaterThan(0);
});

test.each(optimizerNames)('createOptimizer(%s) has the rate of its schedule', (optimizer) => {
  expect(createOptimizer({ ...settings, optimizer, schedule: 'cosine' }, 100).learningRate).toBeCloseTo(0.02);
});
