export { type Activation, type ActivationName, activation, activationGradient } from './activation.ts';
export {
  type AttentionGradient,
  type AttentionInputs,
  type AttentionShape,
  attention,
  attentionGradient,
} from './attention.ts';
export type { Buffer, Storage } from './buffer.ts';
export type { CallQueue, Carrier } from './carrier.ts';
export {
  type Conv2d,
  type Conv2dInputGradient,
  type Conv2dShape,
  conv2d,
  conv2dInputGradient,
  conv2dWeightGradient,
  isDepthwise,
  meetsNorms,
  type PreparedFilter,
  prepareFilter,
} from './conv.ts';
export { type Dropout, dropout } from './dropout.ts';
export { type Elements, type ElementType, elementBytes } from './element.ts';
export {
  addN,
  type BinaryOperation,
  binary,
  clip,
  fill,
  step,
  type UnaryOperation,
  unary,
  where,
} from './elementwise.ts';
export { type Images, type ImagesOptions, type ImagesShape, normalizeImages } from './images.ts';
export { decodeJpeg, type Part, type Recolouring } from './jpeg.ts';
export { Kernels, type LoadOptions, loadKernels } from './kernels.ts';
export { type LayerNormGradient, type LayerNormShape, layerNorm, layerNormGradient } from './layer-norm.ts';
export {
  broadcastTo,
  concat,
  copy,
  type FromTo,
  gather,
  mirrorPad,
  oneHot,
  type Padding,
  pad,
  reverse,
  type Shape,
  type Strided,
  segmentSum,
  slice,
  tile,
  transpose,
} from './layout.ts';
export { type Matmul, type MatmulShape, type Matrix, matmul } from './matmul.ts';
export { type Block, Memory, type View } from './memory.ts';
export {
  type BatchNormFold,
  type BatchNormGradient,
  type BatchNormMaxPoolShape,
  type BatchNormShape,
  batchNormApply,
  batchNormFold,
  batchNormGradient,
  batchNormMaxPool,
  batchNormMaxPoolGradient,
  batchNormRunning,
  batchNormStatistics,
  channelSum,
  type NormBefore,
  type NormParameters,
  type Rows,
  type RunningStatistics,
} from './norm.ts';
export {
  type AdamNumbers,
  adamUpdate,
  averageUpdate,
  clipByGlobalNorm,
  type Gradient,
  globalNorm,
  lambUpdate,
  type Moments,
  orthogonalize,
  type Parameter,
  type RmspropNumbers,
  rmspropUpdate,
  type SgdNumbers,
  sgdUpdate,
} from './optimizer.ts';
export { type AvgPoolShape, avgPool, avgPoolGradient, maxPool, maxPoolGradient, type PoolShape } from './pool.ts';
export type { Call, Drawn, Inside, Program, Value } from './program.ts';
export { argReduce, type Reduction, reduce } from './reduce.ts';
export { type ResizeOptions, type ResizeShape, resize, resizeGradient } from './resize.ts';
export {
  type CrossEntropyShape,
  crossEntropy,
  crossEntropyCoefficients,
  crossEntropyGradient,
  type Distributions,
  logSoftmax,
  logSoftmaxGradient,
  type SoftmaxGradient,
  softmax,
  softmaxGradient,
} from './softmax.ts';
export { version } from './version.ts';
export type { Window } from './window.ts';
