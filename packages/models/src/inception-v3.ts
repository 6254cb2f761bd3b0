import {
  avgPool2d,
  dropout as dropoutLayer,
  globalAvgPool2d,
  linear,
  type Module,
  maxPool2d,
  module,
  normal,
  sequential,
} from '@imgcls/nn';
import { concat, type Tensor } from '@imgcls/tensor';
import { stack } from '@tensorflow/tfjs-core';
import { basicConv, follow } from './blocks.ts';
import { network } from './classifier.ts';
import type { GooglenetOptions, NetworkWithAuxiliaryHeads } from './googlenet.ts';
import { fromImagenetNormalization } from './inception-input.ts';
import { checkImageSize } from './options.ts';

/** The options of GoogLeNet, but that there is no dropout in the auxiliary head. Dropout is 0.5 by default. */
export type InceptionV3Options = Omit<GooglenetOptions, 'dropoutAux'>;

const SMALLEST = 75;

/**
 * Inception v3: large windows taken apart into rows and columns. 27 million parameters for 1000 classes, and 5.7 billion
 * multiply-adds for an image of 299×299, which it is meant for.
 *
 * @returns A module from images `[N, H, W, inputChannels]`, at least 75×75, to logits `[N, numClasses]`; `allLogits` has those of
 *   the auxiliary head too.
 *
 * Szegedy et al. 2015, https://arxiv.org/abs/1512.00567
 */
export function inception_v3(options: InceptionV3Options = {}): NetworkWithAuxiliaryHeads {
  const { numClasses = 1000, inputChannels = 3, imageSize = 299, dropout = 0.5 } = options;
  const { auxLogits = true, transformInput = false } = options;
  checkImageSize('inception_v3', imageSize, SMALLEST);
  const body = layers(inputChannels, auxLogits ? auxiliary(768, numClasses) : undefined);
  const head = {
    dropout: dropoutLayer(dropout),
    fc: linear({ inFeatures: 2048, outFeatures: numClasses, weight }),
  };
  const start = (images: Tensor): Tensor => (transformInput ? fromImagenetNormalization(images) : images);
  const allLogits = module({ ...body, ...head }, ({ AuxLogits, dropout, fc, ...parts }, images) => {
    const middle = follow(parts, BEGIN, start(images));
    const logits = fc(dropout(follow(parts, END, middle)));
    return stack([logits, ...(AuxLogits ? [AuxLogits(middle)] : [])], 1);
  });
  return Object.assign(
    network('inception_v3', body, head, {
      features: (parts, images) => follow(parts, [...BEGIN, ...END], start(images)),
      head: ({ dropout, fc }, features) => fc(dropout(features)),
      smallest: SMALLEST,
    }),
    { allLogits: allLogits as unknown as Module },
  );
}

const layers = (inputChannels: number, AuxLogits: Module | undefined) => ({
  Conv2d_1a_3x3: basicConv({ inChannels: inputChannels, outChannels: 32, kernelSize: 3, stride: 2, weight }),
  Conv2d_2a_3x3: basicConv({ inChannels: 32, outChannels: 32, kernelSize: 3, weight }),
  Conv2d_2b_3x3: conv(32, 64, 3),
  maxpool1: maxPool2d({ kernelSize: 3, stride: 2 }),
  Conv2d_3b_1x1: conv(64, 80, 1),
  Conv2d_4a_3x3: basicConv({ inChannels: 80, outChannels: 192, kernelSize: 3, weight }),
  maxpool2: maxPool2d({ kernelSize: 3, stride: 2 }),
  Mixed_5b: inceptionA(192, 32),
  Mixed_5c: inceptionA(256, 64),
  Mixed_5d: inceptionA(288, 64),
  Mixed_6a: inceptionB(288),
  Mixed_6b: inceptionC(768, 128),
  Mixed_6c: inceptionC(768, 160),
  Mixed_6d: inceptionC(768, 160),
  Mixed_6e: inceptionC(768, 192),
  AuxLogits,
  Mixed_7a: inceptionD(768),
  Mixed_7b: inceptionE(1280),
  Mixed_7c: inceptionE(2048),
  avgpool: globalAvgPool2d(),
});

// Between these parts is the auxiliary head.
const BEGIN = [
  ...(['Conv2d_1a_3x3', 'Conv2d_2a_3x3', 'Conv2d_2b_3x3', 'maxpool1', 'Conv2d_3b_1x1'] as const),
  ...(['Conv2d_4a_3x3', 'maxpool2', 'Mixed_5b', 'Mixed_5c', 'Mixed_5d'] as const),
  ...(['Mixed_6a', 'Mixed_6b', 'Mixed_6c', 'Mixed_6d', 'Mixed_6e'] as const),
];
const END = ['Mixed_7a', 'Mixed_7b', 'Mixed_7c', 'avgpool'] as const;

