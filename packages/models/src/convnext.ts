import {
  constant,
  conv2d,
  gelu,
  globalAvgPool2d,
  identity,
  initialize,
  layerNorm,
  linear,
  type Module,
  module,
  normal,
  parameter,
  sequential,
  stochasticDepth as stochasticDepthLayer,
} from '@imgcls/nn';
import { add, mul, reshape } from '@imgcls/tensor';
import { repeat } from './blocks.ts';
import { type Network, network } from './classifier.ts';
import { checkImageSize, type ModelOptions } from './options.ts';

/*
 * ConvNeXt: a convolutional network with what made transformers good: large windows, layer normalisation, few activations.
 * Liu et al. 2022, https://arxiv.org/abs/2201.03545
 */

export interface ConvnextOptions extends ModelOptions {
  /** The rate at which the last block is left out in training; the rate of the others rises to it evenly. */
  stochasticDepth?: number;
  /** What the scale of each block starts with. Default 1e-6. */
  layerScale?: number;
}

/** ConvNeXt-T. Stochastic depth 0.1 by default. */
export const convnext_tiny = (options?: ConvnextOptions): Network =>
  convnext('convnext_tiny', { channels: 96, blocks: [3, 3, 9, 3], stochasticDepth: 0.1 }, options);
/** ConvNeXt-S. Stochastic depth 0.4 by default. */
export const convnext_small = (options?: ConvnextOptions): Network =>
  convnext('convnext_small', { channels: 96, blocks: [3, 3, 27, 3], stochasticDepth: 0.4 }, options);
/** ConvNeXt-B. Stochastic depth 0.5 by default. */
export const convnext_base = (options?: ConvnextOptions): Network =>
  convnext('convnext_base', { channels: 128, blocks: [3, 3, 27, 3], stochasticDepth: 0.5 }, options);
/** ConvNeXt-L. Stochastic depth 0.5 by default. */
export const convnext_large = (options?: ConvnextOptions): Network =>
  convnext('convnext_large', { channels: 192, blocks: [3, 3, 27, 3], stochasticDepth: 0.5 }, options);

interface Variant {
  /** Of the first of the four stages; each next one has twice as many. */
  channels: number;
  blocks: readonly number[];
  stochasticDepth: number;
}

const SMALLEST = 32;

function convnext(name: string, variant: Variant, options: ConvnextOptions = {}): Network {
  const { channels, blocks } = variant;
  const { numClasses = 1000, inputChannels = 3, imageSize = 224 } = options;
  const { stochasticDepth = variant.stochasticDepth, layerScale = 1e-6 } = options;
  checkImageSize(name, imageSize, SMALLEST);
  const total = blocks.reduce((sum, count) => sum + count);
  let built = 0;
  const stages = blocks.flatMap((count, stage) => {
    const width = channels * 2 ** stage;
    const layers = repeat(count, () => block(width, layerScale, (stochasticDepth * built++) / (total - 1)));
    return [...(stage > 0 ? [downsampling(width / 2, width)] : []), sequential(...layers)];
  });
  const last = channels * 2 ** (blocks.length - 1);
  return network(
    name,
    {
      features: sequential(
        sequential(
          conv2d({ inChannels: inputChannels, outChannels: channels, kernelSize: 4, stride: 4, ...start }),
          norm(channels),
        ),
        ...stages,
      ),
      avgpool: globalAvgPool2d(),
    },
    {
      classifier: sequential(
        norm(last),
        identity(), // torchvision's Flatten
        linear({ inFeatures: last, outFeatures: numClasses, ...start }),
      ),
    },
    {
      features: ({ features, avgpool }, images) => avgpool(features(images)),
      head: ({ classifier }, features) => classifier(features),
      smallest: SMALLEST,
    },
  );
}

function block(channels: number, layerScale: number, rate: number): Module {
  return module(
    {
      layer_scale: parameter(initialize([channels, 1, 1], constant(layerScale))),
      block: sequential(
        conv2d({ inChannels: channels, outChannels: channels, kernelSize: 7, padding: 3, groups: channels, ...start }),
        identity(), // torchvision's Permute
        norm(channels),
        linear({ inFeatures: channels, outFeatures: 4 * channels, ...start }),
        gelu(),
        linear({ inFeatures: 4 * channels, outFeatures: channels, ...start }),
      ),
      stochastic_depth: stochasticDepthLayer(rate),
    },
    ({ layer_scale, block, stochastic_depth }, x) =>
      add(stochastic_depth(mul(block(x), reshape(layer_scale, [channels]))), x),
    'convnextBlock',
  );
}

const downsampling = (inChannels: number, outChannels: number): Module =>
  sequential(norm(inChannels), conv2d({ inChannels, outChannels, kernelSize: 2, stride: 2, ...start }));

const norm = (channels: number): Module => layerNorm(channels, { epsilon: 1e-6 });

const start = { weight: normal(0.02), bias: constant(0) };
