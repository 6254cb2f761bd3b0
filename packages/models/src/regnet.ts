import {
  constant,
  globalAvgPool2d,
  identity,
  kaimingNormal,
  linear,
  type Module,
  module,
  normal,
  sequential,
} from '@imgcls/nn';
import { add, relu as rectify } from '@imgcls/tensor';
import { type ConvNormOptions, convNorm, makeDivisible, repeat, squeezeExcitation } from './blocks.ts';
import { type Network, network } from './classifier.ts';
import { checkImageSize, type ModelOptions } from './options.ts';

/*
 * RegNet: the widths of the blocks of all stages follow from one line. X has grouped bottlenecks, Y has squeeze and excitation
 * in them too. The name says the multiply-adds for an image of 224×224: `400mf` 400 million, `1_6gf` 1.6 billion.
 * Radosavovic et al. 2020, https://arxiv.org/abs/2003.13678
 */

/** RegNetX-400MF. */
export const regnet_x_400mf = (options?: ModelOptions): Network =>
  regnet('regnet_x_400mf', { depth: 22, start: 24, slope: 24.48, step: 2.54, groupWidth: 16 }, options);
/** RegNetX-800MF. */
export const regnet_x_800mf = (options?: ModelOptions): Network =>
  regnet('regnet_x_800mf', { depth: 16, start: 56, slope: 35.73, step: 2.28, groupWidth: 16 }, options);
/** RegNetX-1.6GF. */
export const regnet_x_1_6gf = (options?: ModelOptions): Network =>
  regnet('regnet_x_1_6gf', { depth: 18, start: 80, slope: 34.01, step: 2.25, groupWidth: 24 }, options);
/** RegNetX-3.2GF. */
export const regnet_x_3_2gf = (options?: ModelOptions): Network =>
  regnet('regnet_x_3_2gf', { depth: 25, start: 88, slope: 26.31, step: 2.25, groupWidth: 48 }, options);
/** RegNetX-8GF. */
export const regnet_x_8gf = (options?: ModelOptions): Network =>
  regnet('regnet_x_8gf', { depth: 23, start: 80, slope: 49.56, step: 2.88, groupWidth: 120 }, options);
/** RegNetX-16GF. */
export const regnet_x_16gf = (options?: ModelOptions): Network =>
  regnet('regnet_x_16gf', { depth: 22, start: 216, slope: 55.59, step: 2.1, groupWidth: 128 }, options);
/** RegNetX-32GF. */
export const regnet_x_32gf = (options?: ModelOptions): Network =>
  regnet('regnet_x_32gf', { depth: 23, start: 320, slope: 69.86, step: 2, groupWidth: 168 }, options);
/** RegNetY-400MF. */
export const regnet_y_400mf = (options?: ModelOptions): Network =>
  regnet('regnet_y_400mf', { depth: 16, start: 48, slope: 27.89, step: 2.09, groupWidth: 8, squeeze: 1 / 4 }, options);
/** RegNetY-800MF. */
export const regnet_y_800mf = (options?: ModelOptions): Network =>
  regnet('regnet_y_800mf', { depth: 14, start: 56, slope: 38.84, step: 2.4, groupWidth: 16, squeeze: 1 / 4 }, options);
/** RegNetY-1.6GF. */
export const regnet_y_1_6gf = (options?: ModelOptions): Network =>
  regnet('regnet_y_1_6gf', { depth: 27, start: 48, slope: 20.71, step: 2.65, groupWidth: 24, squeeze: 1 / 4 }, options);
/** RegNetY-3.2GF. */
export const regnet_y_3_2gf = (options?: ModelOptions): Network =>
  regnet('regnet_y_3_2gf', { depth: 21, start: 80, slope: 42.63, step: 2.66, groupWidth: 24, squeeze: 1 / 4 }, options);
/** RegNetY-8GF. */
export const regnet_y_8gf = (options?: ModelOptions): Network =>
  regnet('regnet_y_8gf', { depth: 17, start: 192, slope: 76.82, step: 2.19, groupWidth: 56, squeeze: 1 / 4 }, options);
/** RegNetY-16GF. */
export const regnet_y_16gf = (options?: ModelOptions): Network =>
  regnet(
    'regnet_y_16gf',
    { depth: 18, start: 200, slope: 106.23, step: 2.48, groupWidth: 112, squeeze: 1 / 4 },
    options,
  );
