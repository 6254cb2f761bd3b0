import { airbench94 } from './airbench94.ts';
import { type CifarResnetOptions, cifarResnet } from './cifar-resnet.ts';
import { mobilenet_v2 } from './mobilenet-v2.ts';
import * as resnet from './resnet.ts';
import { resnet9 } from './resnet9.ts';
import { simpleCnn } from './simple-cnn.ts';

/** The functions that build the networks, by their names in the catalogue. */
export const BUILDERS = {
  simple_cnn: simpleCnn,
  resnet9,
  airbench94,
  cifar_resnet20: cifarResnetOf(20),
  cifar_resnet32: cifarResnetOf(32),
  cifar_resnet44: cifarResnetOf(44),
  cifar_resnet56: cifarResnetOf(56),
  ...resnet,
  mobilenet_v2,
};

function cifarResnetOf(depth: number) {
  return (options?: Omit<CifarResnetOptions, 'depth'>) => cifarResnet({ ...options, depth });
}

export type ModelName = keyof typeof BUILDERS;

/** What a family of networks has in common, and the facts of each. */
export interface Family {
  paper: string;
  /** The names of the options beside those that all networks have. */
  options: readonly string[];
  models: { readonly [N in ModelName]?: Facts };
}

/** The parameters and the multiply-adds for one image are those of the default options. */
export interface Facts {
  title: string;
  parameters: number;
  /** In millions. */
  multiplyAdds: number;
  /** Height and width of the images that it is meant for. */
  imageSize: number;
}

const facts = (title: string, parameters: number, multiplyAdds: number, imageSize = 224): Facts => ({
  title,
  parameters,
  multiplyAdds,
  imageSize,
});

/**
 * All networks, by family. The figures of those that torchvision has are what it states of its weights; the other figures
 * are what `summary` counts.
 */
export const FAMILIES: readonly Family[] = [
  {
    paper: 'https://doi.org/10.1109/5.726791',
    options: ['channels', 'kernelSize', 'poolSize', 'hidden', 'dropout'],
    models: { simple_cnn: facts('Convolutions, pooling and fully connected layers', 356_810, 10.9, 32) },
  },
  {
    paper: 'https://github.com/davidcpage/cifar10-fast',
    options: ['channels', 'logitScale'],
    models: { resnet9: facts("ResNet-9, David Page's fast network for CIFAR-10", 6_573_120, 379, 32) },
  },
  {
    paper: 'https://arxiv.org/abs/2404.00498',
    options: ['channels', 'logitScale'],
    models: { airbench94: facts('airbench94, CIFAR-10 to 94 % in the fewest operations', 1_972_792, 118, 32) },
  },
  {
    paper: 'https://arxiv.org/abs/1512.03385',
    options: ['shortcut'],
    models: {
      cifar_resnet20: facts('ResNet-20 for small images', 269_722, 40.6, 32),
      cifar_resnet32: facts('ResNet-32 for small images', 464_154, 68.9, 32),
      cifar_resnet44: facts('ResNet-44 for small images', 658_586, 97.2, 32),
      cifar_resnet56: facts('ResNet-56 for small images', 853_018, 125.5, 32),
    },
  },
  {
    paper: 'https://arxiv.org/abs/1512.03385',
    options: ['zeroInitResidual', 'replaceStrideWithDilation'],
    models: {
      resnet18: facts('ResNet-18', 11_689_512, 1814),
      resnet34: facts('ResNet-34', 21_797_672, 3664),
      resnet50: facts('ResNet-50', 25_557_032, 4089),
      resnet101: facts('ResNet-101', 44_549_160, 7801),
      resnet152: facts('ResNet-152', 60_192_808, 11_514),
    },
  },
  {
    paper: 'https://arxiv.org/abs/1611.05431',
    options: ['zeroInitResidual', 'replaceStrideWithDilation'],
    models: {
      resnext50_32x4d: facts('ResNeXt-50 32×4d', 25_028_904, 4230),
      resnext101_32x8d: facts('ResNeXt-101 32×8d', 88_791_336, 16_414),
      resnext101_64x4d: facts('ResNeXt-101 64×4d', 83_455_272, 15_460),
    },
  },
  {
    paper: 'https://arxiv.org/abs/1605.07146',
    options: ['zeroInitResidual', 'replaceStrideWithDilation'],
    models: {
      wide_resnet50_2: facts('Wide ResNet-50-2', 68_883_240, 11_398),
      wide_resnet101_2: facts('Wide ResNet-101-2', 126_886_696, 22_753),
    },
  },
  {
    paper: 'https://arxiv.org/abs/1801.04381',
    options: ['widthMult', 'dropout'],
    models: { mobilenet_v2: facts('MobileNet v2', 3_504_872, 301) },
  },
];
