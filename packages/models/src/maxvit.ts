import {
  avgPool2d,
  type BatchNorm2dOptions,
  batchNorm2d,
  constant,
  conv2d,
  dropout as dropoutLayer,
  gelu,
  globalAvgPool2d,
  identity,
  initialize,
  joinHeads,
  layerNorm,
  linear,
  type Module,
  module,
  normal,
  parameter,
  sequential,
  splitHeads,
  stochasticDepth as stochasticDepthLayer,
  tanh,
} from '@imgcls/nn';
import { add, attention, reshape, silu } from '@imgcls/tensor';
import { transpose } from '@tensorflow/tfjs-core';
import { type ConvNormOptions, convNorm, repeat, squeezeExcitation } from './blocks.ts';
import { type Network, network } from './classifier.ts';
import { checkImageSize, type ModelOptions } from './options.ts';
import { fromWindows, relativePositionBias, relativePositionIndex, windowsOf } from './windows.ts';

export interface MaxvitOptions extends ModelOptions {
  /** In the layers behind the attention. Default 0. */
  dropout?: number;
  /** Of the output of the attention. Default 0. */
  attentionDropout?: number;
  /** The rate at which the last layer is left out in training; the rate of the others rises to it evenly. Default 0.2. */
  stochasticDepth?: number;
}

const STEM = 64;
const BLOCKS = [
  { channels: 64, layers: 2 },
  { channels: 128, layers: 2 },
  { channels: 256, layers: 5 },
  { channels: 512, layers: 2 },
];
const WINDOW = 7;
const HEAD = 32; // features of each head
const MULTIPLE = 224; // after five halvings the image is still whole windows

/**
 * MaxViT-T: blocks of convolution, attention within windows, and attention between the same places of all windows.
 * 31 million parameters for 1000 classes, and 5.6 billion multiply-adds for an image of 224×224.
 *
 * @returns A module from images `[N, H, W, inputChannels]`, height and width multiples of 224, to logits `[N, numClasses]`.
 *
 * Tu et al. 2022, https://arxiv.org/abs/2204.01697
 */
export function maxvit_t(options: MaxvitOptions = {}): Network {
  const { numClasses = 1000, inputChannels = 3, imageSize = 224 } = options;
  const { dropout = 0, attentionDropout = 0, stochasticDepth = 0.2 } = options;
  checkMultiple(checkImageSize('maxvit_t', imageSize, MULTIPLE));
  const total = BLOCKS.reduce((sum, { layers }) => sum + layers, 0);
  let inChannels = STEM;
  let built = 0;
  const blocks = BLOCKS.map(({ channels, layers }) => {
    const made = repeat(layers, (i) => {
      const rate = (stochasticDepth * built++) / (total - 1);
      const layer = maxvitLayer({ inChannels, channels, stride: i === 0 ? 2 : 1, rate, dropout, attentionDropout });
      inChannels = channels;
      return layer;
    });
    return sequential({ layers: sequential(...made) });
  });
  const first = { inChannels: inputChannels, outChannels: STEM, stride: 2 };
  return network(
    'maxvit_t',
    {
      stem: sequential(
        conv(first),
        sequential(conv2d({ inChannels: STEM, outChannels: STEM, kernelSize: 3, padding: 1, ...start })),
      ),
      blocks: sequential(...blocks),
      pool: globalAvgPool2d(),
    },
    {
      classifier: sequential(
        ...[identity(), identity()], // torchvision's pooling and Flatten
        ...[layerNorm(inChannels), dense(inChannels, inChannels), tanh()],
        linear({ inFeatures: inChannels, outFeatures: numClasses, weight: normal(0.02), bias: false }),
      ),
    },
    {
      features: ({ stem, blocks, pool }, images) => {
        checkMultiple(images.shape.slice(1, 3));
        return pool(blocks(stem(images)));
      },
      head: ({ classifier }, features) => classifier(features),
      smallest: MULTIPLE,
    },
  );
}

function checkMultiple(size: readonly number[]): void {
  if (size.some((length) => length % MULTIPLE !== 0))
    throw new RangeError(
      `maxvit_t: height and width of images must be multiples of ${MULTIPLE}, got ${size.join('×')}; resize them`,
    );
}

