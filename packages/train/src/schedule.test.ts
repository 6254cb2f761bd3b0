import { describe, expect, it } from 'vitest';
import reference from '../fixtures/schedules.json' with { type: 'json' };
import { constant, cosine, oneCycle, type Schedule, stepDecay, warmup } from './schedule.ts';

const maxLearningRate = 0.5;
const learningRate = 0.5;

describe('equal to PyTorch', () => {
  const cases: [keyof typeof reference, Schedule][] = [
    ['oneCycle', oneCycle({ maxLearningRate, totalSteps: 40 })],
    [
      'oneCycleLinear',
      oneCycle({
        maxLearningRate,
        totalSteps: 23,
        warmupFraction: 0.4,
        initialDivisor: 10,
        finalDivisor: 100,
        anneal: 'linear',
      }),
    ],
    ['cosine', cosine({ learningRate, totalSteps: 30, finalLearningRate: 0.01 })],
    ['stepDecay', stepDecay({ learningRate, milestones: [5, 12] })],
    ['warmupCosine', warmup(cosine({ learningRate, totalSteps: 30 }), { steps: 5 })],
  ];
  it.each(cases)('%s at every step', (name, schedule) => {
    for (const [step, rate] of reference[name].entries()) expect(Math.abs(schedule(step) - rate)).toBeLessThan(1e-9);
  });
});

it('constant() is the same at every step', () => {
  expect([0, 1, 1e6].map(constant(0.1))).toEqual([0.1, 0.1, 0.1]);
});

it('cosine() and oneCycle() keep their final rate after the last step', () => {
  expect(cosine({ learningRate, totalSteps: 10, finalLearningRate: 0.1 })(11)).toBe(0.1);
  const cycle = oneCycle({ maxLearningRate, totalSteps: 10 });
  expect(cycle(10)).toBe(cycle(9));
});

it('warmup() leaves the other schedule alone once it has risen', () => {
  const decay = cosine({ learningRate, totalSteps: 20 });
  const schedule = warmup(decay, { steps: 3 });
  expect([2, 3, 19].map(schedule)).toEqual([2, 3, 19].map(decay));
  expect(schedule(0)).toBeCloseTo(decay(0) / 3);
});

describe('wrong arguments are named with their values', () => {
  const cases: [string, () => Schedule][] = [
    ['constant: learningRate must be a positive number, got -1', () => constant(-1)],
    [
      'cosine: learningRate must be a positive number, got NaN',
      () => cosine({ learningRate: Number.NaN, totalSteps: 5 }),
    ],
    ['cosine: totalSteps must be a positive integer, got 2.5', () => cosine({ learningRate, totalSteps: 2.5 })],
    [
      'cosine: finalLearningRate must lie in [0, learningRate], got 1',
      () => cosine({ learningRate, totalSteps: 5, finalLearningRate: 1 }),
    ],
    ['stepDecay: factor must be at most 1, got 2', () => stepDecay({ learningRate, milestones: [1], factor: 2 })],
    [
      'stepDecay: milestones must be ascending positive integers, got [5, 3]',
      () => stepDecay({ learningRate, milestones: [5, 3] }),
    ],
    ['warmup: steps must be a positive integer, got 0', () => warmup(constant(1), { steps: 0 })],
    ['oneCycle: warmupFraction · totalSteps must be more than 1', () => oneCycle({ maxLearningRate, totalSteps: 3 })],
    [
      'oneCycle: warmupFraction · totalSteps must be more than 1 and warmupFraction below 1, got 1 · 40',
      () => oneCycle({ maxLearningRate, totalSteps: 40, warmupFraction: 1 }),
    ],
  ];
  it.each(cases)('%s', (message, make) => {
    expect(make).toThrow(RangeError);
    expect(make).toThrow(message);
  });
});