function inceptionA(inChannels: number, pooled: number): Module {
  return branches({
    branch1x1: [conv(inChannels, 64, 1)],
    branch5x5: [conv(inChannels, 48, 1), conv(48, 64, 5)],
    branch3x3dbl: [conv(inChannels, 64, 1), conv(64, 96, 3), conv(96, 96, 3)],
    branch_pool: [meanOf3x3(), conv(inChannels, pooled, 1)],
  });
}

/** Halves the size of images. */
function inceptionB(inChannels: number): Module {
  return branches({
    branch3x3: [halving(inChannels, 384)],
    branch3x3dbl: [conv(inChannels, 64, 1), conv(64, 96, 3), halving(96, 96)],
    branch_pool: [maxPool2d({ kernelSize: 3, stride: 2 })],
  });
}

function inceptionC(inChannels: number, width: number): Module {
  const row = (from: number, to: number) => conv(from, to, [1, 7]);
  const column = (from: number, to: number) => conv(from, to, [7, 1]);
  return branches({
    branch1x1: [conv(inChannels, 192, 1)],
    branch7x7: [conv(inChannels, width, 1), row(width, width), column(width, 192)],
    branch7x7dbl: [
      ...[conv(inChannels, width, 1), column(width, width), row(width, width)],
      ...[column(width, width), row(width, 192)],
    ],
    branch_pool: [meanOf3x3(), conv(inChannels, 192, 1)],
  });
}

/** Halves the size of images. */
function inceptionD(inChannels: number): Module {
  return branches({
    branch3x3: [conv(inChannels, 192, 1), halving(192, 320)],
    branch7x7x3: [conv(inChannels, 192, 1), conv(192, 192, [1, 7]), conv(192, 192, [7, 1]), halving(192, 192)],
    branch_pool: [maxPool2d({ kernelSize: 3, stride: 2 })],
  });
}

/** Two of its branches end in a row and a column side by side. */
function inceptionE(inChannels: number): Module {
  return module(
    {
      branch1x1: conv(inChannels, 320, 1),
      branch3x3_1: conv(inChannels, 384, 1),
      branch3x3_2a: conv(384, 384, [1, 3]),
      branch3x3_2b: conv(384, 384, [3, 1]),
      branch3x3dbl_1: conv(inChannels, 448, 1),
      branch3x3dbl_2: conv(448, 384, 3),
      branch3x3dbl_3a: conv(384, 384, [1, 3]),
      branch3x3dbl_3b: conv(384, 384, [3, 1]),
      pool: meanOf3x3(),
      branch_pool: conv(inChannels, 192, 1),
    },
    ({ branch1x1, pool, branch_pool, ...parts }, x) => {
      const three = parts.branch3x3_1(x);
      const twice = parts.branch3x3dbl_2(parts.branch3x3dbl_1(x));
      const pairs = [
        ...[parts.branch3x3_2a(three), parts.branch3x3_2b(three)],
        ...[parts.branch3x3dbl_3a(twice), parts.branch3x3dbl_3b(twice)],
      ];
      return concat([branch1x1(x), ...pairs, branch_pool(pool(x))], -1);
    },
    'inceptionE',
  );
}

/**
 * Layers side by side, each branch one after the other, joined by channels. The convolutions of a branch are called after it,
 * and numbered from 1 where there is more than one: `branch5x5_1`.
 */
function branches(layers: Readonly<Record<string, Module[]>>): Module {
  const paths = Object.entries(layers).map(([branch, modules]) => {
    const several = branch !== 'branch_pool' && modules.length > 1;
    return modules.map((layer, i): [string, Module] => {
      if (several) return [`${branch}_${i + 1}`, layer];
      return [i === modules.length - 1 ? branch : `${branch}_before`, layer];
    });
  });
  return module(
    Object.fromEntries(paths.flat()) as Record<string, Module>,
    (parts, x) => {
      const follow = (path: [string, Module][]) => path.reduce((y, [name]) => parts[name]!(y), x);
      return concat(paths.map(follow), -1);
    },
    'branches',
  );
}

function auxiliary(inChannels: number, numClasses: number): Module {
  return sequential({
    pool: avgPool2d({ kernelSize: 5, stride: 3 }),
    conv0: conv(inChannels, 128, 1),
    conv1: basicConv({ inChannels: 128, outChannels: 768, kernelSize: 5, weight: normal(0.01) }),
    mean: globalAvgPool2d(),
    fc: linear({ inFeatures: 768, outFeatures: numClasses, weight: normal(0.001) }),
  });
}

const weight = normal(0.1);

/** A convolution that keeps the size of images. */
function conv(inChannels: number, outChannels: number, kernelSize: number | [number, number]): Module {
  const [height, width] = typeof kernelSize === 'number' ? [kernelSize, kernelSize] : kernelSize;
  const padding: [number, number] = [(height - 1) / 2, (width - 1) / 2];
  return basicConv({ inChannels, outChannels, kernelSize, padding, weight });
}

const halving = (inChannels: number, outChannels: number): Module =>
  basicConv({ inChannels, outChannels, kernelSize: 3, stride: 2, weight });

const meanOf3x3 = (): Module => avgPool2d({ kernelSize: 3, stride: 1, padding: 1 });
