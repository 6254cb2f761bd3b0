import {
  batchNorm2d,
  conv2d,
  globalAvgPool2d,
  linear,
  type Module,
  maxPool2d,
  module,
  relu,
  sequential,
} from '@imgcls/nn';
import { concat, reshape, type Tensor } from '@imgcls/tensor';
import { split, transpose } from '@tensorflow/tfjs-core';
import { repeat } from './blocks.ts';
import { type Network, network } from './classifier.ts';
import { checkImageSize, type ModelOptions } from './options.ts';

/*
 * ShuffleNet v2: half of the channels pass each block as they are, and then the halves are shuffled.
 * Ma et al. 2018, https://arxiv.org/abs/1807.11164
 */

/** ShuffleNet v2 with half the channels. */
export const shufflenet_v2_x0_5 = (options?: ModelOptions): Network =>
  shufflenet('shufflenet_v2_x0_5', [24, 48, 96, 192, 1024], options);
/** ShuffleNet v2. */
export const shufflenet_v2_x1_0 = (options?: ModelOptions): Network =>
  shufflenet('shufflenet_v2_x1_0', [24, 116, 232, 464, 1024], options);
/** ShuffleNet v2 with 1.5 times the channels. */
export const shufflenet_v2_x1_5 = (options?: ModelOptions): Network =>
  shufflenet('shufflenet_v2_x1_5', [24, 176, 352, 704, 1024], options);
/** ShuffleNet v2 with twice the channels. */
export const shufflenet_v2_x2_0 = (options?: ModelOptions): Network =>
  shufflenet('shufflenet_v2_x2_0', [24, 244, 488, 976, 2048], options);

type Channels = readonly [stem: number, stage2: number, stage3: number, stage4: number, last: number];

function shufflenet(name: string, channels: Channels, options: ModelOptions = {}): Network {
  const { numClasses = 1000, inputChannels = 3, imageSize = 224 } = options;
  const [stem, two, three, four, last] = channels;
  checkImageSize(name, imageSize, 1);
  return network(
    name,
    {
      conv1: sequential(...conv({ inChannels: inputChannels, outChannels: stem, kernelSize: 3, stride: 2 }), relu()),
      maxpool: maxPool2d({ kernelSize: 3, stride: 2, padding: 1 }),
      stage2: stage(stem, two, 4),
      stage3: stage(two, three, 8),
      stage4: stage(three, four, 4),
      conv5: sequential(...conv({ inChannels: four, outChannels: last, kernelSize: 1 }), relu()),
      pool: globalAvgPool2d(),
    },
    {
      fc: linear({ inFeatures: last, outFeatures: numClasses }),
    },
    {
      features: ({ conv1, maxpool, stage2, stage3, stage4, conv5, pool }, images) =>
        pool(conv5(stage4(stage3(stage2(maxpool(conv1(images))))))),
      head: ({ fc }, features) => fc(features),
    },
  );
}

const stage = (inChannels: number, outChannels: number, blocks: number): Module =>
  sequential(downsampling(inChannels, outChannels), ...repeat(blocks - 1, () => invertedResidual(outChannels)));

function invertedResidual(channels: number): Module {
  return module(
    { branch2: branch(channels / 2, channels / 2, 1) },
    ({ branch2 }, x) => {
      const [kept, changed] = split(x, 2, -1) as [Tensor, Tensor];
      return shuffled(concat([kept, branch2(changed)], -1));
    },
    'invertedResidual',
  );
}

/** The first block of a stage: both halves see all channels, at half the size. */
function downsampling(inChannels: number, outChannels: number): Module {
  const branch1 = sequential(
    ...conv({ inChannels, outChannels: inChannels, kernelSize: 3, stride: 2, groups: inChannels }),
    ...conv({ inChannels, outChannels: outChannels / 2, kernelSize: 1 }),
    relu(),
  );
  return module(
    { branch1, branch2: branch(inChannels, outChannels / 2, 2) },
    ({ branch1, branch2 }, x) => shuffled(concat([branch1(x), branch2(x)], -1)),
    'downsampling',
  );
}

const branch = (inChannels: number, channels: number, stride: number): Module =>
  sequential(
    ...[...conv({ inChannels, outChannels: channels, kernelSize: 1 }), relu()],
    ...conv({ inChannels: channels, outChannels: channels, kernelSize: 3, stride, groups: channels }),
    ...[...conv({ inChannels: channels, outChannels: channels, kernelSize: 1 }), relu()],
  );

/** The channels of both halves in turn. */
function shuffled(x: Tensor): Tensor {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  return reshape(transpose(reshape(x, [n * h * w, 2, c / 2]), [0, 2, 1]), [n, h, w, c]);
}

interface ConvOptions {
  inChannels: number;
  outChannels: number;
  kernelSize: number;
  stride?: number;
  groups?: number;
}

const conv = (options: ConvOptions): Module[] => [
  conv2d({ ...options, padding: (options.kernelSize - 1) / 2, bias: false }),
  batchNorm2d(options.outChannels),
];
