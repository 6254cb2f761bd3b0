import { describe, expect, it } from 'vitest';
import { accuracy } from './accuracy.ts';
import { type Metric, type MultiLabelPredictions, measure } from './metric.ts';
import { averagePrecision, multiLabelScores, subsetAccuracy } from './multi-label.ts';
import { formatMultiLabelReport } from './report.ts';

// Three images: the first is told rightly; of the second one class is missed; the third shows nothing, and nothing is said.
const scores = Float32Array.of(0.9, 0.8, 0.1, /**/ 0.2, 0.7, 0.4, /**/ 0.1, 0.3, 0.2);
const labels = Uint8Array.of(1, 1, 0, /**/ 0, 1, 1, /**/ 0, 0, 0);
const predictions: MultiLabelPredictions = { scores, numClasses: 3, labels };

const batch = (from: number, to: number): MultiLabelPredictions => ({
  scores: scores.subarray(from * 3, to * 3),
  numClasses: 3,
  labels: labels.subarray(from * 3, to * 3),
});

const metrics: Record<string, () => Metric<unknown, MultiLabelPredictions>> = {
  'multiLabelScores(3, { threshold: 0.5 })': () => multiLabelScores(3),
  'subsetAccuracy({ threshold: 0.5 })': subsetAccuracy,
  'averagePrecision(3)': () => averagePrecision(3),
};

describe.each(Object.entries(metrics))('%s', (name, create) => {
  it('gives the same for batches, and for parts that are merged, as for all at once', () => {
    const [batched, first, second] = [create(), create(), create()];
    for (const [from, to] of [[0, 1], [1, 1], [1, 3]] as const) batched.update(batch(from, to)); // biome-ignore format: one line
    first.update(batch(0, 2));
    second.update(batch(2, 3));
    first.merge(second);
    expect(batched.result()).toEqual(measure(create(), predictions));
    expect(first.result()).toEqual(measure(create(), predictions));
  });

  it('has no result without images, and merges with its equals only', () => {
    const metric = create();
    metric.update(batch(0, 0));
    expect(() => metric.result()).toThrow(
      new RangeError(`${name}.result: must have seen at least one image, got none`),
    );
    const foreign = { update() {}, merge() {}, result: () => 1 };
    expect(() => metric.merge(foreign)).toThrow(`other must be a ${name} too, got something else`);
  });

  it('refuses what are no labels, or no scores', () => {
    const refuse = (wrong: Partial<MultiLabelPredictions>, error: Error) =>
      expect(() => create().update({ ...predictions, ...wrong })).toThrow(error);
    refuse({ numClasses: 0 }, new RangeError(`${name}: numClasses must be a positive integer, got 0`));
    refuse(
      { labels: labels.subarray(3) },
      new RangeError(`${name}: scores and labels must hold 3 numbers for each image, got 9 scores and 6 labels`),
    );
    refuse(
      { labels: Uint8Array.of(0, 0, 0, 0, 2, 0, 0, 0, 0) },
      new RangeError(`${name}: labels must be 0 or 1, got 2 for image 1, class 1`),
    );
    refuse(
      { labels: Int32Array.of(0, 1, 2) as never },
      new TypeError(`${name}: labels must be 0 or 1 for each class of each image, as a Uint8Array`),
    );
    expect(() => create().update({ ...predictions, scores: scores.map((p, i) => (i === 4 ? Number.NaN : p)) })).toThrow(
      `${name}: scores must be numbers, got NaN for image 1, class 1;`,
    );
  });
});

it('multiLabelScores() counts pairs of images and classes', () => {
  const { perClass, samples, subsetAccuracy, hammingLoss } = measure(multiLabelScores(3), predictions);
  expect(perClass[1]).toEqual({ precision: 1, recall: 1, f1: 1, support: 2 });
  expect(perClass[2]).toEqual({ precision: 0, recall: 0, f1: 0, support: 1 });
  expect(samples.recall).toBeCloseTo((1 + 1 / 2 + 0) / 3, 12);
  expect(subsetAccuracy).toBeCloseTo(2 / 3, 12);
  expect(hammingLoss).toBeCloseTo(1 / 9, 12);
});

it('averagePrecision() does not change when all scores grow by a rising function: logits do as well', () => {
  const logits = Float64Array.from(scores, (p) => Math.log(p / (1 - p)));
  expect(measure(averagePrecision(3), { ...predictions, scores: logits })).toEqual(
    measure(averagePrecision(3), predictions),
  );
});

it('averagePrecision() takes equal scores together, whatever their order', () => {
  const tied = (ofLabels: number[]) => ({
    scores: new Float64Array(3),
    numClasses: 1,
    labels: Uint8Array.from(ofLabels),
  });
  for (const order of [[1, 0, 0], [0, 1, 0], [0, 0, 1]]) // biome-ignore format: one line
    expect(measure(averagePrecision(1), tied(order)).macro).toBeCloseTo(1 / 3, 12);
});

it('metrics for another number of classes refuse a batch', () => {
  expect(() => measure(averagePrecision(4), predictions)).toThrow('scores must be for 4 classes, got 3');
  expect(() => measure(multiLabelScores(4), predictions)).toThrow('scores must be for 4 classes, got 3');
});

it('metrics of one class an image refuse labels of several', () => {
  expect(() => accuracy().update(predictions as never)).toThrow(
    new TypeError('accuracy(): labels must be one class for each image (Int32Array), got those of several classes'),
  );
});

it('formatMultiLabelReport() refuses a wrong number of names', () => {
  expect(() => formatMultiLabelReport(measure(multiLabelScores(3), predictions), ['a'])).toThrow(
    new RangeError('formatMultiLabelReport: classes must name each of the 3 classes, got 1 names'),
  );
});
