export * from './activations.ts';
export * from './adapt.ts';
export * from './attention.ts';
export { type Conv2dOptions, conv2d } from './conv.ts';
export * from './dropout.ts';
export * from './freeze.ts';
export * from './host-tensor.ts';
export {
  constant,
  dirac,
  type Initializer,
  initialize,
  type KaimingOptions,
  kaimingNormal,
  kaimingUniform,
  normal,
  uniform,
  xavierNormal,
  xavierUniform,
} from './initializers.ts';
export * from './layers.ts';
export * from './layers-model.ts';
export * from './linear.ts';
export {
  buffer,
  type Children,
  disposeModule,
  type Module,
  module,
  namedBuffers,
  namedParameters,
  namedState,
  type Parameter,
  type ParameterOptions,
  type Part,
  type Parts,
  parameter,
  parameterCount,
} from './module.ts';
export {
  type BatchNorm2dOptions,
  type BatchNorm2dState,
  batchNorm2d,
  type LayerNormOptions,
  layerNorm,
} from './norm.ts';
export {
  type AvgPool2dOptions,
  adaptiveAvgPool2d,
  avgPool2d,
  globalAvgPool2d,
  globalMaxPool2d,
  type MaxPool2dOptions,
  maxPool2d,
  type Pool2dOptions,
} from './pool.ts';
export { isTraining, seeded, training, trainingRandom } from './scope.ts';
export * from './sequential.ts';
export * from './state-dict.ts';
export * from './summary.ts';
