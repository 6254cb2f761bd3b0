import type { ModelName } from './builders.ts';
import type { ModuleName } from './modules.ts';

/** What a family of networks has in common, and the facts of each. */
export interface Family {
  paper: string;
  /** Where the functions are that build them. */
  module: ModuleName;
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
    module: 'simple-cnn',
    options: ['channels', 'kernelSize', 'poolSize', 'hidden', 'dropout'],
    models: { simple_cnn: facts('Convolutions, pooling and fully connected layers', 356_810, 10.6, 32) },
  },
  {
    paper: 'https://github.com/davidcpage/cifar10-fast',
    module: 'resnet9',
    options: ['channels', 'logitScale'],
    models: { resnet9: facts("ResNet-9, David Page's fast network for CIFAR-10", 6_573_120, 379, 32) },
  },
  {
    paper: 'https://arxiv.org/abs/2404.00498',
    module: 'airbench94',
    options: ['channels', 'logitScale'],
    models: { airbench94: facts('airbench94, CIFAR-10 to 94 % in the fewest operations', 1_972_792, 118, 32) },
  },
  {
    paper: 'https://arxiv.org/abs/1512.03385',
    module: 'cifar-resnets',
    options: ['shortcut'],
    models: {
      cifar_resnet20: facts('ResNet-20 for small images', 269_722, 40.6, 32),
      cifar_resnet32: facts('ResNet-32 for small images', 464_154, 68.9, 32),
      cifar_resnet44: facts('ResNet-44 for small images', 658_586, 97.2, 32),
      cifar_resnet56: facts('ResNet-56 for small images', 853_018, 125.5, 32),
    },
  },
  {
    paper: 'https://arxiv.org/abs/1404.5997',
    module: 'alexnet',
    options: ['dropout'],
    models: {
      alexnet: facts('AlexNet', 61_100_840, 714),
    },
  },
  {
    paper: 'https://arxiv.org/abs/1409.1556',
    module: 'vgg',
    options: ['dropout'],
    models: {
      vgg11: facts('VGG-11', 132_863_336, 7609),
      vgg11_bn: facts('VGG-11 with batch normalisation', 132_868_840, 7609),
      vgg13: facts('VGG-13', 133_047_848, 11_308),
      vgg13_bn: facts('VGG-13 with batch normalisation', 133_053_736, 11_308),
      vgg16: facts('VGG-16', 138_357_544, 15_470),
      vgg16_bn: facts('VGG-16 with batch normalisation', 138_365_992, 15_470),
      vgg19: facts('VGG-19', 143_667_240, 19_632),
      vgg19_bn: facts('VGG-19 with batch normalisation', 143_678_248, 19_632),
    },
  },
  {
    paper: 'https://arxiv.org/abs/1409.4842',
    module: 'googlenet',
    options: ['dropout', 'dropoutAux', 'auxLogits', 'transformInput'],
    models: {
      googlenet: facts('GoogLeNet', 13_004_888, 1498),
    },
  },
  {
    paper: 'https://arxiv.org/abs/1512.00567',
    module: 'inception-v3',
    options: ['dropout', 'auxLogits', 'transformInput'],
    models: {
      inception_v3: facts('Inception v3', 27_161_264, 5713, 299),
    },
  },
  {
    paper: 'https://arxiv.org/abs/1512.03385',
    module: 'resnet',
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
    module: 'resnet',
    options: ['zeroInitResidual', 'replaceStrideWithDilation'],
    models: {
      resnext50_32x4d: facts('ResNeXt-50 32×4d', 25_028_904, 4230),
      resnext101_32x8d: facts('ResNeXt-101 32×8d', 88_791_336, 16_414),
      resnext101_64x4d: facts('ResNeXt-101 64×4d', 83_455_272, 15_460),
    },
  },
  {
    paper: 'https://arxiv.org/abs/1605.07146',
    module: 'resnet',
    options: ['zeroInitResidual', 'replaceStrideWithDilation'],
    models: {
      wide_resnet50_2: facts('Wide ResNet-50-2', 68_883_240, 11_398),
      wide_resnet101_2: facts('Wide ResNet-101-2', 126_886_696, 22_753),
    },
  },
  {
    paper: 'https://arxiv.org/abs/1608.06993',
    module: 'densenet',
    options: ['dropout'],
    models: {
      densenet121: facts('DenseNet-121', 7_978_856, 2834),
      densenet161: facts('DenseNet-161', 28_681_000, 7728),
      densenet169: facts('DenseNet-169', 14_149_480, 3360),
      densenet201: facts('DenseNet-201', 20_013_928, 4291),
    },
  },
  {
    paper: 'https://arxiv.org/abs/1602.07360',
    module: 'squeezenet',
    options: ['dropout'],
    models: {
      squeezenet1_0: facts('SqueezeNet 1.0', 1_248_424, 819),
      squeezenet1_1: facts('SqueezeNet 1.1', 1_235_496, 349),
    },
  },
  {
    paper: 'https://arxiv.org/abs/1801.04381',
    module: 'mobilenet-v2',
    options: ['widthMult', 'dropout'],
    models: { mobilenet_v2: facts('MobileNet v2', 3_504_872, 301) },
  },
  {
    paper: 'https://arxiv.org/abs/1905.02244',
    module: 'mobilenet-v3',
    options: ['widthMult', 'dropout', 'reducedTail', 'dilated'],
    models: {
      mobilenet_v3_large: facts('MobileNet v3 large', 5_483_032, 217),
      mobilenet_v3_small: facts('MobileNet v3 small', 2_542_856, 57),
    },
  },
  {
    paper: 'https://arxiv.org/abs/1807.11626',
    module: 'mnasnet',
    options: ['dropout'],
    models: {
      mnasnet0_5: facts('MNASNet 0.5', 2_218_512, 104),
      mnasnet0_75: facts('MNASNet 0.75', 3_170_208, 215),
      mnasnet1_0: facts('MNASNet 1.0', 4_383_312, 314),
      mnasnet1_3: facts('MNASNet 1.3', 6_282_256, 526),
    },
  },
  {
    paper: 'https://arxiv.org/abs/1807.11164',
    module: 'shufflenet-v2',
    options: [],
    models: {
      shufflenet_v2_x0_5: facts('ShuffleNet v2 ×0.5', 1_366_792, 40),
      shufflenet_v2_x1_0: facts('ShuffleNet v2 ×1.0', 2_278_604, 145),
      shufflenet_v2_x1_5: facts('ShuffleNet v2 ×1.5', 3_503_624, 296),
      shufflenet_v2_x2_0: facts('ShuffleNet v2 ×2.0', 7_393_996, 583),
    },
  },
  {
    paper: 'https://arxiv.org/abs/1905.11946',
    module: 'efficientnet',
    options: ['dropout', 'stochasticDepth'],
    models: {
      efficientnet_b0: facts('EfficientNet B0', 5_288_548, 386),
      efficientnet_b1: facts('EfficientNet B1', 7_794_184, 687, 240),
      efficientnet_b2: facts('EfficientNet B2', 9_109_994, 1088, 288),
      efficientnet_b3: facts('EfficientNet B3', 12_233_232, 1827, 300),
      efficientnet_b4: facts('EfficientNet B4', 19_341_616, 4394, 380),
      efficientnet_b5: facts('EfficientNet B5', 30_389_784, 10_266, 456),
      efficientnet_b6: facts('EfficientNet B6', 43_040_704, 19_068, 528),
      efficientnet_b7: facts('EfficientNet B7', 66_347_960, 37_746, 600),
    },
  },
  {
    paper: 'https://arxiv.org/abs/2104.00298',
    module: 'efficientnet',
    options: ['dropout', 'stochasticDepth'],
    models: {
      efficientnet_v2_s: facts('EfficientNet v2 S', 21_458_488, 8366, 384),
      efficientnet_v2_m: facts('EfficientNet v2 M', 54_139_356, 24_582, 480),
      efficientnet_v2_l: facts('EfficientNet v2 L', 118_515_272, 56_080, 480),
    },
  },
  {
    paper: 'https://arxiv.org/abs/2003.13678',
    module: 'regnet',
    options: [],
    models: {
      regnet_x_400mf: facts('RegNetX 400MF', 5_495_976, 414),
      regnet_x_800mf: facts('RegNetX 800MF', 7_259_656, 800),
      regnet_x_1_6gf: facts('RegNetX 1.6GF', 9_190_136, 1603),
      regnet_x_3_2gf: facts('RegNetX 3.2GF', 15_296_552, 3177),
      regnet_x_8gf: facts('RegNetX 8GF', 39_572_648, 7995),
      regnet_x_16gf: facts('RegNetX 16GF', 54_278_536, 15_941),
      regnet_x_32gf: facts('RegNetX 32GF', 107_811_560, 31_736),
      regnet_y_400mf: facts('RegNetY 400MF', 4_344_144, 402),
      regnet_y_800mf: facts('RegNetY 800MF', 6_432_512, 834),
      regnet_y_1_6gf: facts('RegNetY 1.6GF', 11_202_430, 1612),
      regnet_y_3_2gf: facts('RegNetY 3.2GF', 19_436_338, 3176),
      regnet_y_8gf: facts('RegNetY 8GF', 39_381_472, 8473),
      regnet_y_16gf: facts('RegNetY 16GF', 83_590_140, 15_912),
      regnet_y_32gf: facts('RegNetY 32GF', 145_046_770, 32_280),
      regnet_y_128gf: facts('RegNetY 128GF', 644_812_894, 374_570, 384),
    },
  },
  {
    paper: 'https://arxiv.org/abs/2201.03545',
    module: 'convnext',
    options: ['stochasticDepth', 'layerScale'],
    models: {
      convnext_tiny: facts('ConvNeXt tiny', 28_589_128, 4456),
      convnext_small: facts('ConvNeXt small', 50_223_688, 8684),
      convnext_base: facts('ConvNeXt base', 88_591_464, 15_355),
      convnext_large: facts('ConvNeXt large', 197_767_336, 34_361),
    },
  },
  {
    paper: 'https://arxiv.org/abs/2010.11929',
    module: 'vision-transformer',
    options: ['dropout', 'attentionDropout', 'representationSize'],
    models: {
      vit_b_16: facts('ViT B/16', 86_567_656, 17_564),
      vit_b_32: facts('ViT B/32', 88_224_232, 4409),
      vit_l_16: facts('ViT L/16', 304_326_632, 61_555),
      vit_l_32: facts('ViT L/32', 306_535_400, 15_378),
      vit_h_14: facts('ViT H/14', 632_045_800, 167_295),
    },
  },
  {
    paper: 'https://arxiv.org/abs/2103.14030',
    module: 'swin-transformer',
    options: ['dropout', 'attentionDropout', 'stochasticDepth'],
    models: {
      swin_t: facts('Swin T', 28_288_354, 4491),
      swin_s: facts('Swin S', 49_606_258, 8741),
      swin_b: facts('Swin B', 87_768_224, 15_431),
    },
  },
  {
    paper: 'https://arxiv.org/abs/2111.09883',
    module: 'swin-transformer',
    options: ['dropout', 'attentionDropout', 'stochasticDepth'],
    models: {
      swin_v2_t: facts('Swin v2 T', 28_351_570, 5940, 256),
      swin_v2_s: facts('Swin v2 S', 49_737_442, 11_546, 256),
      swin_v2_b: facts('Swin v2 B', 87_930_848, 20_325, 256),
    },
  },
  {
    paper: 'https://arxiv.org/abs/2204.01697',
    module: 'maxvit',
    options: ['dropout', 'attentionDropout', 'stochasticDepth'],
    models: {
      maxvit_t: facts('MaxViT T', 30_919_624, 5558),
    },
  },
];
