import { describe, expect, it } from 'vitest';
import { balancedAccuracy, confusionMatrix, mostConfused, precisionRecallF1 } from './confusion.ts';
import { measure } from './metric.ts';

// Worked by hand. Class 3 has no images and nobody is taken for it; class 2 has images, but nobody is taken for it.
const confusion = [
  [3, 1, 0, 0],
  [0, 4, 0, 0],
  [1, 1, 0, 0],
  [0, 0, 0, 0],
];

describe('confusionMatrix()', () => {
  it('counts by true class, then by predicted class', () => {
    const scores = Float32Array.of(1, 0, 0, /**/ 0, 1, 0, /**/ 0, 0, 1, /**/ 0, 0, 1);
    const labels = Int32Array.of(0, 0, 1, 1);
    expect(measure(confusionMatrix(3), { scores, numClasses: 3, labels })).toEqual([
      [1, 1, 0],
      [0, 0, 2],
      [0, 0, 0],
    ]);
  });

  it('refuses scores for another number of classes, and an impossible number', () => {
    const two = { scores: new Float32Array(2), numClasses: 2, labels: new Int32Array(1) };
    expect(() => measure(confusionMatrix(3), two)).toThrow(
      new RangeError('confusionMatrix: scores must be for 3 classes, got 2'),
    );
    expect(() => confusionMatrix(0)).toThrow(
      new RangeError('confusionMatrix: numClasses must be a positive integer, got 0'),
    );
  });
});

describe('precisionRecallF1()', () => {
  it('scores each class, 0 where a class has no images or nobody is taken for it', () => {
    expect(precisionRecallF1(confusion).perClass).toEqual([
      { precision: 3 / 4, recall: 3 / 4, f1: 3 / 4, support: 4 },
      { precision: 4 / 6, recall: 1, f1: 8 / 10, support: 4 },
      { precision: 0, recall: 0, f1: 0, support: 2 },
      { precision: 0, recall: 0, f1: 0, support: 0 },
    ]);
  });

  it('averages over classes, over images, and over classes by their images', () => {
    const { macro, micro, weighted } = precisionRecallF1(confusion);
    expect(macro.precision).toBeCloseTo((3 / 4 + 4 / 6) / 4, 14);
    expect(macro.recall).toBeCloseTo((3 / 4 + 1) / 4, 14);
    expect(micro).toEqual({ precision: 0.7, recall: 0.7, f1: 0.7 });
    expect(weighted.recall).toBeCloseTo(0.7, 14);
    expect(weighted.f1).toBeCloseTo(0.4 * (3 / 4) + 0.4 * (8 / 10), 14);
  });

  it('exchanges precision and recall when the matrix is transposed', () => {
    const transposed = confusion.map((_, i) => confusion.map((row) => row[i]!));
    const [original, exchanged] = [precisionRecallF1(confusion), precisionRecallF1(transposed)];
    expect(exchanged.perClass.map((of) => [of.precision, of.recall, of.f1])).toEqual(
      original.perClass.map((of) => [of.recall, of.precision, of.f1]),
    );
  });

  it('is all 0 for a matrix without images', () => {
    expect(precisionRecallF1([[0]]).weighted).toEqual({ precision: 0, recall: 0, f1: 0 });
  });

  it('refuses a matrix that is not square', () => {
    expect(() => precisionRecallF1([[1, 2]])).toThrow(
      new RangeError('precisionRecallF1: the matrix must be square, got 1 rows and a row of 2'),
    );
  });
});

describe('balancedAccuracy()', () => {
  it('is the mean recall of the classes that have images', () => {
    expect(balancedAccuracy(confusion)).toBeCloseTo((3 / 4 + 1 + 0) / 3, 14);
  });

  it('refuses a matrix without images', () => {
    expect(() => balancedAccuracy([[0]])).toThrow(
      new RangeError('balancedAccuracy: the matrix must hold at least one image, got none'),
    );
  });
});

describe('mostConfused()', () => {
  it('lists pairs of different classes, the most frequent first', () => {
    expect(
      mostConfused([
        [9, 1, 0],
        [5, 9, 2],
        [0, 0, 9],
      ]),
    ).toEqual([
      { label: 1, predicted: 0, count: 5 },
      { label: 1, predicted: 2, count: 2 },
      { label: 0, predicted: 1, count: 1 },
    ]);
    expect(mostConfused(confusion, 1)).toHaveLength(1);
  });
});
