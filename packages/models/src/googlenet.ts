import {
  adaptiveAvgPool2d,
  dropout as dropoutLayer,
  flatten,
  globalAvgPool2d,
  linear,
  type Module,
  maxPool2d,
  module,
  normal,
  sequential,
} from '@imgcls/nn';
import { concat, relu, type Tensor } from '@imgcls/tensor';
import { stack } from '@tensorflow/tfjs-core';
import { basicConv, follow } from './blocks.ts';
import { type Network, network } from './classifier.ts';
import { fromImagenetNormalization } from './inception-input.ts';
import { checkImageSize, type ModelOptions } from './options.ts';

export interface GooglenetOptions extends ModelOptions {
  /** Of the features, before the last layer. Default 0.2. */
  dropout?: number;
  /** In the auxiliary heads. Default 0.7. */
  dropoutAux?: number;
  /** Whether there are auxiliary heads. Default true. */
  auxLogits?: boolean;
  /** Whether images come normalised by the statistics of ImageNet to weights that want them otherwise. Default false. */
  transformInput?: boolean;
}

/** A network with heads at half the depth, for training. */
export type NetworkWithAuxiliaryHeads = Network & {
  /** The logits of all heads, the main one first: images to `[N, heads, numClasses]`. */
  readonly allLogits: Module;
};

const SMALLEST = 15;

/**
 * GoogLeNet, the first Inception network: blocks of convolutions of several sizes side by side. With batch normalisation, and
 * windows of 3×3 where the paper has 5×5, as in torchvision.
 *
 * 6.6 million parameters for 1000 classes (13 with the auxiliary heads), and 1.5 billion multiply-adds for an image of 224×224.
 *
 * @returns A module from images `[N, H, W, inputChannels]`, at least 15×15, to logits `[N, numClasses]`; `allLogits` has those of
 *   the two auxiliary heads too, whose losses the paper counts by 0.3.
 *
 * Szegedy et al. 2014, https://arxiv.org/abs/1409.4842
 */
export function googlenet(options: GooglenetOptions = {}): NetworkWithAuxiliaryHeads {
  const { numClasses = 1000, inputChannels = 3, imageSize = 224, dropout = 0.2 } = options;
  const { dropoutAux = 0.7, auxLogits = true, transformInput = false } = options;
  checkImageSize('googlenet', imageSize, SMALLEST);
  const auxiliaryHead = (inChannels: number) => (auxLogits ? auxiliary(inChannels, numClasses, dropoutAux) : undefined);
  const body = layers(inputChannels);
  const head = {
    aux1: auxiliaryHead(512),
    aux2: auxiliaryHead(528),
    dropout: dropoutLayer(dropout),
    fc: linear({ inFeatures: 1024, outFeatures: numClasses, weight: normal(0.01) }),
  };
  const start = (images: Tensor): Tensor => (transformInput ? fromImagenetNormalization(images) : images);
  const allLogits = module({ ...body, ...head }, ({ aux1, aux2, dropout, fc, ...parts }, images) => {
    const first = follow(parts, BEGIN, start(images));
    const second = follow(parts, MIDDLE, first);
    const logits = fc(dropout(follow(parts, END, second)));
    return stack([logits, ...(aux1 && aux2 ? [aux2(second), aux1(first)] : [])], 1);
  });
  return Object.assign(
    network('googlenet', body, head, {
      features: (parts, images) => follow(parts, [...BEGIN, ...MIDDLE, ...END], start(images)),
      head: ({ dropout, fc }, features) => fc(dropout(features)),
      smallest: SMALLEST,
    }),
    { allLogits: allLogits as unknown as Module },
  );
}

const layers = (inputChannels: number) => ({
  conv1: conv(inputChannels, 64, 7, 2),
  maxpool1: maxPool2d({ kernelSize: 3, stride: 2, ceilMode: true }),
  conv2: conv(64, 64, 1),
  conv3: conv(64, 192, 3),
  maxpool2: maxPool2d({ kernelSize: 3, stride: 2, ceilMode: true }),
  inception3a: inception(192, [64, 96, 128, 16, 32, 32]),
  inception3b: inception(256, [128, 128, 192, 32, 96, 64]),
  maxpool3: maxPool2d({ kernelSize: 3, stride: 2, ceilMode: true }),
  inception4a: inception(480, [192, 96, 208, 16, 48, 64]),
  inception4b: inception(512, [160, 112, 224, 24, 64, 64]),
  inception4c: inception(512, [128, 128, 256, 24, 64, 64]),
  inception4d: inception(512, [112, 144, 288, 32, 64, 64]),
  inception4e: inception(528, [256, 160, 320, 32, 128, 128]),
  maxpool4: maxPool2d({ kernelSize: 2, stride: 2, ceilMode: true }),
  inception5a: inception(832, [256, 160, 320, 32, 128, 128]),
  inception5b: inception(832, [384, 192, 384, 48, 128, 128]),
  avgpool: globalAvgPool2d(),
});

// Between these parts are the auxiliary heads.
const BEGIN = [
  ...(['conv1', 'maxpool1', 'conv2', 'conv3', 'maxpool2'] as const),
  ...(['inception3a', 'inception3b', 'maxpool3', 'inception4a'] as const),
];
const MIDDLE = ['inception4b', 'inception4c', 'inception4d'] as const;
const END = ['inception4e', 'maxpool4', 'inception5a', 'inception5b', 'avgpool'] as const;

/** Four branches side by side: 1×1, 1×1 then 3×3, 1×1 then 3×3, pooling then 1×1; these are the channels of their convolutions. */
type Widths = readonly [one: number, reduce3: number, three: number, reduce5: number, five: number, pooled: number];

function inception(inChannels: number, [one, reduce3, three, reduce5, five, pooled]: Widths): Module {
  return module(
    {
      branch1: conv(inChannels, one, 1),
      branch2: sequential(conv(inChannels, reduce3, 1), conv(reduce3, three, 3)),
      branch3: sequential(conv(inChannels, reduce5, 1), conv(reduce5, five, 3)),
      branch4: sequential(maxPool2d({ kernelSize: 3, stride: 1, padding: 1 }), conv(inChannels, pooled, 1)),
    },
    ({ branch1, branch2, branch3, branch4 }, x) => concat([branch1(x), branch2(x), branch3(x), branch4(x)], -1),
    'inception',
  );
}

function auxiliary(inChannels: number, numClasses: number, dropout: number): Module {
  return module(
    {
      pool: adaptiveAvgPool2d(4),
      conv: conv(inChannels, 128, 1),
      flatten: flatten(),
      fc1: linear({ inFeatures: 2048, outFeatures: 1024, weight: normal(0.01) }),
      fc2: linear({ inFeatures: 1024, outFeatures: numClasses, weight: normal(0.01) }),
      dropout: dropoutLayer(dropout),
    },
    ({ pool, conv, flatten, fc1, fc2, dropout }, x) => fc2(dropout(relu(fc1(flatten(conv(pool(x))))))),
    'auxiliary',
  );
}

const conv = (inChannels: number, outChannels: number, kernelSize: number, stride = 1): Module =>
  basicConv({ inChannels, outChannels, kernelSize, stride, padding: (kernelSize - 1) / 2, weight: normal(0.01) });
