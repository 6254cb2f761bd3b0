import {
  type BatchNorm2dOptions,
  constant,
  dropout as dropoutLayer,
  globalAvgPool2d,
  kaimingNormal,
  linear,
  type Module,
  module,
  sequential,
  silu,
  stochasticDepth as stochasticDepthLayer,
  uniform,
} from '@imgcls/nn';
import { add, silu as swish } from '@imgcls/tensor';
import { type ConvNormOptions, convNorm, makeDivisible, repeat, squeezeExcitation } from './blocks.ts';
import { type Network, network } from './classifier.ts';
import { checkImageSize, type ModelOptions } from './options.ts';

/*
 * EfficientNet: the network B0, found by a search, made deeper, wider and finer by one factor (B1 to B7).
 * Tan and Le 2019, https://arxiv.org/abs/1905.11946
 * EfficientNet v2: its first stages convolve in one step where the first version takes two, which is faster to train.
 * Tan and Le 2021, https://arxiv.org/abs/2104.00298
 */

export interface EfficientnetOptions extends ModelOptions {
  /** Of the features, before the last layer. By default what the network was published with, 0.2 to 0.5. */
  dropout?: number;
  /** The rate at which the last block is left out in training; the rate of the others rises to it evenly. Default 0.2. */
  stochasticDepth?: number;
}

/** EfficientNet B0, for images of 224×224. */
export const efficientnet_b0 = (options?: EfficientnetOptions): Network =>
  efficientnet('efficientnet_b0', scaled({ dropout: 0.2, imageSize: 224 }, 1, 1), options);
/** EfficientNet B1, for images of 240×240. */
export const efficientnet_b1 = (options?: EfficientnetOptions): Network =>
  efficientnet('efficientnet_b1', scaled({ dropout: 0.2, imageSize: 240 }, 1, 1.1), options);
/** EfficientNet B2, for images of 288×288. */
export const efficientnet_b2 = (options?: EfficientnetOptions): Network =>
  efficientnet('efficientnet_b2', scaled({ dropout: 0.3, imageSize: 288 }, 1.1, 1.2), options);
/** EfficientNet B3, for images of 300×300. */
export const efficientnet_b3 = (options?: EfficientnetOptions): Network =>
  efficientnet('efficientnet_b3', scaled({ dropout: 0.3, imageSize: 300 }, 1.2, 1.4), options);
/** EfficientNet B4, for images of 380×380. */
export const efficientnet_b4 = (options?: EfficientnetOptions): Network =>
  efficientnet('efficientnet_b4', scaled({ dropout: 0.4, imageSize: 380 }, 1.4, 1.8), options);
/** EfficientNet B5, for images of 456×456. */
export const efficientnet_b5 = (options?: EfficientnetOptions): Network =>
  efficientnet('efficientnet_b5', scaled({ dropout: 0.4, imageSize: 456, norm: SLOW }, 1.6, 2.2), options);
/** EfficientNet B6, for images of 528×528. */
export const efficientnet_b6 = (options?: EfficientnetOptions): Network =>
  efficientnet('efficientnet_b6', scaled({ dropout: 0.5, imageSize: 528, norm: SLOW }, 1.8, 2.6), options);
/** EfficientNet B7, for images of 600×600. */
export const efficientnet_b7 = (options?: EfficientnetOptions): Network =>
  efficientnet('efficientnet_b7', scaled({ dropout: 0.5, imageSize: 600, norm: SLOW }, 2, 3.1), options);

/** EfficientNet v2 S, for images of 384×384. */
export const efficientnet_v2_s = (options?: EfficientnetOptions): Network => {
  const stages: Stage[] = [
    [fusedMbConv, 1, 3, 1, 24, 2],
    [fusedMbConv, 4, 3, 2, 48, 4],
    [fusedMbConv, 4, 3, 2, 64, 4],
    [mbConv, 4, 3, 2, 128, 6],
    [mbConv, 6, 3, 1, 160, 9],
    [mbConv, 6, 3, 2, 256, 15],
  ];
  return efficientnet('efficientnet_v2_s', { stages, stem: 24, dropout: 0.2, imageSize: 384, ...V2 }, options);
};

/** EfficientNet v2 M, for images of 480×480. */
export const efficientnet_v2_m = (options?: EfficientnetOptions): Network => {
  const stages: Stage[] = [
    [fusedMbConv, 1, 3, 1, 24, 3],
    [fusedMbConv, 4, 3, 2, 48, 5],
    [fusedMbConv, 4, 3, 2, 80, 5],
    [mbConv, 4, 3, 2, 160, 7],
    [mbConv, 6, 3, 1, 176, 14],
    [mbConv, 6, 3, 2, 304, 18],
    [mbConv, 6, 3, 1, 512, 5],
  ];
  return efficientnet('efficientnet_v2_m', { stages, stem: 24, dropout: 0.3, imageSize: 480, ...V2 }, options);
};

/** EfficientNet v2 L, for images of 480×480. */
export const efficientnet_v2_l = (options?: EfficientnetOptions): Network => {
  const stages: Stage[] = [
    [fusedMbConv, 1, 3, 1, 32, 4],
    [fusedMbConv, 4, 3, 2, 64, 7],
    [fusedMbConv, 4, 3, 2, 96, 7],
    [mbConv, 4, 3, 2, 192, 10],
    [mbConv, 6, 3, 1, 224, 19],
    [mbConv, 6, 3, 2, 384, 25],
    [mbConv, 6, 3, 1, 640, 7],
  ];
  return efficientnet('efficientnet_v2_l', { stages, stem: 32, dropout: 0.4, imageSize: 480, ...V2 }, options);
};

