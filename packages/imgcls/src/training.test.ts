import { expect, test } from 'vitest';
import { bestOf, type TrainedEpoch } from './training.ts';

const epochs = (...measured: [accuracy: number, loss: number][]): TrainedEpoch[] =>
  measured.map(([accuracy, loss], i) => ({ epoch: i + 1, validation: { accuracy, loss } }) as TrainedEpoch);

test('bestOf() is the epoch with the highest accuracy, whatever its loss', () => {
  expect(bestOf(epochs([0.8, 0.1], [0.9, 0.5], [0.85, 0.2])).epoch).toBe(2);
});

test('bestOf() takes the lowest loss among equal accuracies, then the earliest', () => {
  expect(bestOf(epochs([0.9, 0.3], [0.9, 0.2], [0.9, 0.4])).epoch).toBe(2);
  expect(bestOf(epochs([0.9, 0.2], [0.9, 0.2])).epoch).toBe(1);
});

test('bestOf() goes by the mean average precision where there is one', () => {
  const several = epochs([0.8, 0.1], [0.9, 0.5], [0.85, 0.2]).map((epoch, i) => ({
    ...epoch,
    validation: { ...epoch.validation, meanAveragePrecision: [0.7, 0.6, 0.7][i]! },
  }));
  expect(bestOf(several).epoch).toBe(1);
});