/** RegNetY-32GF. */
export const regnet_y_32gf = (options?: ModelOptions): Network =>
  regnet(
    'regnet_y_32gf',
    { depth: 20, start: 232, slope: 115.89, step: 2.53, groupWidth: 232, squeeze: 1 / 4 },
    options,
  );
/** RegNetY-128GF. */
export const regnet_y_128gf = (options?: ModelOptions): Network =>
  regnet(
    'regnet_y_128gf',
    { depth: 27, start: 456, slope: 160.83, step: 2.52, groupWidth: 264, squeeze: 1 / 4 },
    options,
  );

/** The parameters of the paper's section 3.3. */
interface Variant {
  /** Blocks in all. */
  depth: number;
  /** w₀ */
  start: number;
  /** wₐ */
  slope: number;
  /** wₘ */
  step: number;
  groupWidth: number;
  /** Channels of the squeeze per channel at the input of a block; without it there is none. */
  squeeze?: number;
}

const STEM = 32;

function regnet(name: string, variant: Variant, options: ModelOptions = {}): Network {
  const { numClasses = 1000, inputChannels = 3, imageSize = 224 } = options;
  checkImageSize(name, imageSize, 1);
  let inChannels = STEM;
  const trunk = stages(variant).map(({ width, blocks, groupWidth }, stage) => {
    const layers = repeat(blocks, (i): [string, Module] => {
      const block = resBottleneck({
        inChannels,
        outChannels: width,
        stride: i === 0 ? 2 : 1,
        groups: width / groupWidth,
        squeezed: Math.round((variant.squeeze ?? 0) * inChannels),
      });
      inChannels = width;
      return [`block${stage + 1}-${i}`, block];
    });
    return [`block${stage + 1}`, sequential(Object.fromEntries(layers))] as const;
  });
  return network(
    name,
    {
      stem: conv({ inChannels: inputChannels, outChannels: STEM, stride: 2 }),
      trunk_output: sequential(Object.fromEntries(trunk)),
      avgpool: globalAvgPool2d(),
    },
    {
      fc: linear({ inFeatures: inChannels, outFeatures: numClasses, weight: normal(0.01), bias: constant(0) }),
    },
    {
      features: ({ stem, trunk_output, avgpool }, images) => avgpool(trunk_output(stem(images))),
      head: ({ fc }, features) => fc(features),
    },
  );
}

/** The widths of blocks lie near the line `start + slope · i`, at powers of `step`; blocks of one width are a stage. */
function stages({ depth, start, slope, step, groupWidth }: Variant) {
  const widths = repeat(depth, (i) => {
    const power = roundToEven(Math.log((start + slope * i) / start) / Math.log(step));
    return 8 * roundToEven((start * step ** power) / 8);
  });
  return [...new Set(widths)].map((width) => {
    const group = Math.min(groupWidth, width);
    return {
      width: makeDivisible(width, group),
      blocks: widths.filter((each) => each === width).length,
      groupWidth: group,
    };
  });
}

/** The nearest whole number, of two the even one, as PyTorch and Python round. */
function roundToEven(x: number): number {
  const floor = Math.floor(x);
  return x - floor === 0.5 ? 2 * Math.round(x / 2) : Math.round(x);
}

interface BlockOptions {
  inChannels: number;
  outChannels: number;
  stride: number;
  groups: number;
  /** Channels of the squeeze, 0 if there is none. */
  squeezed: number;
}

function resBottleneck({ inChannels, outChannels, stride, groups, squeezed }: BlockOptions): Module {
  const width = { inChannels: outChannels, outChannels };
  const keepsShape = inChannels === outChannels && stride === 1;
  return module(
    {
      proj: keepsShape ? identity() : conv({ inChannels, outChannels, kernelSize: 1, stride, activation: false }),
      f: sequential({
        a: conv({ inChannels, outChannels, kernelSize: 1 }),
        b: conv({ ...width, stride, groups }),
        ...(squeezed > 0 && { se: squeezeExcitation({ channels: outChannels, squeezed, conv: { weight } }) }),
        c: conv({ ...width, kernelSize: 1, activation: false }),
      }),
    },
    ({ proj, f }, x) => rectify(add(proj(x), f(x))),
    'resBottleneck',
  );
}

const weight = kaimingNormal({ mode: 'fanOut' });

const conv = (options: ConvNormOptions): Module => convNorm({ ...options, weight });
