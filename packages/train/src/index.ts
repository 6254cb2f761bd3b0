export { gradients } from '@imgcls/tensor';
export {
  type Batches,
  type BatchIterable,
  type BatchTensors,
  type EpochSource,
  type FeatureBatch,
  type TrainingBatch,
  toTensors,
} from './batch.ts';
export { type CachedFeatures, type CachedFeaturesOptions, cachedFeatures } from './cached-features.ts';
export {
  type EvaluateOptions,
  type Evaluation,
  evaluate,
  type Measures,
  type ModelPredictions,
  type MultiLabelModelPredictions,
  multiLabelPredictions,
  predictions,
  type Results,
} from './evaluate.ts';
export { type Epoch, type Fit, type FitOptions, fit, type Position, type TrainingState } from './fit.ts';
export { layerDecay } from './layer-decay.ts';
export type { LossFunction, LossOptions } from './loss.ts';
export {
  type AdamOptions,
  adam,
  adamW,
  type LearningRateOptions,
  lamb,
  type MuonOptions,
  muon,
  type Optimizer,
  type RmspropOptions,
  rmsprop,
  type SgdOptions,
  sgd,
} from './optimizer.ts';
export {
  type CosineOptions,
  constant,
  cosine,
  type OneCycleOptions,
  oneCycle,
  type Schedule,
  type StepDecayOptions,
  stepDecay,
  warmup,
} from './schedule.ts';
export type { Sums } from './tally.ts';
export { fromTfjsOptimizer } from './tfjs.ts';
