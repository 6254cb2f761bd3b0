import { describe, expect, test } from 'vitest';
import { accuracyInterval, diagnosis, fitness, nextSteps, type Outcome, weakSpots } from './advice.ts';

const outcome = (trainAccuracy: number, accuracy: number, rest: Partial<Outcome> = {}): Outcome => ({
  trainAccuracy,
  validation: { accuracy, count: 400 },
  bestEpoch: 5,
  epochs: 10,
  classes: ['cat', 'dog'],
  trainCounts: [500, 500],
  commonest: 0.5,
  model: 'resnet9',
  shrunk: false,
  ...rest,
});

describe('fitness()', () => {
  test.each([
    ['overfitting', outcome(0.99, 0.8)],
    ['underfitting', outcome(0.75, 0.76)],
    ['good', outcome(0.99, 0.97)],
    ['guessing', outcome(0.51, 0.5)],
    ['guessing', outcome(0.91, 0.9, { commonest: 0.9 })], // always saying "cat" is right so often
  ] as const)('%s', (expected, of) => expect(fitness(of)).toBe(expected));

  test('a gap that few validation images make by luck is none', () => {
    expect(fitness(outcome(0.99, 0.9, { validation: { accuracy: 0.9, count: 20 } }))).toBe('good');
    expect(fitness(outcome(0.99, 0.9, { validation: { accuracy: 0.9, count: 2000 } }))).toBe('overfitting');
  });
});

test('diagnosis() tells it in a sentence with the numbers', () => {
  expect(diagnosis(outcome(0.99, 0.8))).toBe(
    'Overfitting: 99.0 % of the training images are right, but only 80.0 % of the validation images; it knows its images by heart.',
  );
});

test('nextSteps() names classes with few images first', () => {
  const steps = nextSteps(outcome(0.99, 0.97, { trainCounts: [1000, 100] }));
  expect(steps[0]).toBe('more images of dog: less than a quarter of what the largest class has');
});

test('nextSteps() proposes more of what is short where it learned too little', () => {
  const steps = (rest: Partial<Outcome>) => nextSteps(outcome(0.6, 0.6, rest)).join();
  expect(steps({ model: 'simple_cnn', shrunk: true })).toMatch(/--epochs.*--model resnet9.*--image-size/);
  expect(steps({})).not.toMatch(/--model|--image-size/);
});

test('nextSteps() proposes longer training where the last epochs were the best', () => {
  expect(nextSteps(outcome(0.99, 0.97, { bestEpoch: 10 })).join()).toContain('--epochs');
  expect(nextSteps(outcome(0.99, 0.97, { bestEpoch: 3 })).join()).not.toContain('--epochs');
});

test('weakSpots() names the weakest classes and the commonest confusions', () => {
  const confusion = [
    [9, 1, 0],
    [4, 6, 0],
    [0, 0, 10],
  ];
  expect(weakSpots(confusion, ['cat', 'dog', 'owl'])).toEqual([
    'Weakest classes: dog (6 of 10 found, F1 0.71), cat (9 of 10 found, F1 0.78)',
    'Most confused: dog taken for cat (4 times), cat taken for dog (1 time)',
  ]);
  expect(weakSpots([[3]], ['cat'])).toEqual([]);
});

test("accuracyInterval() is Wilson's", () => {
  // statsmodels 0.14: proportion_confint(161, 165, method='wilson')
  const [low, high] = accuracyInterval(161 / 165, 165);
  expect(low).toBeCloseTo(0.9393, 3);
  expect(high).toBeCloseTo(0.9905, 3);
  expect(accuracyInterval(1, 10)[1]).toBe(1);
  expect(accuracyInterval(0, 10)[0]).toBe(0);
});
