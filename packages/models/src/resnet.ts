import {
  batchNorm2d,
  constant,
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
import { repeat } from './blocks.ts';
import { type Network, network } from './classifier.ts';
import { checkImageSize, type ModelOptions } from './options.ts';

/*
 * Residual networks. He et al. 2015, https://arxiv.org/abs/1512.03385. As in torchvision, the stride of a bottleneck is in
 * its 3×3 convolution ("ResNet v1.5").
 * ResNeXt groups that convolution: Xie et al. 2016, https://arxiv.org/abs/1611.05431.
 * Wide ResNets have more channels in it: Zagoruyko and Komodakis 2016, https://arxiv.org/abs/1605.07146.
 */

export interface ResnetOptions extends ModelOptions {
  /** Whether the last normalisation of each block starts with a scale of 0, so that a block starts as its shortcut. */
  zeroInitResidual?: boolean;
  /** For each of the last three stages: whether it dilates its convolutions instead of making images smaller. */
  replaceStrideWithDilation?: readonly [boolean, boolean, boolean];
}

/**
 * ResNet-18: 11.7 million parameters for 1000 classes, and 1.8 billion multiply-adds for an image of 224×224.
 *
 * Names and shapes of the parameters are torchvision's, as in all of this family.
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
export const resnet18 = (options?: ResnetOptions): Network =>
  resnet('resnet18', { block: basicBlock, blocks: [2, 2, 2, 2] }, options);

/** ResNet-34. */
export const resnet34 = (options?: ResnetOptions): Network =>
  resnet('resnet34', { block: basicBlock, blocks: [3, 4, 6, 3] }, options);

/** ResNet-50. */
export const resnet50 = (options?: ResnetOptions): Network => resnet('resnet50', { blocks: [3, 4, 6, 3] }, options);

/** ResNet-101. */
export const resnet101 = (options?: ResnetOptions): Network => resnet('resnet101', { blocks: [3, 4, 23, 3] }, options);

/** ResNet-152. */
export const resnet152 = (options?: ResnetOptions): Network => resnet('resnet152', { blocks: [3, 8, 36, 3] }, options);

/** ResNeXt-50 with 32 groups of 4 channels. */
export const resnext50_32x4d = (options?: ResnetOptions): Network =>
  resnet('resnext50_32x4d', { blocks: [3, 4, 6, 3], groups: 32, groupWidth: 4 }, options);

/** ResNeXt-101 with 32 groups of 8 channels. */
export const resnext101_32x8d = (options?: ResnetOptions): Network =>
  resnet('resnext101_32x8d', { blocks: [3, 4, 23, 3], groups: 32, groupWidth: 8 }, options);

/** ResNeXt-101 with 64 groups of 4 channels. */
export const resnext101_64x4d = (options?: ResnetOptions): Network =>
  resnet('resnext101_64x4d', { blocks: [3, 4, 23, 3], groups: 64, groupWidth: 4 }, options);

/** Wide ResNet-50-2: twice the channels inside its blocks. */
export const wide_resnet50_2 = (options?: ResnetOptions): Network =>
  resnet('wide_resnet50_2', { blocks: [3, 4, 6, 3], groupWidth: 128 }, options);

/** Wide ResNet-101-2: twice the channels inside its blocks. */
export const wide_resnet101_2 = (options?: ResnetOptions): Network =>
  resnet('wide_resnet101_2', { blocks: [3, 4, 23, 3], groupWidth: 128 }, options);

interface Variant {
  block?: typeof basicBlock | typeof bottleneck;
  /** How many of the four stages. */
  blocks: readonly [number, number, number, number];
  groups?: number;
  /** Channels of a group in the first stage. */
  groupWidth?: number;
}

function resnet(name: string, variant: Variant, options: ResnetOptions = {}): Network {
  const { block = bottleneck, blocks, groups = 1, groupWidth = 64 } = variant;
  const { numClasses = 1000, inputChannels = 3, imageSize = 224 } = options;
  const { zeroInitResidual = false, replaceStrideWithDilation: dilated = [false, false, false] } = options;
  checkImageSize(name, imageSize, 1);
  let inChannels = 64;
  let dilation = 1;
  const stage = (index: number): Module => {
    const dilates = index > 0 && dilated[index - 1];
    const before = dilation;
    if (dilates) dilation *= 2;
    return sequential(
      ...repeat(blocks[index]!, (i) => {
        const made = block({
          inChannels,
          channels: 64 * 2 ** index,
          stride: index === 0 || i > 0 || dilates ? 1 : 2,
          dilation: i === 0 ? before : dilation,
          groups,
          groupWidth,
          lastScale: zeroInitResidual ? 0 : 1,
        });
        inChannels = 64 * 2 ** index * block.expansion;
        return made;
      }),
    );
  };
  return network(
    name,
    {
      conv1: conv({ inChannels: inputChannels, outChannels: 64, kernelSize: 7, stride: 2 }),
      bn1: batchNorm2d(64),
      maxpool: maxPool2d({ kernelSize: 3, stride: 2, padding: 1 }),
      layer1: stage(0),
      layer2: stage(1),
      layer3: stage(2),
      layer4: stage(3),
      avgpool: globalAvgPool2d(),
    },
    {
      fc: linear({ inFeatures: inChannels, outFeatures: numClasses }),
    },
    {
      features: ({ conv1, bn1, maxpool, layer1, layer2, layer3, layer4, avgpool }, images) =>
        avgpool(layer4(layer3(layer2(layer1(maxpool(relu(bn1(conv1(images))))))))),
      head: ({ fc }, features) => fc(features),
    },
  );
}

interface BlockOptions {
  inChannels: number;
  channels: number;
  stride: number;
  dilation: number;
  groups: number;
  groupWidth: number;
  /** What the scale of the last normalisation starts with. */
  lastScale: number;
}

function basicBlock({ inChannels, channels, stride, lastScale }: BlockOptions): Module {
  return module(
    {
      conv1: conv({ inChannels, outChannels: channels, kernelSize: 3, stride }),
      bn1: batchNorm2d(channels),
      conv2: conv({ inChannels: channels, outChannels: channels, kernelSize: 3 }),
      bn2: batchNorm2d(channels, { weight: constant(lastScale) }),
      downsample: shortcut({ inChannels, outChannels: channels, stride }),
    },
    ({ conv1, bn1, conv2, bn2, downsample }, x) => relu(add(bn2(conv2(relu(bn1(conv1(x))))), downsample(x))),
    'basicBlock',
  );
}
basicBlock.expansion = 1; // output channels per channel

function bottleneck(options: BlockOptions): Module {
  const { inChannels, channels, stride, dilation, groups, groupWidth, lastScale } = options;
  const width = Math.floor((channels * groupWidth) / 64) * groups;
  const outChannels = channels * bottleneck.expansion;
  return module(
    {
      conv1: conv({ inChannels, outChannels: width, kernelSize: 1 }),
      bn1: batchNorm2d(width),
      conv2: conv({ inChannels: width, outChannels: width, kernelSize: 3, stride, dilation, groups }),
      bn2: batchNorm2d(width),
      conv3: conv({ inChannels: width, outChannels, kernelSize: 1 }),
      bn3: batchNorm2d(outChannels, { weight: constant(lastScale) }),
      downsample: shortcut({ inChannels, outChannels, stride }),
    },
    ({ conv1, bn1, conv2, bn2, conv3, bn3, downsample }, x) =>
      relu(add(bn3(conv3(relu(bn2(conv2(relu(bn1(conv1(x)))))))), downsample(x))),
    'bottleneck',
  );
}
bottleneck.expansion = 4;

function shortcut({
  inChannels,
  outChannels,
  stride,
}: {
  inChannels: number;
  outChannels: number;
  stride: number;
}): Module {
  if (stride === 1 && inChannels === outChannels) return identity();
  return sequential(conv({ inChannels, outChannels, kernelSize: 1, stride }), batchNorm2d(outChannels));
}

interface ConvOptions {
  inChannels: number;
  outChannels: number;
  kernelSize: number;
  stride?: number;
  dilation?: number;
  groups?: number;
}

const conv = ({ kernelSize, dilation = 1, ...options }: ConvOptions): Module =>
  conv2d({
    ...options,
    kernelSize,
    dilation,
    padding: ((kernelSize - 1) / 2) * dilation,
    bias: false,
    weight: kaimingNormal({ mode: 'fanOut' }),
  });
