import {
  avgPool2d,
  batchNorm2d,
  constant,
  conv2d,
  dropout as dropoutLayer,
  globalAvgPool2d,
  kaimingNormal,
  linear,
  type Module,
  maxPool2d,
  module,
  relu,
  sequential,
} from '@imgcls/nn';
import { concat, relu as rectify } from '@imgcls/tensor';
import { repeat } from './blocks.ts';
import { type Network, network } from './classifier.ts';
import { checkImageSize, type ModelOptions } from './options.ts';

/*
 * DenseNet: each layer of a block sees the outputs of all layers before it.
 * Huang et al. 2016, https://arxiv.org/abs/1608.06993 (DenseNet-BC)
 */

export interface DensenetOptions extends ModelOptions {
  /** Of the output of each layer. Default 0. */
  dropout?: number;
}

/** DenseNet-121. */
export const densenet121 = (options?: DensenetOptions): Network =>
  densenet('densenet121', { layers: [6, 12, 24, 16] }, options);
/** DenseNet-161. */
export const densenet161 = (options?: DensenetOptions): Network =>
  densenet('densenet161', { layers: [6, 12, 36, 24], growth: 48 }, options);
/** DenseNet-169. */
export const densenet169 = (options?: DensenetOptions): Network =>
  densenet('densenet169', { layers: [6, 12, 32, 32] }, options);
/** DenseNet-201. */
export const densenet201 = (options?: DensenetOptions): Network =>
  densenet('densenet201', { layers: [6, 12, 48, 32] }, options);

interface Variant {
  /** Of each block. */
  layers: readonly number[];
  /** Channels that each layer adds. Default 32. */
  growth?: number;
}

const SMALLEST = 29;

function densenet(name: string, { layers, growth = 32 }: Variant, options: DensenetOptions = {}): Network {
  const { numClasses = 1000, inputChannels = 3, imageSize = 224, dropout = 0 } = options;
  checkImageSize(name, imageSize, SMALLEST);
  let channels = 2 * growth;
  const stem = {
    conv0: conv({ inChannels: inputChannels, outChannels: channels, kernelSize: 7, stride: 2 }),
    norm0: batchNorm2d(channels),
    relu0: relu(),
    pool0: maxPool2d({ kernelSize: 3, stride: 2, padding: 1 }),
  };
  const blocks = layers.map((count, i): Record<string, Module> => {
    const block = denseBlock(count, { channels, growth, dropout });
    channels += count * growth;
    if (i === layers.length - 1) return { [`denseblock${i + 1}`]: block, norm5: batchNorm2d(channels) };
    const between = transition(channels);
    channels /= 2;
    return { [`denseblock${i + 1}`]: block, [`transition${i + 1}`]: between };
  });
  return network(
    name,
    {
      features: sequential(Object.assign({}, stem, ...blocks) as Record<string, Module>),
      pool: globalAvgPool2d(),
    },
    {
      classifier: linear({ inFeatures: channels, outFeatures: numClasses, bias: constant(0) }),
    },
    {
      features: ({ features, pool }, images) => pool(rectify(features(images))),
      head: ({ classifier }, features) => classifier(features),
      smallest: SMALLEST,
    },
  );
}

function denseBlock(
  count: number,
  { channels, ...layer }: { channels: number; growth: number; dropout: number },
): Module {
  const layers = repeat(count, (i) => [
    `denselayer${i + 1}`,
    denseLayer({ inChannels: channels + i * layer.growth, ...layer }),
  ]);
  return module(
    Object.fromEntries(layers) as Record<string, Module>,
    (parts, x) => Object.values(parts).reduce((seen, layer) => concat([seen, layer(seen)], -1), x),
    'denseBlock',
  );
}

function denseLayer({ inChannels, growth, dropout }: { inChannels: number; growth: number; dropout: number }): Module {
  const width = 4 * growth;
  return sequential({
    norm1: batchNorm2d(inChannels),
    relu1: relu(),
    conv1: conv({ inChannels, outChannels: width, kernelSize: 1 }),
    norm2: batchNorm2d(width),
    relu2: relu(),
    conv2: conv({ inChannels: width, outChannels: growth, kernelSize: 3 }),
    dropout: dropoutLayer(dropout),
  });
}

const transition = (channels: number): Module =>
  sequential({
    norm: batchNorm2d(channels),
    relu: relu(),
    conv: conv({ inChannels: channels, outChannels: channels / 2, kernelSize: 1 }),
    pool: avgPool2d({ kernelSize: 2 }),
  });

const conv = (options: { inChannels: number; outChannels: number; kernelSize: number; stride?: number }): Module =>
  conv2d({ ...options, padding: (options.kernelSize - 1) / 2, bias: false, weight: kaimingNormal() });
