import {
  constant,
  dropout as dropoutLayer,
  globalAvgPool2d,
  hardSwish,
  kaimingNormal,
  linear,
  type Module,
  module,
  normal,
  relu,
  sequential,
} from '@imgcls/nn';
import { add, hardSigmoid } from '@imgcls/tensor';
import { type ConvNormOptions, convNorm, makeDivisible, squeezeExcitation } from './blocks.ts';
import { type Network, network } from './classifier.ts';
import { checkImageSize, type ModelOptions } from './options.ts';

/*
 * MobileNet v3: the blocks of MobileNet v2, arranged by a search, some with squeeze and excitation.
 * Howard et al. 2019, https://arxiv.org/abs/1905.02244
 */

export interface MobilenetV3Options extends ModelOptions {
  /** What the channels of each layer are multiplied by. Default 1. */
  widthMult?: number;
  /** Before the last layer. Default 0.2. */
  dropout?: number;
  /** Whether the last blocks have half the channels. Default false. */
  reducedTail?: boolean;
  /** Whether the last blocks dilate their convolutions instead of making images smaller. Default false. */
  dilated?: boolean;
}

/** MobileNet v3 large: 5.5 million parameters for 1000 classes, and 0.2 billion multiply-adds for an image of 224×224. */
export const mobilenet_v3_large = (options?: MobilenetV3Options): Network =>
  mobilenet('mobilenet_v3_large', large, 1280, options);

/** MobileNet v3 small: 2.5 million parameters for 1000 classes, and 57 million multiply-adds for an image of 224×224. */
export const mobilenet_v3_small = (options?: MobilenetV3Options): Network =>
  mobilenet('mobilenet_v3_small', small, 1024, options);

/** A row of the paper's tables, and the dilation of its convolution. */
interface Row {
  kernelSize: number;
  expanded: number;
  channels: number;
  squeezes: boolean;
  activation: () => Module;
  stride: number;
  dilation: number;
}

const row = (
  kernelSize: number,
  [expanded, channels]: readonly [number, number],
  squeezes: boolean,
  activation: () => Module,
  stride = 1,
  dilation = 1,
): Row => ({ kernelSize, expanded, channels, squeezes, activation, stride, dilation });

/** What the channels of the last blocks are divided by, and the dilation there. */
interface Tail {
  divisor: number;
  dilation: number;
}

const large = ({ divisor, dilation }: Tail): Row[] => [
  row(3, [16, 16], false, relu),
  row(3, [64, 24], false, relu, 2),
  row(3, [72, 24], false, relu),
  row(5, [72, 40], true, relu, 2),
  row(5, [120, 40], true, relu),
  row(5, [120, 40], true, relu),
  row(3, [240, 80], false, hardSwish, 2),
  row(3, [200, 80], false, hardSwish),
  row(3, [184, 80], false, hardSwish),
  row(3, [184, 80], false, hardSwish),
  row(3, [480, 112], true, hardSwish),
  row(3, [672, 112], true, hardSwish),
  row(5, [672, 160 / divisor], true, hardSwish, 2, dilation),
  row(5, [960 / divisor, 160 / divisor], true, hardSwish, 1, dilation),
  row(5, [960 / divisor, 160 / divisor], true, hardSwish, 1, dilation),
];

const small = ({ divisor, dilation }: Tail): Row[] => [
  row(3, [16, 16], true, relu, 2),
  row(3, [72, 24], false, relu, 2),
  row(3, [88, 24], false, relu),
  row(5, [96, 40], true, hardSwish, 2),
  row(5, [240, 40], true, hardSwish),
  row(5, [240, 40], true, hardSwish),
  row(5, [120, 48], true, hardSwish),
  row(5, [144, 48], true, hardSwish),
  row(5, [288, 96 / divisor], true, hardSwish, 2, dilation),
  row(5, [576 / divisor, 96 / divisor], true, hardSwish, 1, dilation),
  row(5, [576 / divisor, 96 / divisor], true, hardSwish, 1, dilation),
];

function mobilenet(
  name: string,
  table: (tail: Tail) => Row[],
  last: number,
  options: MobilenetV3Options = {},
): Network {
  const { numClasses = 1000, inputChannels = 3, imageSize = 224, dropout = 0.2 } = options;
  const { widthMult = 1, reducedTail = false, dilated = false } = options;
  checkImageSize(name, imageSize, 1);
  const divisor = reducedTail ? 2 : 1;
  const width = (channels: number): number => makeDivisible(channels * widthMult);
  let inChannels = width(16);
  const stem = conv({ inChannels: inputChannels, outChannels: inChannels, stride: 2, activation: hardSwish });
  const blocks = table({ divisor, dilation: dilated ? 2 : 1 }).map((row) => {
    const outChannels = width(row.channels);
    const block = invertedResidual({ ...row, inChannels, expanded: width(row.expanded), outChannels });
    inChannels = outChannels;
    return block;
  });
  const seen = 6 * inChannels;
  const hidden = width(last / divisor);
  return network(
    name,
    {
      features: sequential(
        ...[stem, ...blocks],
        conv({ inChannels, outChannels: seen, kernelSize: 1, activation: hardSwish }),
      ),
      avgpool: globalAvgPool2d(),
    },
    {
      classifier: sequential(...[dense(seen, hidden), hardSwish(), dropoutLayer(dropout)], dense(hidden, numClasses)),
    },
    {
      features: ({ features, avgpool }, images) => avgpool(features(images)),
      head: ({ classifier }, features) => classifier(features),
    },
  );
}

interface BlockOptions extends Row {
  inChannels: number;
  outChannels: number;
}

function invertedResidual(options: BlockOptions): Module {
  const { inChannels, expanded, outChannels, kernelSize, stride, dilation, squeezes, activation } = options;
  const adds = stride === 1 && inChannels === outChannels;
  const depthwise = { kernelSize, stride: dilation > 1 ? 1 : stride, dilation, groups: expanded };
  const block = sequential(
    ...(expanded === inChannels ? [] : [conv({ inChannels, outChannels: expanded, kernelSize: 1, activation })]),
    conv({ inChannels: expanded, outChannels: expanded, ...depthwise, activation }),
    ...(squeezes ? [squeeze(expanded)] : []),
    conv({ inChannels: expanded, outChannels, kernelSize: 1, activation: false }),
  );
  return module({ block }, ({ block }, x) => (adds ? add(block(x), x) : block(x)), 'invertedResidual');
}

const weight = kaimingNormal({ mode: 'fanOut' });

const squeeze = (channels: number): Module =>
  squeezeExcitation({
    channels,
    squeezed: makeDivisible(Math.floor(channels / 4)),
    gate: hardSigmoid,
    conv: { weight, bias: constant(0) },
  });

const conv = (options: ConvNormOptions): Module =>
  convNorm({ ...options, weight, norm: { epsilon: 0.001, momentum: 0.01 } });

const dense = (inFeatures: number, outFeatures: number): Module =>
  linear({ inFeatures, outFeatures, weight: normal(0.01), bias: constant(0) });
