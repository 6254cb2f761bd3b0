export { accuracy, topK } from './accuracy.ts';
export {
  balancedAccuracy,
  type Confusion,
  type ConfusionMatrix,
  confusionMatrix,
  mostConfused,
  type PrecisionRecallF1,
  precisionRecallF1,
} from './confusion.ts';
export { logLoss } from './log-loss.ts';
export { type Metric, type MultiLabelPredictions, measure, type Predictions } from './metric.ts';
export {
  type AveragePrecision,
  averagePrecision,
  type MultiLabelScores,
  multiLabelScores,
  subsetAccuracy,
  type ThresholdOptions,
} from './multi-label.ts';
export { formatConfusion, formatMultiLabelReport, formatReport } from './report.ts';
export type { ClassScores, Scores } from './scores.ts';
