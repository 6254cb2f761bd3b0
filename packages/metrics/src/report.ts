import { type ConfusionMatrix, mostConfused, precisionRecallF1 } from './confusion.ts';
import type { MultiLabelScores } from './multi-label.ts';
import type { ClassScores, Scores } from './scores.ts';

/** The longest class name that is printed whole. */
const NAME_WIDTH = 24;
/** The longest class name over a column of the confusion matrix. */
const COLUMN_WIDTH = 8;
/** With more classes, a matrix is wider than a screen. */
const TABLE_CLASSES = 20;

/**
 * Precision, recall and F1 by class as a table, as scikit-learn's `classification_report` prints it.
 *
 * Names longer than 24 characters are cut in the middle.
 *
 * @param classes The name of each class, `[K]`.
 * @throws {RangeError} if the number of names is not K.
 * @example
 * ```ts
 * import { formatReport } from '@imgcls/metrics';
 *
 * console.log(formatReport([[3, 1], [0, 4]], ['cat', 'dog']));
 * ```
 * ```text
 *               precision    recall  f1-score   support
 *
 *          cat       1.00      0.75      0.86         4
 *          dog       0.80      1.00      0.89         4
 *
 *     accuracy                           0.88         8
 *    macro avg       0.90      0.88      0.87         8
 * weighted avg       0.90      0.88      0.87         8
 * ```
 */
export function formatReport(confusion: ConfusionMatrix, classes: readonly string[]): string {
  checkNames('formatReport', confusion, classes);
  const { perClass, macro, micro, weighted } = precisionRecallF1(confusion);
  return scoreTable(perClass, classes, [
    { name: 'accuracy', cells: ['', '', micro.f1.toFixed(2)] },
    { name: 'macro avg', cells: cellsOf(macro) },
    { name: 'weighted avg', cells: cellsOf(weighted) },
  ]);
}

/**
 * The same for images that may show several classes: what `classification_report` prints of such.
 *
 * @param classes The name of each class, `[K]`.
 * @throws {RangeError} if the number of names is not K.
 */
export function formatMultiLabelReport(scores: MultiLabelScores, classes: readonly string[]): string {
  const { perClass } = scores;
  checkNames('formatMultiLabelReport', perClass, classes);
  const averages = (['micro', 'macro', 'weighted', 'samples'] as const).map((name) => ({
    name: `${name} avg`,
    cells: cellsOf(scores[name]),
  }));
  return scoreTable(perClass, classes, averages);
}

interface Row {
  name: string;
  cells: readonly string[];
}

function scoreTable(perClass: readonly ClassScores[], classes: readonly string[], averages: readonly Row[]): string {
  const names = classes.map((name) => shorten(name, NAME_WIDTH));
  const total = perClass.reduce((sum, { support }) => sum + support, 0);
  const width = Math.max('weighted avg'.length, ...names.map(lengthOf));

  const line = (name: string, cells: readonly string[], support: number | string) =>
    `${padStart(name, width)} ${cells.map((cell) => ` ${cell.padStart(9)}`).join('')} ${String(support).padStart(9)}`;
  return [
    line('', ['precision', 'recall', 'f1-score'], 'support'),
    '',
    ...perClass.map((of, k) => line(names[k]!, cellsOf(of), of.support)),
    '',
    ...averages.map(({ name, cells }) => line(name, cells, total)),
  ].join('\n');
}

const cellsOf = ({ precision, recall, f1 }: Scores): string[] =>
  [precision, recall, f1].map((score) => score.toFixed(2));

/**
 * A confusion matrix as a table: a row for each true class, a column for each predicted one.
 *
 * More than 20 classes are wider than a screen: then the 20 most frequent confusions are listed instead.
 *
 * @param classes The name of each class, `[K]`.
 * @throws {RangeError} if the number of names is not K.
 * @example
 * ```ts
 * import { formatConfusion } from '@imgcls/metrics';
 *
 * console.log(formatConfusion([[3, 1], [0, 4]], ['cat', 'dog']));
 * ```
 * ```text
 * true \ predicted
 *      cat  dog
 * cat    3    1
 * dog    ·    4
 * ```
 */
export function formatConfusion(confusion: ConfusionMatrix, classes: readonly string[]): string {
  checkNames('formatConfusion', confusion, classes);
  return classes.length <= TABLE_CLASSES ? confusionTable(confusion, classes) : confusionList(confusion, classes);
}

function confusionTable(confusion: ConfusionMatrix, classes: readonly string[]): string {
  const rows = classes.map((name) => shorten(name, NAME_WIDTH));
  const columns = classes.map((name) => shorten(name, COLUMN_WIDTH));
  const rowWidth = Math.max(...rows.map(lengthOf));
  const columnWidth = Math.max(...columns.map(lengthOf), ...confusion.flat().map((count) => String(count).length));

  const line = (name: string, cells: readonly string[]) =>
    padEnd(name, rowWidth) + cells.map((cell) => `  ${padStart(cell, columnWidth)}`).join('');
  return [
    'true \\ predicted',
    line('', columns),
    ...confusion.map((row, k) =>
      line(
        rows[k]!,
        row.map((count) => (count === 0 ? '·' : String(count))),
      ),
    ),
  ].join('\n');
}

function confusionList(confusion: ConfusionMatrix, classes: readonly string[]): string {
  const confusions = mostConfused(confusion, TABLE_CLASSES);
  if (confusions.length === 0) return `${classes.length} classes, no confusions`;
  const countWidth = String(confusions[0]!.count).length;
  const names = confusions.map(({ label }) => shorten(classes[label]!, NAME_WIDTH));
  const nameWidth = Math.max(...names.map(lengthOf));
  return [
    `${classes.length} classes, the most frequent confusions:`,
    ...confusions.map(
      ({ predicted, count }, i) =>
        `${String(count).padStart(countWidth)} × ${padEnd(names[i]!, nameWidth)} taken for ${shorten(classes[predicted]!, NAME_WIDTH)}`,
    ),
  ].join('\n');
}

function checkNames(where: string, perClass: readonly unknown[], classes: readonly string[]): void {
  if (classes.length !== perClass.length)
    throw new RangeError(
      `${where}: classes must name each of the ${perClass.length} classes, got ${classes.length} names`,
    );
}

/** Cut in the middle: names of classes differ at their ends as often as at their beginnings. */
function shorten(name: string, width: number): string {
  const characters = [...name];
  if (characters.length <= width) return name;
  const tail = Math.floor((width - 1) / 2);
  return `${characters.slice(0, width - 1 - tail).join('')}…${characters.slice(-tail).join('')}`;
}

const lengthOf = (text: string): number => [...text].length;
const padStart = (text: string, width: number): string => ' '.repeat(width - lengthOf(text)) + text;
const padEnd = (text: string, width: number): string => text + ' '.repeat(width - lengthOf(text));
