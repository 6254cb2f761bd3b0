import {
  batchNorm2d,
  conv2d,
  globalAvgPool2d,
  identity,
  kaimingNormal,
  linear,
  type Module,
  maxPool2d,
  module,
  sequential,
} from '@imgcls/nn';
import { add, relu } from '@imgcls/tensor';
import { checkImageSize, checkImages, type ModelOptions } from './options.ts';

/**
 * ResNet-18: 11,689,512 parameters for 1000 classes, and 1.8 billion multiply-adds for an image of 224×224.
 *
 * Names and shapes of the parameters are torchvision's.
 *
 * @returns A module from images `[N, H, W, inputChannels]` to logits `[N, numClasses]`.
 * @example
 * ```ts
 * import { resnet18 } from '@imgcls/models';
 * import { parameterCount } from '@imgcls/nn';
 * import { useBackend } from '@imgcls/tensor';
 *
 * await useBackend('cpu');
 * console.log(parameterCount(resnet18({ numClasses: 10 }))); // => 11181642
 * ```
 * He et al. 2015, https://arxiv.org/abs/1512.03385
 */
export function resnet18(options: ModelOptions = {}): Module {
  return resnet('resnet18', [2, 2, 2, 2], options);
}

/**
 * ResNet-34: 21,797,672 parameters for 1000 classes, and 3.7 billion multiply-adds for an image of 224×224.
 *
 * Otherwise as `resnet18`.
 */
export function resnet34(options: ModelOptions = {}): Module {
  return resnet('resnet34', [3, 4, 6, 3], options);
}

type Blocks = readonly [number, number, number, number];

function resnet(name: string, blocks: Blocks, options: ModelOptions): Module {
  const { numClasses = 1000, inputChannels = 3, imageSize = 224 } = options;
  checkImageSize(name, imageSize, 1);
  return module(
    {
      conv1: conv({ inChannels: inputChannels, channels: 64, kernelSize: 7, stride: 2 }),
      bn1: batchNorm2d(64),
      maxpool: maxPool2d({ kernelSize: 3, stride: 2, padding: 1 }),
      layer1: stage(blocks[0], { inChannels: 64, channels: 64, stride: 1 }),
      layer2: stage(blocks[1], { inChannels: 64, channels: 128, stride: 2 }),
      layer3: stage(blocks[2], { inChannels: 128, channels: 256, stride: 2 }),
      layer4: stage(blocks[3], { inChannels: 256, channels: 512, stride: 2 }),
      avgpool: globalAvgPool2d(),
      fc: linear({ inFeatures: 512, outFeatures: numClasses }),
    },
    ({ conv1, bn1, maxpool, layer1, layer2, layer3, layer4, avgpool, fc }, images) => {
      checkImages(name, images, 1);
      return fc(avgpool(layer4(layer3(layer2(layer1(maxpool(relu(bn1(conv1(images))))))))));
    },
    name,
  );
}

interface BlockOptions {
  inChannels: number;
  channels: number;
  stride: number;
}

function stage(blocks: number, first: BlockOptions): Module {
  const { channels } = first;
  const others = Array.from({ length: blocks - 1 }, () => basicBlock({ inChannels: channels, channels, stride: 1 }));
  return sequential(basicBlock(first), ...others);
}

function basicBlock({ inChannels, channels, stride }: BlockOptions): Module {
  return module(
    {
      conv1: conv({ inChannels, channels, kernelSize: 3, stride }),
      bn1: batchNorm2d(channels),
      conv2: conv({ inChannels: channels, channels, kernelSize: 3, stride: 1 }),
      bn2: batchNorm2d(channels),
      downsample: stride === 1 && inChannels === channels ? identity() : projection({ inChannels, channels, stride }),
    },
    ({ conv1, bn1, conv2, bn2, downsample }, x) => relu(add(bn2(conv2(relu(bn1(conv1(x))))), downsample(x))),
    'basicBlock',
  );
}

const projection = (block: BlockOptions): Module =>
  sequential(conv({ ...block, kernelSize: 1 }), batchNorm2d(block.channels));

const conv = ({ inChannels, channels, kernelSize, stride }: BlockOptions & { kernelSize: number }): Module =>
  conv2d({
    inChannels,
    outChannels: channels,
    kernelSize,
    stride,
    padding: (kernelSize - 1) / 2,
    bias: false,
    weight: kaimingNormal({ mode: 'fanOut' }),
  });
