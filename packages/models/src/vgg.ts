import {
  adaptiveAvgPool2d,
  batchNorm2d,
  constant,
  conv2d,
  dropout as dropoutLayer,
  flatten,
  kaimingNormal,
  linear,
  type Module,
  maxPool2d,
  normal,
  relu,
  sequential,
} from '@imgcls/nn';
import { type Network, network } from './classifier.ts';
import { checkImageSize, type ModelOptions } from './options.ts';

/*
 * VGG: convolutions of 3×3, and poolings. Simonyan and Zisserman 2014, https://arxiv.org/abs/1409.1556. In the variants with
 * `_bn` a batch normalisation follows each convolution.
 */

export interface VggOptions extends ModelOptions {
  /** Behind the first two fully connected layers. Default 0.5. */
  dropout?: number;
}

/** VGG-11, configuration A of the paper. */
export const vgg11 = (options?: VggOptions): Network => vgg('vgg11', [1, 1, 2, 2, 2], false, options);
/** VGG-11 with batch normalisation. */
export const vgg11_bn = (options?: VggOptions): Network => vgg('vgg11_bn', [1, 1, 2, 2, 2], true, options);
/** VGG-13, configuration B. */
export const vgg13 = (options?: VggOptions): Network => vgg('vgg13', [2, 2, 2, 2, 2], false, options);
/** VGG-13 with batch normalisation. */
export const vgg13_bn = (options?: VggOptions): Network => vgg('vgg13_bn', [2, 2, 2, 2, 2], true, options);
/** VGG-16, configuration D. */
export const vgg16 = (options?: VggOptions): Network => vgg('vgg16', [2, 2, 3, 3, 3], false, options);
/** VGG-16 with batch normalisation. */
export const vgg16_bn = (options?: VggOptions): Network => vgg('vgg16_bn', [2, 2, 3, 3, 3], true, options);
/** VGG-19, configuration E. */
export const vgg19 = (options?: VggOptions): Network => vgg('vgg19', [2, 2, 4, 4, 4], false, options);
/** VGG-19 with batch normalisation. */
export const vgg19_bn = (options?: VggOptions): Network => vgg('vgg19_bn', [2, 2, 4, 4, 4], true, options);

const SMALLEST = 32; // five poolings by 2
const CHANNELS = [64, 128, 256, 512, 512];

/** @param convolutions How many there are before each of the five poolings. */
function vgg(name: string, convolutions: readonly number[], normalized: boolean, options: VggOptions = {}): Network {
  const { numClasses = 1000, inputChannels = 3, imageSize = 224, dropout = 0.5 } = options;
  checkImageSize(name, imageSize, SMALLEST);
  let inChannels = inputChannels;
  const layers = convolutions.flatMap((count, stage) => {
    const outChannels = CHANNELS[stage]!;
    const stageLayers: Module[] = [];
    for (let i = 0; i < count; i++) {
      stageLayers.push(conv(inChannels, outChannels), ...(normalized ? [batchNorm2d(outChannels)] : []), relu());
      inChannels = outChannels;
    }
    return [...stageLayers, maxPool2d({ kernelSize: 2 })];
  });
  return network(
    name,
    {
      features: sequential(...layers),
      avgpool: adaptiveAvgPool2d(7),
      flatten: flatten(),
    },
    {
      classifier: sequential(
        ...[dense(512 * 7 * 7, 4096), relu(), dropoutLayer(dropout)],
        ...[dense(4096, 4096), relu(), dropoutLayer(dropout)],
        dense(4096, numClasses),
      ),
    },
    {
      features: ({ features, avgpool, flatten }, images) => flatten(avgpool(features(images))),
      head: ({ classifier }, features) => classifier(features),
      smallest: SMALLEST,
    },
  );
}

const conv = (inChannels: number, outChannels: number): Module => {
  const start = { weight: kaimingNormal({ mode: 'fanOut' }), bias: constant(0) };
  return conv2d({ inChannels, outChannels, kernelSize: 3, padding: 1, ...start });
};

const dense = (inFeatures: number, outFeatures: number): Module =>
  linear({ inFeatures, outFeatures, weight: normal(0.01), bias: constant(0) });
