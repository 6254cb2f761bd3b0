export {
  dispose,
  memory,
  type Scalar,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  tidy,
  type Variable,
} from '@tensorflow/tfjs-core';
export {
  elu,
  gelu,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  logSoftmax,
  relu,
  relu6,
  sigmoid,
  silu,
  softmax,
  tanh,
} from './activation.ts';
export { add, mul, scale } from './arithmetic.ts';
export { type AttentionOptions, attention } from './attention.ts';
export {
  BackendError,
  type BackendInfo,
  type BackendName,
  type BackendOptions,
  type BackendVerdict,
  listBackends,
  useBackend,
} from './backend.ts';
export type { Padding2d, Size2d } from './check.ts';
export { type Compiled, type CompiledStep, compiled, compiledStep } from './compiled.ts';
export { type Conv2dOptions, conv2d } from './conv.ts';
export { currentBackend } from './current-backend.ts';
export { type DropoutOptions, dropout } from './dropout.ts';
export { filled } from './filled.ts';
export { type Gradients, gradients, registerGradients } from './gradients.ts';
export { type LayerNormOptions, layerNorm } from './layer-norm.ts';
export { linear } from './linear.ts';
export {
  type BinaryCrossEntropyOptions,
  binaryCrossEntropy,
  type CrossEntropyOptions,
  crossEntropy,
} from './loss.ts';
export {
  type BatchNormOptions,
  type BatchNormTrainingOptions,
  batchNorm,
  batchNormTraining,
  type RunningStatistics,
  updateRunningStatistics,
} from './norm.ts';
export { type Normalization, normalize } from './normalize.ts';
export {
  type AdamOptions,
  type AdamState,
  adamUpdate,
  adamWUpdate,
  averageUpdate,
  clipByGlobalNorm,
  lambUpdate,
  type MuonOptions,
  muonUpdate,
  type RmspropOptions,
  rmspropUpdate,
  type SgdOptions,
  sgdUpdate,
} from './optimizer.ts';
export { orthogonalize } from './orthogonalize.ts';
export {
  type AvgPool2dOptions,
  avgPool2d,
  globalAvgPool2d,
  globalMaxPool2d,
  maxPool2d,
  type Pool2dOptions,
} from './pool.ts';
export { type Precision, withPrecision } from './precision.ts';
export { concat, flatten, reshape } from './shape.ts';
