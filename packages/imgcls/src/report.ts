import { formatConfusion, formatMultiLabelReport, formatReport } from '@imgcls/metrics';
import { accuracyInterval, diagnosis, nextSteps, type Outcome, weakestClasses, weakSpots } from './advice.ts';
import type { Assessment } from './assessment.ts';
import { percent, plural } from './format.ts';
import type { MultiLabelAssessment } from './multi-label-assessment.ts';
import type { Output } from './output.ts';
import { plot } from './plot.ts';
import type { TrainedEpoch } from './training.ts';

/** More classes than this make tables that nobody reads: the weakest are told anyway. */
const TABLE_CLASSES = 20;

/** Says how well a classifier did on images: in one number, by class, and which classes it confuses. */
export function printAssessment(assessment: Assessment | MultiLabelAssessment, output: Output): void {
  if ('confusion' in assessment) printSingle(assessment, output);
  else printMultiLabel(assessment, output);
}

function printMultiLabel(assessment: MultiLabelAssessment, { print }: Output): void {
  const { accuracy, meanAveragePrecision, hammingLoss, loss, count, perClass, ...averages } = assessment;
  const labels = perClass.map(({ label }) => label);
  const [low, high] = accuracyInterval(accuracy, count);
  print(`\n${formatMultiLabelReport({ ...averages, perClass, subsetAccuracy: accuracy, hammingLoss }, labels)}`);
  print(
    `\nmAP ${meanAveragePrecision.toFixed(3)}; all labels are right of ${percent(accuracy)} of ${plural(count, 'image')}; ${percent(hammingLoss)} of single answers are wrong; loss ${loss.toFixed(3)}`,
  );
  print(
    `With ${plural(count, 'image')}, the true share of images that are all right lies between ${percent(low)} and ${percent(high)} (95 % confidence)`,
  );
  for (const line of weakestClasses(perClass, labels)) print(line);
}

function printSingle({ accuracy, loss, count, confusion, perClass }: Assessment, { print }: Output): void {
  const labels = perClass.map(({ label }) => label);
  const [low, high] = accuracyInterval(accuracy, count);
  print(`\n${formatReport(confusion, labels)}`);
  if (labels.length <= TABLE_CLASSES) print(`\n${formatConfusion(confusion, labels)}`);
  print(`\nAccuracy ${percent(accuracy)} of ${plural(count, 'image')}, loss ${loss.toFixed(3)}`);
  print(
    `With ${plural(count, 'image')}, the true accuracy lies between ${percent(low)} and ${percent(high)} (95 % confidence)`,
  );
  for (const line of weakSpots(confusion, labels)) print(line);
}

/** Says how learning went: as curves, in a sentence, and what to try next. */
export function printLearning(history: readonly TrainedEpoch[], outcome: Outcome, { print }: Output): void {
  if (history.length > 1) {
    const train = { name: 'training loss', mark: '•', values: history.map((epoch) => epoch.train.loss) };
    const validation = { name: 'validation loss', mark: '○', values: history.map((epoch) => epoch.validation.loss) };
    print(`\nLearning curves, by epoch (epoch ${outcome.bestEpoch} was kept):\n${plot([train, validation])}`);
  }
  print(`\n${diagnosis(outcome)}`);
  print(
    `What to try next:\n${nextSteps(outcome)
      .map((step) => `  - ${step}`)
      .join('\n')}`,
  );
}
