import {
  avgPool2d,
  batchNorm2d,
  conv2d,
  globalAvgPool2d,
  identity,
  kaimingNormal,
  linear,
  type Module,
  module,
  sequential,
} from '@imgcls/nn';
import { add, relu } from '@imgcls/tensor';
import { pad } from '@tensorflow/tfjs-core';
import { type Network, network } from './classifier.ts';
import { checkImageSize, type ModelOptions } from './options.ts';

export interface CifarResnetOptions extends ModelOptions {
  /** Layers with weights, `6n + 2`: 20, 32, 44, 56, 110. Default 20. */
  depth?: number;
  /** How a block whose output has more channels passes its input on: `A` pads with zeros, `B` by a 1×1 convolution. Default `A`. */
  shortcut?: 'A' | 'B';
}

/**
 * The residual network for small images: three stages of `n` blocks with 16, 32 and 64 channels.
 *
 * With option A, names and shapes are those of the checkpoints of https://github.com/akamaster/pytorch_resnet_cifar10.
 *
 * @returns A module from images `[N, H, W, inputChannels]` to logits `[N, numClasses]`.
 * @throws {RangeError} if the depth is not `6n + 2`.
 *
 * He et al. 2015, section 4.2, https://arxiv.org/abs/1512.03385
 */
export function cifarResnet(options: CifarResnetOptions = {}): Network {
  const { numClasses = 10, inputChannels = 3, imageSize = 32, depth = 20, shortcut = 'A' } = options;
  checkImageSize('cifarResnet', imageSize, 1);
  const blocks = (depth - 2) / 6;
  if (!Number.isInteger(blocks) || blocks < 1)
    throw new RangeError(`cifarResnet: depth must be 6n + 2 (20, 32, 44, 56, …), got ${depth}`);
  if (shortcut !== 'A' && shortcut !== 'B')
    throw new RangeError(`cifarResnet: shortcut must be 'A' or 'B', got ${JSON.stringify(shortcut)}`);
  const stage = (inChannels: number, channels: number, stride: number): Module =>
    sequential(
      basicBlock({ inChannels, channels, stride, shortcut }),
      ...Array.from({ length: blocks - 1 }, () => basicBlock({ inChannels: channels, channels, stride: 1, shortcut })),
    );
  return network(
    `cifarResnet${depth}`,
    {
      conv1: conv3x3(inputChannels, 16, 1),
      bn1: batchNorm2d(16),
      layer1: stage(16, 16, 1),
      layer2: stage(16, 32, 2),
      layer3: stage(32, 64, 2),
      pool: globalAvgPool2d(),
    },
    {
      linear: linear({ inFeatures: 64, outFeatures: numClasses, weight: kaimingNormal() }),
    },
    {
      features: ({ conv1, bn1, layer1, layer2, layer3, pool }, images) =>
        pool(layer3(layer2(layer1(relu(bn1(conv1(images))))))),
      head: ({ linear }, features) => linear(features),
    },
  );
}

interface BlockOptions {
  inChannels: number;
  channels: number;
  stride: number;
  shortcut: 'A' | 'B';
}

function basicBlock({ inChannels, channels, stride, shortcut }: BlockOptions): Module {
  const keepsShape = inChannels === channels && stride === 1;
  return module(
    {
      conv1: conv3x3(inChannels, channels, stride),
      bn1: batchNorm2d(channels),
      conv2: conv3x3(channels, channels, 1),
      bn2: batchNorm2d(channels),
      shortcut: keepsShape ? identity() : SHORTCUTS[shortcut](inChannels, channels, stride),
    },
    ({ conv1, bn1, conv2, bn2, shortcut }, x) => relu(add(bn2(conv2(relu(bn1(conv1(x))))), shortcut(x))),
    'basicBlock',
  );
}

/** Option A: every `stride`-th pixel, and zeros for the new channels, half of them on either side. No parameters. */
export function padShortcut(inChannels: number, channels: number, stride: number): Module {
  const before = Math.floor((channels - inChannels) / 2);
  const sides: [number, number] = [before, channels - inChannels - before];
  const pixels = avgPool2d({ kernelSize: 1, stride });
  return module({}, (_, x) => pad(pixels(x), [[0, 0], [0, 0], [0, 0], sides]), 'padShortcut');
}

/** Option B: a convolution with a window of one pixel. */
function convShortcut(inChannels: number, channels: number, stride: number): Module {
  return sequential(
    conv2d({ inChannels, outChannels: channels, kernelSize: 1, stride, bias: false, weight: kaimingNormal() }),
    batchNorm2d(channels),
  );
}

const SHORTCUTS = { A: padShortcut, B: convShortcut };

const conv3x3 = (inChannels: number, outChannels: number, stride: number): Module =>
  conv2d({ inChannels, outChannels, kernelSize: 3, stride, padding: 1, bias: false, weight: kaimingNormal() });
