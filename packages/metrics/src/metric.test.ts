import { describe, expect, it } from 'vitest';
import { accuracy, topK } from './accuracy.ts';
import { confusionMatrix } from './confusion.ts';
import { logLoss } from './log-loss.ts';
import { type Metric, measure, type Predictions } from './metric.ts';

const scores = Float32Array.of(0.7, 0.2, 0.1, /**/ 0.1, 0.3, 0.6, /**/ 0.2, 0.5, 0.3, /**/ 0.4, 0.4, 0.2);
const predictions: Predictions = { scores, numClasses: 3, labels: Int32Array.of(0, 1, 1, 1) };

const batch = (from: number, to: number): Predictions => ({
  scores: scores.subarray(from * 3, to * 3),
  numClasses: 3,
  labels: predictions.labels.subarray(from, to),
});

const metrics: Record<string, () => Metric<unknown>> = {
  'accuracy()': accuracy,
  'topK(2)': () => topK(2),
  'logLoss()': logLoss,
  'confusionMatrix(3)': () => confusionMatrix(3),
};

describe.each(Object.entries(metrics))('%s', (name, create) => {
  it('gives the same for batches as for all at once', () => {
    const metric = create();
    for (const [from, to] of [
      [0, 1],
      [1, 1],
      [1, 4],
    ] as const)
      metric.update(batch(from, to));
    expect(metric.result()).toEqual(measure(create(), predictions));
  });

  it('gives the same when parts are merged as for all at once, and leaves the other as it was', () => {
    const [first, second] = [create(), create()];
    first.update(batch(0, 3));
    second.update(batch(3, 4));
    const before = second.result();
    first.merge(second);
    expect(first.result()).toEqual(measure(create(), predictions));
    expect(second.result()).toEqual(before);
  });

  it('refuses to merge another metric', () => {
    expect(() => create().merge(topK(7))).toThrow(
      new TypeError(`${name}.merge: other must be a ${name} too, got topK(7)`),
    );
    const foreign = { update() {}, merge() {}, result: () => 1 };
    expect(() => create().merge(foreign)).toThrow(`other must be a ${name} too, got something else`);
  });

  it('has no result without images', () => {
    const metric = create();
    metric.update(batch(0, 0));
    expect(() => metric.result()).toThrow(
      new RangeError(`${name}.result: must have seen at least one image, got none`),
    );
  });

  it('refuses predictions that cannot be', () => {
    const update = (wrong: Partial<Predictions>) => () => create().update({ ...predictions, ...wrong });
    expect(update({ scores: scores.subarray(1) })).toThrow(
      new RangeError(`${name}: scores must hold 3 numbers for each of 4 labels (12), got 11`),
    );
    expect(update({ labels: Int32Array.of(0, 1, 2, 3) })).toThrow(
      new RangeError(`${name}: labels must lie in [0, 3), got 3 for image 3`),
    );
    expect(update({ labels: Int32Array.of(0, -1, 2, 3) })).toThrow('labels must lie in [0, 3), got -1 for image 1');
    expect(update({ numClasses: 0 })).toThrow(`${name}: numClasses must be a positive integer, got 0`);
    const nan = scores.slice();
    nan[5] = Number.NaN;
    expect(update({ scores: nan })).toThrow(
      new RangeError(
        `${name}: scores must be numbers, got NaN for image 1, class 2; the model has diverged: train with a lower learning rate`,
      ),
    );
  });
});

describe('accuracy()', () => {
  it('counts the images whose highest score is at their label', () => {
    expect(measure(accuracy(), predictions)).toBe(0.5);
  });

  it('takes infinite scores', () => {
    const masked = {
      scores: Float32Array.of(Number.NEGATIVE_INFINITY, -3, Number.POSITIVE_INFINITY, 0),
      numClasses: 2,
      labels: Int32Array.of(1, 0),
    };
    expect(measure(accuracy(), masked)).toBe(1);
  });
});

describe('topK()', () => {
  it('counts the images whose label is among the k highest scores', () => {
    expect([1, 2, 3, 4].map((k) => measure(topK(k), predictions))).toEqual([0.5, 1, 1, 1]);
  });

  it('gives ties to the lower class, as accuracy() does', () => {
    const ties = (label: number) => ({ scores: new Float32Array(4), numClasses: 4, labels: Int32Array.of(label) });
    expect([0, 1, 2, 3].map((label) => measure(topK(2), ties(label)))).toEqual([1, 1, 0, 0]);
    expect([0, 1].map((label) => measure(topK(1), ties(label)))).toEqual([1, 0]);
    expect([0, 1].map((label) => measure(accuracy(), ties(label)))).toEqual([1, 0]);
  });

  it('refuses a k that is no positive integer', () => {
    for (const k of [0, -1, 1.5, Number.NaN])
      expect(() => topK(k)).toThrow(new RangeError(`topK: k must be a positive integer, got ${k}`));
  });
});

describe('logLoss()', () => {
  it('is the mean of -log of the probability of the label', () => {
    const certain = { scores: Float64Array.of(0.25, 0.75, 0.5, 0.5), numClasses: 2, labels: Int32Array.of(0, 1) };
    expect(measure(logLoss(), certain)).toBeCloseTo((Math.log(4) + Math.log(2)) / 2, 14);
  });

  it('stays finite when the label has probability 0', () => {
    const wrong = { scores: Float32Array.of(1, 0), numClasses: 2, labels: Int32Array.of(1) };
    expect(measure(logLoss(), wrong)).toBeCloseTo(23 * Math.log(2), 12);
  });

  it('refuses scores that are no probabilities', () => {
    const of =
      (...row: number[]) =>
      () =>
        measure(logLoss(), { scores: Float64Array.from(row), numClasses: 2, labels: Int32Array.of(0) });
    expect(of(2, -1)).toThrow(
      new RangeError('logLoss: scores must be probabilities in [0, 1], got 2; apply a softmax to logits first'),
    );
    expect(of(0.5, 0.4)).toThrow('logLoss: the probabilities of an image must sum to 1, got 0.9; apply a softmax');
  });
});