interface Variant {
  stages: readonly Stage[];
  /** Channels of the first convolution. */
  stem: number;
  dropout: number;
  imageSize: number;
  norm?: BatchNorm2dOptions;
  /** Channels of the last convolution; by default four times those of the last stage. */
  last?: number;
  smallest?: number;
}

/** A row of the papers' tables. The stride is that of the first layer. */
type Stage = readonly [
  block: (options: BlockOptions) => Module,
  expansion: number,
  kernelSize: number,
  stride: number,
  channels: number,
  layers: number,
];

const SLOW: BatchNorm2dOptions = { epsilon: 0.001, momentum: 0.01 };
const V2 = { norm: { epsilon: 0.001 }, last: 1280, smallest: 33 };

/** B0 with the channels and the layers of its stages multiplied. */
function scaled(variant: Pick<Variant, 'dropout' | 'imageSize' | 'norm'>, width: number, depth: number): Variant {
  const stages: Stage[] = [
    [mbConv, 1, 3, 1, 16, 1],
    [mbConv, 6, 3, 2, 24, 2],
    [mbConv, 6, 5, 2, 40, 2],
    [mbConv, 6, 3, 2, 80, 3],
    [mbConv, 6, 5, 1, 112, 3],
    [mbConv, 6, 5, 2, 192, 4],
    [mbConv, 6, 3, 1, 320, 1],
  ];
  return {
    ...variant,
    stem: makeDivisible(32 * width),
    stages: stages.map(([block, expansion, kernelSize, stride, channels, layers]) => [
      ...([block, expansion, kernelSize, stride] as const),
      makeDivisible(channels * width),
      Math.ceil(layers * depth),
    ]),
  };
}

function efficientnet(name: string, variant: Variant, options: EfficientnetOptions = {}): Network {
  const { stages, stem, norm = {}, last, smallest = 1 } = variant;
  const { numClasses = 1000, inputChannels = 3, imageSize = variant.imageSize } = options;
  const { dropout = variant.dropout, stochasticDepth = 0.2 } = options;
  checkImageSize(name, imageSize, smallest);
  const total = stages.reduce((sum, [, , , , , layers]) => sum + layers, 0);
  let inChannels = stem;
  let built = 0;
  const body = stages.map(([block, expansion, kernelSize, stride, channels, layers]) =>
    sequential(
      ...repeat(layers, (i) => {
        const rate = (stochasticDepth * built++) / total;
        const sizes = { inChannels, outChannels: channels, kernelSize, stride: i === 0 ? stride : 1 };
        inChannels = channels;
        return block({ ...sizes, expanded: makeDivisible(sizes.inChannels * expansion), rate, norm });
      }),
    ),
  );
  const seen = last ?? 4 * inChannels;
  const bound = 1 / Math.sqrt(numClasses);
  return network(
    name,
    {
      features: sequential(
        conv({ inChannels: inputChannels, outChannels: stem, stride: 2, norm }),
        ...body,
        conv({ inChannels, outChannels: seen, kernelSize: 1, norm }),
      ),
      avgpool: globalAvgPool2d(),
    },
    {
      classifier: sequential(
        dropoutLayer(dropout),
        linear({ inFeatures: seen, outFeatures: numClasses, weight: uniform(bound), bias: constant(0) }),
      ),
    },
    {
      features: ({ features, avgpool }, images) => avgpool(features(images)),
      head: ({ classifier }, features) => classifier(features),
      smallest,
    },
  );
}

interface BlockOptions {
  inChannels: number;
  /** Channels inside. */
  expanded: number;
  outChannels: number;
  kernelSize: number;
  stride: number;
  /** Of stochastic depth. */
  rate: number;
  norm: BatchNorm2dOptions;
}

/** The block of MobileNet v3: expansion, depthwise convolution, squeeze and excitation, projection. */
function mbConv(options: BlockOptions): Module {
  const { inChannels, expanded, outChannels, kernelSize, stride, norm } = options;
  const squeezed = Math.max(1, Math.floor(inChannels / 4));
  return residual(options, [
    ...(expanded === inChannels ? [] : [conv({ inChannels, outChannels: expanded, kernelSize: 1, norm })]),
    conv({ inChannels: expanded, outChannels: expanded, kernelSize, stride, groups: expanded, norm }),
    squeezeExcitation({ channels: expanded, squeezed, activation: swish, conv: { weight, bias: constant(0) } }),
    conv({ inChannels: expanded, outChannels, kernelSize: 1, activation: false, norm }),
  ]);
}

/** The same with expansion and depthwise convolution in one, and no squeeze. */
function fusedMbConv(options: BlockOptions): Module {
  const { inChannels, expanded, outChannels, kernelSize, stride, norm } = options;
  const layers =
    expanded === inChannels
      ? [conv({ inChannels, outChannels, kernelSize, stride, norm })]
      : [
          conv({ inChannels, outChannels: expanded, kernelSize, stride, norm }),
          conv({ inChannels: expanded, outChannels, kernelSize: 1, activation: false, norm }),
        ];
  return residual(options, layers);
}

function residual({ inChannels, outChannels, stride, rate }: BlockOptions, layers: Module[]): Module {
  const adds = stride === 1 && inChannels === outChannels;
  return module(
    { block: sequential(...layers), stochastic_depth: stochasticDepthLayer(rate) },
    ({ block, stochastic_depth }, x) => (adds ? add(stochastic_depth(block(x)), x) : block(x)),
    'mbConv',
  );
}

const weight = kaimingNormal({ mode: 'fanOut' });

const conv = (options: ConvNormOptions): Module => convNorm({ activation: silu, ...options, weight });