interface LayerOptions {
  inChannels: number;
  channels: number;
  stride: number;
  /** Of stochastic depth. */
  rate: number;
  dropout: number;
  attentionDropout: number;
}

const maxvitLayer = (options: LayerOptions): Module =>
  sequential({
    layers: sequential({
      MBconv: mbConv(options),
      window_attention: partitionAttention(options, false),
      grid_attention: partitionAttention(options, true),
    }),
  });

function mbConv({ inChannels, channels, stride, rate }: LayerOptions): Module {
  const hidden = 4 * channels;
  const project = conv2d({ inChannels, outChannels: channels, kernelSize: 1, ...start });
  return module(
    {
      proj:
        stride === 1 && inChannels === channels
          ? identity()
          : sequential(...(stride === 2 ? [avgPool2d({ kernelSize: 3, stride: 2, padding: 1 })] : []), project),
      stochastic_depth: stochasticDepthLayer(rate),
      layers: sequential({
        pre_norm: batchNorm2d(inChannels, NORM),
        conv_a: conv({ inChannels, outChannels: hidden, kernelSize: 1 }),
        conv_b: conv({ inChannels: hidden, outChannels: hidden, stride, groups: hidden }),
        squeeze_excitation: squeezeExcitation({
          channels: hidden,
          squeezed: channels / 4,
          activation: silu,
          conv: start,
        }),
        conv_c: conv2d({ inChannels: hidden, outChannels: channels, kernelSize: 1, ...start }),
      }),
    },
    ({ proj, stochastic_depth, layers }, x) => add(proj(x), stochastic_depth(layers(x))),
    'mbConv',
  );
}

/** Attention and a small network for each window, or, in a grid, for the places that lie alike in all of as many windows. */
function partitionAttention(options: LayerOptions, grid: boolean): Module {
  const { channels, rate, dropout, attentionDropout } = options;
  return module(
    {
      attn_layer: sequential(layerNorm(channels), relativeAttention(channels), dropoutLayer(attentionDropout)),
      mlp_layer: sequential(
        ...[layerNorm(channels), dense(channels, 4 * channels), gelu()],
        ...[dense(4 * channels, channels), dropoutLayer(dropout)],
      ),
      stochastic_dropout: stochasticDepthLayer(rate),
    },
    ({ attn_layer, mlp_layer, stochastic_dropout }, images) => {
      const [, height, width] = images.shape as [number, number, number, number];
      const size = grid ? height / WINDOW : WINDOW;
      const windows = windowsOf(images, size); // [N, windows, places, C]
      const x = grid ? transpose(windows, [0, 2, 1, 3]) : windows;
      const y = add(x, stochastic_dropout(attn_layer(x)));
      const z = add(y, stochastic_dropout(mlp_layer(y)));
      return fromWindows(grid ? transpose(z, [0, 2, 1, 3]) : z, size, [height, width]);
    },
    grid ? 'gridAttention' : 'windowAttention',
  );
}

function relativeAttention(channels: number): Module {
  const heads = channels / HEAD;
  return module(
    {
      relative_position_bias_table: parameter(initialize([(2 * WINDOW - 1) ** 2, heads], normal(0.02))),
      relative_position_index: relativePositionIndex(WINDOW, [WINDOW ** 2, WINDOW ** 2]),
      to_qkv: dense(channels, 3 * channels),
      merge: dense(channels, channels),
    },
    ({ relative_position_bias_table: table, relative_position_index: index, to_qkv, merge }, x) => {
      const { query, key, value } = splitHeads(to_qkv(reshape(x, [-1, WINDOW ** 2, channels])), heads);
      const bias = relativePositionBias(table, index);
      const attended = attention(query, key, value, { scale: 1 / Math.sqrt(channels), bias }); // as published: by all channels
      return reshape(merge(joinHeads(attended)), x.shape);
    },
    'relativeAttention',
  );
}

const NORM: BatchNorm2dOptions = { epsilon: 0.001, momentum: 0.01 };

const start = { weight: normal(0.02), bias: constant(0) };

const conv = (options: ConvNormOptions): Module =>
  convNorm({ activation: gelu, ...options, norm: NORM, weight: normal(0.02) });

const dense = (inFeatures: number, outFeatures: number): Module => linear({ inFeatures, outFeatures, ...start });
