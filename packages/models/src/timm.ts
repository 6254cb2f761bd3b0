import type { HostTensor, StateDict } from '@imgcls/nn';

/** Weights of timm in short. */
export interface TimmRow {
  /** On the Hugging Face hub, behind `timm/`. */
  readonly name: string;
  readonly sha256: string;
  /** What is cut out of the middle of images, and which part of the shorter side that is. */
  readonly crop: number;
  readonly cropFraction: number;
  /** On ImageNet-1K in percent, at that size. */
  readonly top1: number;
  readonly top5: number;
}

/**
 * Weights that timm publishes of networks that are torchvision's too, all bicubic, under Apache-2.0.
 *
 * Checksums are those that the hub shows beside the files; sizes and accuracies are those of timm's `results-imagenet.csv`.
 */
export const TIMM_WEIGHTS: Readonly<Record<string, TimmRow>> = {
  resnet18: {
    name: 'resnet18.a1_in1k',
    sha256: '80c49dee3da4822c009c5a7fe591e9223c5a2cfcf95a4067ca4dfb5a7b89c612',
    crop: 288,
    cropFraction: 1,
    top1: 73.158,
    top5: 91.026,
  },
  resnet50: {
    name: 'resnet50.a1_in1k',
    sha256: '773525d5821de224f8f30c33377b7a795d7863e08522698200d3217d3f2a41bb',
    crop: 288,
    cropFraction: 1,
    top1: 81.214,
    top5: 95.102,
  },
  resnet101: {
    name: 'resnet101.a2_in1k',
    sha256: 'd44a7f2e7eaea0bee834ea5e7fd691d239057014628df0bd194c312773b92c83',
    crop: 288,
    cropFraction: 1,
    top1: 82.236,
    top5: 95.73,
  },
  mobilenet_v2: {
    name: 'mobilenetv2_100.ra_in1k',
    sha256: '55ea4fb3a96010b933710ebf44fc965b070d5cd054d3f35e44f2d1320b4a714e',
    crop: 224,
    cropFraction: 0.875,
    top1: 72.976,
    top5: 91.01,
  },
  efficientnet_b3: {
    name: 'efficientnet_b3.ra2_in1k',
    sha256: '279d2a53898aa89dab43fd6bd7df9f706aea4cb9cf916223988bbcb8e5850469',
    crop: 320,
    cropFraction: 1,
    top1: 82.242,
    top5: 96.118,
  },
  convnext_tiny: {
    name: 'convnext_tiny.in12k_ft_in1k',
    sha256: 'a1aefa409b513cf209b085424eb3efffe4e4a9f511491bc2c12ea35209e6bb95',
    crop: 288,
    cropFraction: 1,
    top1: 84.45,
    top5: 97.34,
  },
  convnext_small: {
    name: 'convnext_small.fb_in1k',
    sha256: '5ec5ed9e97fb835093aaf3e6c3fce406b160b367117b6a2b8c7b703386218d1b',
    crop: 288,
    cropFraction: 1,
    top1: 83.7,
    top5: 96.808,
  },
};

/**
 * A state dict of timm under the names that the same network has here, which are torchvision's.
 *
 * @param model The name of the network here. Networks with the same names in both, such as ResNets, are as they were.
 * @example
 * ```ts
 * import { fromTimm } from '@imgcls/models';
 *
 * const scale = { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) } as const;
 * const renamed = fromTimm('convnext_tiny', new Map([['stages.0.blocks.1.gamma', scale]]));
 * for (const [name, { shape }] of renamed) console.log(name, shape); // => features.1.1.layer_scale [ 2, 1, 1 ]
 * ```
 */
export function fromTimm(model: string, dict: StateDict): StateDict {
  const [, rules] = Object.entries(FAMILIES).find(([family]) => model.startsWith(family)) ?? [];
  if (!rules) return dict;
  return new Map([...dict].map(([name, tensor]) => renamed(rules, name, tensor)));
}

type Rule = readonly [timm: RegExp, ours: string | ((...groups: string[]) => string)];

