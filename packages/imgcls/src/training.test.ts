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
