import {
  batchNorm2d,
  constant,
  conv2d,
  dirac,
  gelu,
  globalMaxPool2d,
  kaimingUniform,
  linear,
  type Module,
  maxPool2d,
  module,
} from '@imgcls/nn';
import { scale } from '@imgcls/tensor';
import { type Network, network } from './classifier.ts';
import { checkImageSize, type ModelOptions } from './options.ts';

export interface Airbench94Options extends ModelOptions {
  /** Channels of the three groups. Default `[64, 256, 256]`. */
  channels?: readonly [number, number, number];
  /** What the logits are multiplied by. Default 1/9. */
  logitScale?: number;
}

const SMALLEST = 9; // a window of 2, then three poolings of 2

/**
 * The network of airbench94, which learns CIFAR-10 to 94 % in the fewest operations: 1,972,792 parameters, of which
 * 1,440 are frozen, and 118 million multiply-adds for an image of 32×32.
 *
 * Its first layer whitens patches of 2×2 pixels by fixed filters, which belong to the training images: give it those of
 * `whiteningFilters` before training. The other convolutions start as identities, and batch normalisation has no scale.
 * Where the original pools the last 3×3 pixels, this one pools all that are left, so that images may have other sizes.
 *
 * @returns A module from images `[N, H, W, inputChannels]`, at least 9×9, to logits `[N, numClasses]`.
 * @example
 * ```ts
 * import { airbench94, whiteningFilters } from '@imgcls/models';
 * import { namedParameters, namedState } from '@imgcls/nn';
 * import { normalize, useBackend } from '@imgcls/tensor';
 *
 * await useBackend('cpu');
 * const model = airbench94();
 * const pixels = Uint8Array.from({ length: 4 * 32 * 32 * 3 }, (_, i) => (i * 89) % 256); // stands for training images
 * const filters = await whiteningFilters(normalize(pixels, [4, 32, 32, 3]));
 * namedState(model)['whiten.weight']!.variable.assign(filters);
 * console.log(Object.keys(namedParameters(model)).slice(0, 2)); // => [ 'whiten.bias', 'group1.conv1.weight' ]
 * ```
 * Jordan 2024, https://arxiv.org/abs/2404.00498
 */
export function airbench94(options: Airbench94Options = {}): Network {
  const { numClasses = 10, inputChannels = 3, imageSize = 32, channels = [64, 256, 256], logitScale = 1 / 9 } = options;
  checkImageSize('airbench94', imageSize, SMALLEST);
  const whitened = 8 * inputChannels; // a filter for each of the 2·2·inputChannels directions, and its negative
  return network(
    'airbench94',
    {
      whiten: whiteningConv(inputChannels, whitened),
      activation: gelu(),
      group1: convGroup(whitened, channels[0]),
      group2: convGroup(channels[0], channels[1]),
      group3: convGroup(channels[1], channels[2]),
      pool: globalMaxPool2d(),
    },
    {
      linear: linear({ inFeatures: channels[2], outFeatures: numClasses, bias: false }),
    },
    {
      features: ({ whiten, activation, group1, group2, group3, pool }, images) =>
        pool(group3(group2(group1(activation(whiten(images)))))),
      head: ({ linear }, features) => scale(linear(features), logitScale),
      smallest: SMALLEST,
    },
  );
}

function whiteningConv(inChannels: number, outChannels: number): Module {
  const conv = conv2d({ inChannels, outChannels, kernelSize: 2, bias: constant(0) });
  conv.children.weight.variable.trainable = false;
  return conv;
}

function convGroup(inChannels: number, outChannels: number): Module {
  return module(
    {
      conv1: diracConv(inChannels, outChannels),
      pool: maxPool2d({ kernelSize: 2 }),
      norm1: biasNorm(outChannels),
      activation: gelu(),
      conv2: diracConv(outChannels, outChannels),
      norm2: biasNorm(outChannels),
    },
    ({ conv1, pool, norm1, activation, conv2, norm2 }, x) =>
      activation(norm2(conv2(activation(norm1(pool(conv1(x))))))),
    'convGroup',
  );
}

const diracConv = (inChannels: number, outChannels: number): Module =>
  conv2d({
    inChannels,
    outChannels,
    kernelSize: 3,
    padding: 1,
    bias: false,
    weight: dirac(kaimingUniform({ negativeSlope: Math.sqrt(5) })),
  });

const biasNorm = (channels: number): Module =>
  batchNorm2d(channels, { epsilon: 1e-12, momentum: 0.4, trainableWeight: false });
