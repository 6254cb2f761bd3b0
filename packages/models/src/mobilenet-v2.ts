import {
  batchNorm2d,
  constant,
  conv2d,
  dropout as dropoutLayer,
  globalAvgPool2d,
  kaimingNormal,
  linear,
  type Module,
  module,
  normal,
  relu6,
  sequential,
} from '@imgcls/nn';
import { add } from '@imgcls/tensor';
import { type ConvNormOptions, convNorm, makeDivisible, repeat } from './blocks.ts';
import { type Network, network } from './classifier.ts';
import { checkImageSize, type ModelOptions } from './options.ts';

export interface MobilenetV2Options extends ModelOptions {
  /** What the channels of each layer are multiplied by. Default 1. */
  widthMult?: number;
  /** Of the features, before the last layer. Default 0.2. */
  dropout?: number;
}

/**
 * MobileNet v2: 3.5 million parameters for 1000 classes, and 0.3 billion multiply-adds for an image of 224×224.
 *
 * Its blocks are the other way round from ResNet's: wide inside, in depthwise convolutions, and narrow between, without an
 * activation there.
 *
 * @returns A module from images `[N, H, W, inputChannels]` to logits `[N, numClasses]`.
 *
 * Sandler et al. 2018, https://arxiv.org/abs/1801.04381
 */
export function mobilenet_v2(options: MobilenetV2Options = {}): Network {
  const { numClasses = 1000, inputChannels = 3, imageSize = 224, widthMult = 1, dropout = 0.2 } = options;
  checkImageSize('mobilenet_v2', imageSize, 1);
  const last = makeDivisible(1280 * Math.max(1, widthMult));
  let inChannels = makeDivisible(32 * widthMult);
  const stem = conv({ inChannels: inputChannels, outChannels: inChannels, stride: 2 });
  const blocks = STAGES.flatMap(({ expansion, channels, blocks, stride }) =>
    repeat(blocks, (i) => {
      const outChannels = makeDivisible(channels * widthMult);
      const block = invertedResidual({ inChannels, outChannels, stride: i === 0 ? stride : 1, expansion });
      inChannels = outChannels;
      return block;
    }),
  );
  return network(
    'mobilenet_v2',
    {
      features: sequential(stem, ...blocks, conv({ inChannels, outChannels: last, kernelSize: 1 })),
      pool: globalAvgPool2d(),
    },
    {
      classifier: sequential(
        dropoutLayer(dropout),
        linear({ inFeatures: last, outFeatures: numClasses, weight: normal(0.01), bias: constant(0) }),
      ),
    },
    {
      features: ({ features, pool }, images) => pool(features(images)),
      head: ({ classifier }, features) => classifier(features),
    },
  );
}

const STAGES = [
  { expansion: 1, channels: 16, blocks: 1, stride: 1 },
  { expansion: 6, channels: 24, blocks: 2, stride: 2 },
  { expansion: 6, channels: 32, blocks: 3, stride: 2 },
  { expansion: 6, channels: 64, blocks: 4, stride: 2 },
  { expansion: 6, channels: 96, blocks: 3, stride: 1 },
  { expansion: 6, channels: 160, blocks: 3, stride: 2 },
  { expansion: 6, channels: 320, blocks: 1, stride: 1 },
];

interface BlockOptions {
  inChannels: number;
  outChannels: number;
  stride: number;
  /** Channels inside per channel at the input. */
  expansion: number;
}

function invertedResidual({ inChannels, outChannels, stride, expansion }: BlockOptions): Module {
  const hidden = inChannels * expansion;
  const conv1x1 = { inChannels: hidden, outChannels, kernelSize: 1, bias: false, weight };
  const layers = sequential(
    ...(expansion === 1 ? [] : [conv({ inChannels, outChannels: hidden, kernelSize: 1 })]),
    conv({ inChannels: hidden, outChannels: hidden, stride, groups: hidden }),
    conv2d(conv1x1),
    batchNorm2d(outChannels),
  );
  const adds = stride === 1 && inChannels === outChannels;
  return module({ conv: layers }, ({ conv }, x) => (adds ? add(x, conv(x)) : conv(x)), 'invertedResidual');
}

const weight = kaimingNormal({ mode: 'fanOut' });
const conv = (options: ConvNormOptions): Module => convNorm({ ...options, activation: relu6, weight });