function renamed(rules: readonly Rule[], name: string, tensor: HostTensor): [string, HostTensor] {
  const rule = rules.find(([timm]) => timm.test(name));
  const ours = rule ? name.replace(rule[0], rule[1] as string) : name;
  return [ours, ours.endsWith('.layer_scale') ? { ...tensor, shape: [...tensor.shape, 1, 1] } : tensor];
}

/** What stands at the place of each part of a block: by its name in timm. */
const inverted = { conv_pw: '0.0', bn1: '0.1', conv_dw: '1.0', bn2: '1.1' };
const MOBILE_FIRST = { conv_dw: '0.0', bn1: '0.1', conv_pw: '1', bn2: '2' };
const MOBILE = { ...inverted, conv_pwl: '2', bn3: '3' };
const EFFICIENT_FIRST = {
  conv_dw: '0.0',
  bn1: '0.1',
  'se.conv_reduce': '1.fc1',
  'se.conv_expand': '1.fc2',
  conv_pw: '2.0',
  bn2: '2.1',
};
const EFFICIENT = { ...inverted, 'se.conv_reduce': '2.fc1', 'se.conv_expand': '2.fc2', conv_pwl: '3.0', bn3: '3.1' };
const CONVNEXT = { conv_dw: 'block.0', norm: 'block.2', 'mlp.fc1': 'block.3', 'mlp.fc2': 'block.5' };

/** How many blocks come before each stage of MobileNet v2. */
const MOBILE_BEFORE = [0, 1, 3, 6, 10, 13, 16];

const at = (places: Readonly<Record<string, string>>, part: string): string => places[part] ?? part;

/** By what the names of their networks begin with. */
const FAMILIES: Readonly<Record<string, readonly Rule[]>> = {
  mobilenet_v2: [
    [/^conv_stem\./, 'features.0.0.'],
    [/^bn1\./, 'features.0.1.'],
    [/^blocks\.0\.0\.(\w+)/, (_, part) => `features.1.conv.${at(MOBILE_FIRST, part!)}`],
    [
      /^blocks\.(\d)\.(\d)\.(\w+)/,
      (_, stage, block, part) =>
        `features.${1 + MOBILE_BEFORE[Number(stage)]! + Number(block)}.conv.${at(MOBILE, part!)}`,
    ],
    [/^conv_head\./, 'features.18.0.'],
    [/^bn2\./, 'features.18.1.'],
    [/^classifier\./, 'classifier.1.'],
  ],
  efficientnet_b: [
    [/^conv_stem\./, 'features.0.0.'],
    [/^bn1\./, 'features.0.1.'],
    [/^blocks\.0\.(\d)\.(se\.\w+|\w+)/, (_, block, part) => `features.1.${block}.block.${at(EFFICIENT_FIRST, part!)}`],
    [
      /^blocks\.(\d)\.(\d+)\.(se\.\w+|\w+)/,
      (_, stage, block, part) => `features.${Number(stage) + 1}.${block}.block.${at(EFFICIENT, part!)}`,
    ],
    [/^conv_head\./, 'features.8.0.'],
    [/^bn2\./, 'features.8.1.'],
    [/^classifier\./, 'classifier.1.'],
  ],
  convnext: [
    [/^stem\./, 'features.0.'],
    [/^stages\.(\d)\.downsample\./, (_, stage) => `features.${2 * Number(stage)}.`],
    [
      /^stages\.(\d)\.blocks\.(\d+)\.gamma$/,
      (_, stage, block) => `features.${2 * Number(stage) + 1}.${block}.layer_scale`,
    ],
    [
      /^stages\.(\d)\.blocks\.(\d+)\.(mlp\.\w+|\w+)/,
      (_, stage, block, part) => `features.${2 * Number(stage) + 1}.${block}.${at(CONVNEXT, part!)}`,
    ],
    [/^head\.norm\./, 'classifier.0.'],
    [/^head\.fc\./, 'classifier.2.'],
  ],
};
