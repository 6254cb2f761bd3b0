export { accuracy, topK } from './accuracy.ts';
export {
  balancedAccuracy,
  type ClassScores,
  type Confusion,
  type ConfusionMatrix,
  confusionMatrix,
  mostConfused,
  type PrecisionRecallF1,
  precisionRecallF1,
  type Scores,
} from './confusion.ts';
export { logLoss } from './log-loss.ts';
export { type Metric, measure, type Predictions } from './metric.ts';
export { formatConfusion, formatReport } from './report.ts';
