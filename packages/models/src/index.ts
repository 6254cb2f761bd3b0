export * from './airbench94.ts';
export * from './catalogue.ts';
export * from './cifar-resnet.ts';
export type { ImageSize, ModelOptions } from './options.ts';
export * from './resnet.ts';
export * from './resnet9.ts';
export * from './simple-cnn.ts';
export { type WhiteningOptions, whiteningFilters } from './whitening.ts';
