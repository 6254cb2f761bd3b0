import {
  batchNorm2d,
  constant,
  conv2d,
  dropout as dropoutLayer,
  globalAvgPool2d,
  kaimingNormal,
  linear,
  type Module,
  module,
  relu,
  sequential,
  uniform,
} from '@imgcls/nn';
import { add } from '@imgcls/tensor';
import { makeDivisible, repeat } from './blocks.ts';
import { type Network, network } from './classifier.ts';
import { checkImageSize, type ModelOptions } from './options.ts';

/*
 * MNASNet B1, found by a search for what is fast on telephones. The number is what the channels are multiplied by.
 * Tan et al. 2018, https://arxiv.org/abs/1807.11626
 */

export interface MnasnetOptions extends ModelOptions {
  /** Of the features, before the last layer. Default 0.2. */
  dropout?: number;
}

/** MNASNet with half the channels. */
export const mnasnet0_5 = (options?: MnasnetOptions): Network => mnasnet('mnasnet0_5', 0.5, options);
/** MNASNet with three quarters of the channels. */
export const mnasnet0_75 = (options?: MnasnetOptions): Network => mnasnet('mnasnet0_75', 0.75, options);
/** MNASNet. */
export const mnasnet1_0 = (options?: MnasnetOptions): Network => mnasnet('mnasnet1_0', 1, options);
/** MNASNet with 1.3 times the channels. */
export const mnasnet1_3 = (options?: MnasnetOptions): Network => mnasnet('mnasnet1_3', 1.3, options);

const LAST = 1280;

function mnasnet(name: string, width: number, options: MnasnetOptions = {}): Network {
  const { numClasses = 1000, inputChannels = 3, imageSize = 224, dropout = 0.2 } = options;
  checkImageSize(name, imageSize, 1);
  const stem = makeDivisible(32 * width);
  let inChannels = makeDivisible(16 * width);
  const layers = [
    ...conv({ inChannels: inputChannels, outChannels: stem, kernelSize: 3, stride: 2 }),
    ...conv({ inChannels: stem, outChannels: stem, kernelSize: 3, groups: stem }),
    ...conv({ inChannels: stem, outChannels: inChannels, kernelSize: 1 }).slice(0, 2),
  ];
  for (const { channels, ...stage } of STAGES) {
    const outChannels = makeDivisible(channels * width);
    layers.push(stack({ inChannels, outChannels, ...stage }));
    inChannels = outChannels;
  }
  layers.push(...conv({ inChannels, outChannels: LAST, kernelSize: 1 }));
  const bound = Math.sqrt(3 / numClasses); // kaiming_uniform_(mode="fan_out", nonlinearity="sigmoid")
  return network(
    name,
    {
      layers: sequential(...layers),
      pool: globalAvgPool2d(),
    },
    {
      classifier: sequential(
        dropoutLayer(dropout),
        linear({ inFeatures: LAST, outFeatures: numClasses, weight: uniform(bound), bias: constant(0) }),
      ),
    },
    {
      features: ({ layers, pool }, images) => pool(layers(images)),
      head: ({ classifier }, features) => classifier(features),
    },
  );
}

const STAGES = [
  { channels: 24, kernelSize: 3, stride: 2, expansion: 3, blocks: 3 },
  { channels: 40, kernelSize: 5, stride: 2, expansion: 3, blocks: 3 },
  { channels: 80, kernelSize: 5, stride: 2, expansion: 6, blocks: 3 },
  { channels: 96, kernelSize: 3, stride: 1, expansion: 6, blocks: 2 },
  { channels: 192, kernelSize: 5, stride: 2, expansion: 6, blocks: 4 },
  { channels: 320, kernelSize: 3, stride: 1, expansion: 6, blocks: 1 },
];

/** The momentum of the normalisations: the paper's 0.9997 in TensorFlow's way of counting. */
const SLOW = 1 - 0.9997;

interface BlockOptions {
  inChannels: number;
  outChannels: number;
  kernelSize: number;
  stride: number;
  expansion: number;
}

const stack = ({ blocks, ...first }: BlockOptions & { blocks: number }): Module =>
  sequential(
    ...repeat(blocks, (i) =>
      invertedResidual(i === 0 ? first : { ...first, inChannels: first.outChannels, stride: 1 }),
    ),
  );

function invertedResidual({ inChannels, outChannels, kernelSize, stride, expansion }: BlockOptions): Module {
  const hidden = inChannels * expansion;
  const adds = stride === 1 && inChannels === outChannels;
  const layers = sequential(
    ...conv({ inChannels, outChannels: hidden, kernelSize: 1 }),
    ...conv({ inChannels: hidden, outChannels: hidden, kernelSize, stride, groups: hidden }),
    ...conv({ inChannels: hidden, outChannels, kernelSize: 1 }).slice(0, 2),
  );
  return module({ layers }, ({ layers }, x) => (adds ? add(layers(x), x) : layers(x)), 'invertedResidual');
}

interface ConvOptions {
  inChannels: number;
  outChannels: number;
  kernelSize: number;
  stride?: number;
  groups?: number;
}

/** A convolution, its normalisation, and an activation. */
function conv({ kernelSize, ...options }: ConvOptions): Module[] {
  const padding = (kernelSize - 1) / 2;
  const weight = kaimingNormal({ mode: 'fanOut' });
  return [
    conv2d({ ...options, kernelSize, padding, bias: false, weight }),
    batchNorm2d(options.outChannels, { momentum: SLOW }),
    relu(),
  ];
}
