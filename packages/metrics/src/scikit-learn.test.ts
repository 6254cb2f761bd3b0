import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { accuracy, topK } from './accuracy.ts';
import { balancedAccuracy, confusionMatrix, precisionRecallF1 } from './confusion.ts';
import { logLoss } from './log-loss.ts';
import { measure } from './metric.ts';
import {
  type AveragePrecision,
  averagePrecision,
  type MultiLabelScores,
  multiLabelScores,
  subsetAccuracy,
} from './multi-label.ts';
import { formatMultiLabelReport, formatReport } from './report.ts';
import type { ClassScores, Scores } from './scores.ts';

/** What fixtures/scikit-learn.py writes, one line a case. */
interface Case {
  numClasses: number;
  scores: number[];
  labels: number[];
  accuracy: number;
  top: number[];
  logLoss: number;
  balancedAccuracy: number;
  confusion: number[][];
  perClass: ClassScores[];
  macro: Scores;
  micro: Scores;
  weighted: Scores;
  report: string;
}

/** What fixtures/multi-label.py writes, one line a case. */
interface MultiLabelCase extends MultiLabelScores {
  numClasses: number;
  threshold: number;
  scores: number[];
  labels: number[];
  averagePrecision: AveragePrecision;
  report: string;
}

const folder = new URL('../fixtures/', import.meta.url);
const parse = <T>(lines: string): T[] =>
  lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

const python = process.env.IMGCLS_PYTHON;
const onFreshCases = `on fresh random cases${python ? '' : ' (set IMGCLS_PYTHON to a Python with scikit-learn)'}`;

function freshCases<T>(script: string): T[] {
  const seed = String(Date.now() % 1e6);
  const { pathname } = new URL(script, folder);
  const cases = parse<T>(execFileSync(python!, [pathname, seed, '100'], { encoding: 'utf8', maxBuffer: 1e8 }));
  expect(cases).toHaveLength(100);
  return cases;
}

describe('every metric equals scikit-learn', () => {
  it.each(parse<Case>(readFileSync(new URL('scikit-learn.jsonl', folder), 'utf8')))(
    'on $numClasses classes ($labels.length images)',
    expectEqual,
  );

  it.skipIf(!python)(onFreshCases, () => {
    for (const one of freshCases<Case>('scikit-learn.py')) expectEqual(one);
  });
});

describe('every metric of several labels an image equals scikit-learn', () => {
  it.each(parse<MultiLabelCase>(readFileSync(new URL('multi-label.jsonl', folder), 'utf8')))(
    'on $numClasses classes ($scores.length scores)',
    expectEqualMultiLabel,
  );

  it.skipIf(!python)(onFreshCases, () => {
    for (const one of freshCases<MultiLabelCase>('multi-label.py')) expectEqualMultiLabel(one);
  });
});

function expectEqual(expected: Case): void {
  const predictions = {
    scores: Float64Array.from(expected.scores),
    numClasses: expected.numClasses,
    labels: Int32Array.from(expected.labels),
  };
  expect(measure(accuracy(), predictions)).toBeCloseTo(expected.accuracy, 12);
  for (const [i, top] of expected.top.entries()) expect(measure(topK(i + 1), predictions)).toBeCloseTo(top, 12);
  expect(measure(logLoss(), predictions)).toBeCloseTo(expected.logLoss, 12);

  const confusion = measure(confusionMatrix(expected.numClasses), predictions);
  expect(confusion).toEqual(expected.confusion);
  expect(balancedAccuracy(confusion)).toBeCloseTo(expected.balancedAccuracy, 12);
  const { perClass, ...averages } = precisionRecallF1(confusion);
  for (const average of ['macro', 'micro', 'weighted'] as const) expectScores(averages[average], expected[average]);
  for (const [k, scores] of perClass.entries()) {
    expectScores(scores, expected.perClass[k]!);
    expect(scores.support).toBe(expected.perClass[k]!.support);
  }
  const names = perClass.map((_, k) => `class ${k}`);
  expectSameTable(formatReport(confusion, names), expected.report);
}

function expectEqualMultiLabel(expected: MultiLabelCase): void {
  const { numClasses, threshold } = expected;
  const predictions = {
    scores: Float64Array.from(expected.scores),
    numClasses,
    labels: Uint8Array.from(expected.labels),
  };
  const scores = measure(multiLabelScores(numClasses, { threshold }), predictions);
  for (const average of ['micro', 'macro', 'weighted', 'samples'] as const)
    expectScores(scores[average], expected[average]);
  for (const [k, own] of scores.perClass.entries()) {
    expectScores(own, expected.perClass[k]!);
    expect(own.support).toBe(expected.perClass[k]!.support);
  }
  expect(scores.subsetAccuracy).toBeCloseTo(expected.subsetAccuracy, 12);
  expect(measure(subsetAccuracy({ threshold }), predictions)).toBe(scores.subsetAccuracy);
  expect(scores.hammingLoss).toBeCloseTo(expected.hammingLoss, 12);
  const ranked = measure(averagePrecision(numClasses), predictions);
  for (const [k, own] of ranked.perClass.entries()) expect(own).toBeCloseTo(expected.averagePrecision.perClass[k]!, 12);
  expect(ranked.macro).toBeCloseTo(expected.averagePrecision.macro, 12);
  const names = scores.perClass.map((_, k) => `class ${k}`);
  expectSameTable(formatMultiLabelReport(scores, names), expected.report);
}

function expectScores(actual: Scores, expected: Scores): void {
  for (const name of ['precision', 'recall', 'f1'] as const) expect(actual[name]).toBeCloseTo(expected[name], 12);
}

/** Python prints 0.125 as 0.12 (half to even) where JavaScript prints 0.13: the layout must be equal, the numbers nearly. */
function expectSameTable(actual: string, expected: string): void {
  const blank = (table: string) => table.trimEnd().replaceAll(/\d/g, '0');
  const numbers = (table: string) => (table.match(/[\d.]+/g) ?? []).map(Number);
  expect(blank(actual)).toBe(blank(expected));
  for (const [i, number] of numbers(actual).entries())
    expect(Math.abs(number - numbers(expected)[i]!)).toBeLessThan(0.0101);
}
