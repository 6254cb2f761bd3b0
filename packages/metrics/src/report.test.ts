import { describe, expect, it } from 'vitest';
import { formatConfusion, formatReport } from './report.ts';

const identity = (size: number, scale = 1) =>
  Array.from({ length: size }, (_, i) => Array.from({ length: size }, (_, j) => (i === j ? scale : 0)));

describe('formatReport()', () => {
  it('prints a row for each class and the averages', () => {
    const report = formatReport(
      [
        [3, 1],
        [0, 4],
      ],
      ['cat', 'dog'],
    );
    expect(report).toBe(
      [
        '              precision    recall  f1-score   support',
        '',
        '         cat       1.00      0.75      0.86         4',
        '         dog       0.80      1.00      0.89         4',
        '',
        '    accuracy                           0.88         8',
        '   macro avg       0.90      0.88      0.87         8',
        'weighted avg       0.90      0.88      0.87         8',
      ].join('\n'),
    );
  });

  it('cuts long names in the middle and stays aligned', () => {
    const lines = formatReport(identity(2), ['the scientific name of a bird, male', '𝔘𝔫𝔦𝔠𝔬𝔡𝔢']).split('\n');
    expect(lines[2]).toMatch(/^the scientif… bird, male {7}1\.00/);
    expect(new Set(lines.filter((line) => line !== '').map((line) => [...line].length)).size).toBe(1);
  });

  it('refuses a wrong number of names', () => {
    expect(() => formatReport(identity(3), ['a'])).toThrow(
      new RangeError('formatReport: classes must name each of the 3 classes, got 1 names'),
    );
  });
});

describe('formatConfusion()', () => {
  it('prints a row for each true class', () => {
    const table = formatConfusion(
      [
        [3, 1],
        [0, 1234],
      ],
      ['cat', 'flying squirrel'],
    );
    expect(table).toBe(
      [
        'true \\ predicted',
        '                      cat  flyi…rel',
        'cat                     3         1',
        'flying squirrel         ·      1234',
      ].join('\n'),
    );
  });

  it('lists the most frequent confusions of many classes', () => {
    const names = Array.from({ length: 100 }, (_, k) => `class ${k}`);
    const confusion = identity(100, 50);
    expect(formatConfusion(confusion, names)).toBe('100 classes, no confusions');
    confusion[7]![12] = 10;
    confusion[99]![0] = 3;
    expect(formatConfusion(confusion, names)).toBe(
      [
        '100 classes, the most frequent confusions:',
        '10 × class 7  taken for class 12',
        ' 3 × class 99 taken for class 0',
      ].join('\n'),
    );
  });

  it('refuses a wrong number of names', () => {
    expect(() => formatConfusion(identity(1), [])).toThrow(
      'formatConfusion: classes must name each of the 1 classes, got 0',
    );
  });
});
