// Written by fixtures/weights.py from what torchvision says of its weights.

/** Weights in short. Accuracy is that on ImageNet-1K in percent. */
export type WeightRow = readonly [
  name: string,
  /** Behind https://download.pytorch.org/models/; what follows its last dash are the first digits of its SHA-256. */
  file: string,
  /** To what the shorter side of images is resized. */
  resize: number,
  /** What is cut out of the middle then. */
  crop: number,
  top1: number,
  top5: number,
  unusual?: {
    readonly interpolation?: 'bicubic';
    readonly mean?: readonly number[];
    readonly std?: readonly number[];
    readonly license?: string;
  },
];

export const TORCHVISION_WEIGHTS: Readonly<Record<string, readonly WeightRow[]>> = {
  alexnet: [['IMAGENET1K_V1', 'alexnet-owt-7be5be79.pth', 256, 224, 56.522, 79.066]],
  convnext_base: [['IMAGENET1K_V1', 'convnext_base-6075fbad.pth', 232, 224, 84.062, 96.87]],
  convnext_large: [['IMAGENET1K_V1', 'convnext_large-ea097f82.pth', 232, 224, 84.414, 96.976]],
  convnext_small: [['IMAGENET1K_V1', 'convnext_small-0c510722.pth', 230, 224, 83.616, 96.65]],
  convnext_tiny: [['IMAGENET1K_V1', 'convnext_tiny-983f1562.pth', 236, 224, 82.52, 96.146]],
  densenet121: [['IMAGENET1K_V1', 'densenet121-a639ec97.pth', 256, 224, 74.434, 91.972]],
  densenet161: [['IMAGENET1K_V1', 'densenet161-8d451a50.pth', 256, 224, 77.138, 93.56]],
  densenet169: [['IMAGENET1K_V1', 'densenet169-b2777c0a.pth', 256, 224, 75.6, 92.806]],
  densenet201: [['IMAGENET1K_V1', 'densenet201-c1103571.pth', 256, 224, 76.896, 93.37]],
  efficientnet_b0: [
    ['IMAGENET1K_V1', 'efficientnet_b0_rwightman-7f5810bc.pth', 256, 224, 77.692, 93.532, { interpolation: 'bicubic' }],
  ],
  efficientnet_b1: [
    ['IMAGENET1K_V1', 'efficientnet_b1_rwightman-bac287d4.pth', 256, 240, 78.642, 94.186, { interpolation: 'bicubic' }],
    ['IMAGENET1K_V2', 'efficientnet_b1-c27df63c.pth', 255, 240, 79.838, 94.934],
  ],
  efficientnet_b2: [
    ['IMAGENET1K_V1', 'efficientnet_b2_rwightman-c35c1473.pth', 288, 288, 80.608, 95.31, { interpolation: 'bicubic' }],
  ],
  efficientnet_b3: [
    ['IMAGENET1K_V1', 'efficientnet_b3_rwightman-b3899882.pth', 320, 300, 82.008, 96.054, { interpolation: 'bicubic' }],
  ],
  efficientnet_b4: [
    ['IMAGENET1K_V1', 'efficientnet_b4_rwightman-23ab8bcd.pth', 384, 380, 83.384, 96.594, { interpolation: 'bicubic' }],
  ],
  efficientnet_b5: [
    ['IMAGENET1K_V1', 'efficientnet_b5_lukemelas-1a07897c.pth', 456, 456, 83.444, 96.628, { interpolation: 'bicubic' }],
  ],
  efficientnet_b6: [
    ['IMAGENET1K_V1', 'efficientnet_b6_lukemelas-24a108a5.pth', 528, 528, 84.008, 96.916, { interpolation: 'bicubic' }],
  ],
  efficientnet_b7: [
    ['IMAGENET1K_V1', 'efficientnet_b7_lukemelas-c5b4e57e.pth', 600, 600, 84.122, 96.908, { interpolation: 'bicubic' }],
  ],
  efficientnet_v2_l: [
    [
      'IMAGENET1K_V1',
      'efficientnet_v2_l-59c71312.pth',
      480,
      480,
      85.808,
      97.788,
      { interpolation: 'bicubic', mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
    ],
  ],
  efficientnet_v2_m: [['IMAGENET1K_V1', 'efficientnet_v2_m-dc08266a.pth', 480, 480, 85.112, 97.156]],
  efficientnet_v2_s: [['IMAGENET1K_V1', 'efficientnet_v2_s-dd5fe13b.pth', 384, 384, 84.228, 96.878]],
  googlenet: [['IMAGENET1K_V1', 'googlenet-1378be20.pth', 256, 224, 69.778, 89.53]],
  inception_v3: [['IMAGENET1K_V1', 'inception_v3_google-0cc3c7bd.pth', 342, 299, 77.294, 93.45]],
  maxvit_t: [['IMAGENET1K_V1', 'maxvit_t-bc5ab103.pth', 224, 224, 83.7, 96.722, { interpolation: 'bicubic' }]],
  mnasnet0_5: [['IMAGENET1K_V1', 'mnasnet0.5_top1_67.823-3ffadce67e.pth', 256, 224, 67.734, 87.49]],
  mnasnet0_75: [['IMAGENET1K_V1', 'mnasnet0_75-7090bc5f.pth', 232, 224, 71.18, 90.496]],
  mnasnet1_0: [['IMAGENET1K_V1', 'mnasnet1.0_top1_73.512-f206786ef8.pth', 256, 224, 73.456, 91.51]],
  mnasnet1_3: [['IMAGENET1K_V1', 'mnasnet1_3-a4c69d6f.pth', 232, 224, 76.506, 93.522]],
  mobilenet_v2: [
    ['IMAGENET1K_V1', 'mobilenet_v2-b0353104.pth', 256, 224, 71.878, 90.286],
    ['IMAGENET1K_V2', 'mobilenet_v2-7ebf99e0.pth', 232, 224, 72.154, 90.822],
  ],
  mobilenet_v3_large: [
    ['IMAGENET1K_V1', 'mobilenet_v3_large-8738ca79.pth', 256, 224, 74.042, 91.34],
    ['IMAGENET1K_V2', 'mobilenet_v3_large-5c1a4163.pth', 232, 224, 75.274, 92.566],
  ],
  mobilenet_v3_small: [['IMAGENET1K_V1', 'mobilenet_v3_small-047dcff4.pth', 256, 224, 67.668, 87.402]],
  regnet_x_16gf: [
    ['IMAGENET1K_V1', 'regnet_x_16gf-2007eb11.pth', 256, 224, 80.058, 94.944],
    ['IMAGENET1K_V2', 'regnet_x_16gf-ba3796d7.pth', 232, 224, 82.716, 96.196],
  ],
  regnet_x_1_6gf: [
    ['IMAGENET1K_V1', 'regnet_x_1_6gf-e3633e7f.pth', 256, 224, 77.04, 93.44],
    ['IMAGENET1K_V2', 'regnet_x_1_6gf-a12f2b72.pth', 232, 224, 79.668, 94.922],
  ],
  regnet_x_32gf: [
    ['IMAGENET1K_V1', 'regnet_x_32gf-9d47f8d0.pth', 256, 224, 80.622, 95.248],
    ['IMAGENET1K_V2', 'regnet_x_32gf-6eb8fdc6.pth', 232, 224, 83.014, 96.288],
  ],
  regnet_x_3_2gf: [
    ['IMAGENET1K_V1', 'regnet_x_3_2gf-f342aeae.pth', 256, 224, 78.364, 93.992],
    ['IMAGENET1K_V2', 'regnet_x_3_2gf-7071aa85.pth', 232, 224, 81.196, 95.43],
  ],
  regnet_x_400mf: [
    ['IMAGENET1K_V1', 'regnet_x_400mf-adf1edd5.pth', 256, 224, 72.834, 90.95],
    ['IMAGENET1K_V2', 'regnet_x_400mf-62229a5f.pth', 232, 224, 74.864, 92.322],
  ],
  regnet_x_800mf: [
    ['IMAGENET1K_V1', 'regnet_x_800mf-ad17e45c.pth', 256, 224, 75.212, 92.348],
    ['IMAGENET1K_V2', 'regnet_x_800mf-94a99ebd.pth', 232, 224, 77.522, 93.826],
  ],
  regnet_x_8gf: [
    ['IMAGENET1K_V1', 'regnet_x_8gf-03ceed89.pth', 256, 224, 79.344, 94.686],
    ['IMAGENET1K_V2', 'regnet_x_8gf-2b70d774.pth', 232, 224, 81.682, 95.678],
  ],
  regnet_y_128gf: [
    [
      'IMAGENET1K_SWAG_E2E_V1',
      'regnet_y_128gf_swag-c8ce3e52.pth',
      384,
      384,
      88.228,
      98.682,
      { interpolation: 'bicubic', license: 'https://github.com/facebookresearch/SWAG/blob/main/LICENSE' },
    ],
    [
      'IMAGENET1K_SWAG_LINEAR_V1',
      'regnet_y_128gf_lc_swag-cbe8ce12.pth',
      224,
      224,
      86.068,
      97.844,
      { interpolation: 'bicubic', license: 'https://github.com/facebookresearch/SWAG/blob/main/LICENSE' },
    ],
  ],
  regnet_y_16gf: [
    ['IMAGENET1K_V1', 'regnet_y_16gf-9e6ed7dd.pth', 256, 224, 80.424, 95.24],
    ['IMAGENET1K_V2', 'regnet_y_16gf-3e4a00f9.pth', 232, 224, 82.886, 96.328],
    [
      'IMAGENET1K_SWAG_E2E_V1',
      'regnet_y_16gf_swag-43afe44d.pth',
      384,
      384,
      86.012,
      98.054,
      { interpolation: 'bicubic', license: 'https://github.com/facebookresearch/SWAG/blob/main/LICENSE' },
    ],
    [
      'IMAGENET1K_SWAG_LINEAR_V1',
      'regnet_y_16gf_lc_swag-f3ec0043.pth',
      224,
      224,
      83.976,
      97.244,
      { interpolation: 'bicubic', license: 'https://github.com/facebookresearch/SWAG/blob/main/LICENSE' },
    ],
  ],
  regnet_y_1_6gf: [
    ['IMAGENET1K_V1', 'regnet_y_1_6gf-b11a554e.pth', 256, 224, 77.95, 93.966],
    ['IMAGENET1K_V2', 'regnet_y_1_6gf-0d7bc02a.pth', 232, 224, 80.876, 95.444],
  ],
  regnet_y_32gf: [
    ['IMAGENET1K_V1', 'regnet_y_32gf-4dee3f7a.pth', 256, 224, 80.878, 95.34],
    ['IMAGENET1K_V2', 'regnet_y_32gf-8db6d4b5.pth', 232, 224, 83.368, 96.498],
    [
      'IMAGENET1K_SWAG_E2E_V1',
      'regnet_y_32gf_swag-04fdfa75.pth',
      384,
      384,
      86.838,
      98.362,
      { interpolation: 'bicubic', license: 'https://github.com/facebookresearch/SWAG/blob/main/LICENSE' },
    ],
    [
      'IMAGENET1K_SWAG_LINEAR_V1',
      'regnet_y_32gf_lc_swag-e1583746.pth',
      224,
      224,
      84.622,
      97.48,
      { interpolation: 'bicubic', license: 'https://github.com/facebookresearch/SWAG/blob/main/LICENSE' },
    ],
  ],
  regnet_y_3_2gf: [
    ['IMAGENET1K_V1', 'regnet_y_3_2gf-b5a9779c.pth', 256, 224, 78.948, 94.576],
    ['IMAGENET1K_V2', 'regnet_y_3_2gf-9180c971.pth', 232, 224, 81.982, 95.972],
  ],
  regnet_y_400mf: [
    ['IMAGENET1K_V1', 'regnet_y_400mf-c65dace8.pth', 256, 224, 74.046, 91.716],
    ['IMAGENET1K_V2', 'regnet_y_400mf-e6988f5f.pth', 232, 224, 75.804, 92.742],
  ],
  regnet_y_800mf: [
    ['IMAGENET1K_V1', 'regnet_y_800mf-1b27b58c.pth', 256, 224, 76.42, 93.136],
    ['IMAGENET1K_V2', 'regnet_y_800mf-58fc7688.pth', 232, 224, 78.828, 94.502],
  ],
  regnet_y_8gf: [
    ['IMAGENET1K_V1', 'regnet_y_8gf-d0d0e4a8.pth', 256, 224, 80.032, 95.048],
    ['IMAGENET1K_V2', 'regnet_y_8gf-dc2b1b54.pth', 232, 224, 82.828, 96.33],
  ],
  resnet101: [
    ['IMAGENET1K_V1', 'resnet101-63fe2227.pth', 256, 224, 77.374, 93.546],
    ['IMAGENET1K_V2', 'resnet101-cd907fc2.pth', 232, 224, 81.886, 95.78],
  ],
  resnet152: [
    ['IMAGENET1K_V1', 'resnet152-394f9c45.pth', 256, 224, 78.312, 94.046],
    ['IMAGENET1K_V2', 'resnet152-f82ba261.pth', 232, 224, 82.284, 96.002],
  ],
  resnet18: [['IMAGENET1K_V1', 'resnet18-f37072fd.pth', 256, 224, 69.758, 89.078]],
  resnet34: [['IMAGENET1K_V1', 'resnet34-b627a593.pth', 256, 224, 73.314, 91.42]],
  resnet50: [
    ['IMAGENET1K_V1', 'resnet50-0676ba61.pth', 256, 224, 76.13, 92.862],
    ['IMAGENET1K_V2', 'resnet50-11ad3fa6.pth', 232, 224, 80.858, 95.434],
  ],
  resnext101_32x8d: [
    ['IMAGENET1K_V1', 'resnext101_32x8d-8ba56ff5.pth', 256, 224, 79.312, 94.526],
    ['IMAGENET1K_V2', 'resnext101_32x8d-110c445d.pth', 232, 224, 82.834, 96.228],
  ],
  resnext101_64x4d: [['IMAGENET1K_V1', 'resnext101_64x4d-173b62eb.pth', 232, 224, 83.246, 96.454]],
  resnext50_32x4d: [
    ['IMAGENET1K_V1', 'resnext50_32x4d-7cdf4587.pth', 256, 224, 77.618, 93.698],
    ['IMAGENET1K_V2', 'resnext50_32x4d-1a0047aa.pth', 232, 224, 81.198, 95.34],
  ],
  shufflenet_v2_x0_5: [['IMAGENET1K_V1', 'shufflenetv2_x0.5-f707e7126e.pth', 256, 224, 60.552, 81.746]],
  shufflenet_v2_x1_0: [['IMAGENET1K_V1', 'shufflenetv2_x1-5666bf0f80.pth', 256, 224, 69.362, 88.316]],
  shufflenet_v2_x1_5: [['IMAGENET1K_V1', 'shufflenetv2_x1_5-3c479a10.pth', 232, 224, 72.996, 91.086]],
  shufflenet_v2_x2_0: [['IMAGENET1K_V1', 'shufflenetv2_x2_0-8be3c8ee.pth', 232, 224, 76.23, 93.006]],
  squeezenet1_0: [['IMAGENET1K_V1', 'squeezenet1_0-b66bff10.pth', 256, 224, 58.092, 80.42]],
  squeezenet1_1: [['IMAGENET1K_V1', 'squeezenet1_1-b8a52dc0.pth', 256, 224, 58.178, 80.624]],
  swin_b: [['IMAGENET1K_V1', 'swin_b-68c6b09e.pth', 238, 224, 83.582, 96.64, { interpolation: 'bicubic' }]],
  swin_s: [['IMAGENET1K_V1', 'swin_s-5e29d889.pth', 246, 224, 83.196, 96.36, { interpolation: 'bicubic' }]],
  swin_t: [['IMAGENET1K_V1', 'swin_t-704ceda3.pth', 232, 224, 81.474, 95.776, { interpolation: 'bicubic' }]],
  swin_v2_b: [['IMAGENET1K_V1', 'swin_v2_b-781e5279.pth', 272, 256, 84.112, 96.864, { interpolation: 'bicubic' }]],
  swin_v2_s: [['IMAGENET1K_V1', 'swin_v2_s-637d8ceb.pth', 260, 256, 83.712, 96.816, { interpolation: 'bicubic' }]],
  swin_v2_t: [['IMAGENET1K_V1', 'swin_v2_t-b137f0e2.pth', 260, 256, 82.072, 96.132, { interpolation: 'bicubic' }]],
  vgg11: [['IMAGENET1K_V1', 'vgg11-8a719046.pth', 256, 224, 69.02, 88.628]],
  vgg11_bn: [['IMAGENET1K_V1', 'vgg11_bn-6002323d.pth', 256, 224, 70.37, 89.81]],
  vgg13: [['IMAGENET1K_V1', 'vgg13-19584684.pth', 256, 224, 69.928, 89.246]],
  vgg13_bn: [['IMAGENET1K_V1', 'vgg13_bn-abd245e5.pth', 256, 224, 71.586, 90.374]],
  vgg16: [['IMAGENET1K_V1', 'vgg16-397923af.pth', 256, 224, 71.592, 90.382]],
  vgg16_bn: [['IMAGENET1K_V1', 'vgg16_bn-6c64b313.pth', 256, 224, 73.36, 91.516]],
  vgg19: [['IMAGENET1K_V1', 'vgg19-dcbb9e9d.pth', 256, 224, 72.376, 90.876]],
  vgg19_bn: [['IMAGENET1K_V1', 'vgg19_bn-c79401a0.pth', 256, 224, 74.218, 91.842]],
  vit_b_16: [
    ['IMAGENET1K_V1', 'vit_b_16-c867db91.pth', 256, 224, 81.072, 95.318],
    [
      'IMAGENET1K_SWAG_E2E_V1',
      'vit_b_16_swag-9ac1b537.pth',
      384,
      384,
      85.304,
      97.65,
      { interpolation: 'bicubic', license: 'https://github.com/facebookresearch/SWAG/blob/main/LICENSE' },
    ],
    [
      'IMAGENET1K_SWAG_LINEAR_V1',
      'vit_b_16_lc_swag-4e70ced5.pth',
      224,
      224,
      81.886,
      96.18,
      { interpolation: 'bicubic', license: 'https://github.com/facebookresearch/SWAG/blob/main/LICENSE' },
    ],
  ],
  vit_b_32: [['IMAGENET1K_V1', 'vit_b_32-d86f8d99.pth', 256, 224, 75.912, 92.466]],
  vit_h_14: [
    [
      'IMAGENET1K_SWAG_E2E_V1',
      'vit_h_14_swag-80465313.pth',
      518,
      518,
      88.552,
      98.694,
      { interpolation: 'bicubic', license: 'https://github.com/facebookresearch/SWAG/blob/main/LICENSE' },
    ],
    [
      'IMAGENET1K_SWAG_LINEAR_V1',
      'vit_h_14_lc_swag-c1eb923e.pth',
      224,
      224,
      85.708,
      97.73,
      { interpolation: 'bicubic', license: 'https://github.com/facebookresearch/SWAG/blob/main/LICENSE' },
    ],
  ],
  vit_l_16: [
    ['IMAGENET1K_V1', 'vit_l_16-852ce7e3.pth', 242, 224, 79.662, 94.638],
    [
      'IMAGENET1K_SWAG_E2E_V1',
      'vit_l_16_swag-4f3808c9.pth',
      512,
      512,
      88.064,
      98.512,
      { interpolation: 'bicubic', license: 'https://github.com/facebookresearch/SWAG/blob/main/LICENSE' },
    ],
    [
      'IMAGENET1K_SWAG_LINEAR_V1',
      'vit_l_16_lc_swag-4d563306.pth',
      224,
      224,
      85.146,
      97.422,
      { interpolation: 'bicubic', license: 'https://github.com/facebookresearch/SWAG/blob/main/LICENSE' },
    ],
  ],
  vit_l_32: [['IMAGENET1K_V1', 'vit_l_32-c7638314.pth', 256, 224, 76.972, 93.07]],
  wide_resnet101_2: [
    ['IMAGENET1K_V1', 'wide_resnet101_2-32ee1156.pth', 256, 224, 78.848, 94.284],
    ['IMAGENET1K_V2', 'wide_resnet101_2-d733dc28.pth', 232, 224, 82.51, 96.02],
  ],
  wide_resnet50_2: [
    ['IMAGENET1K_V1', 'wide_resnet50_2-95faca4d.pth', 256, 224, 78.468, 94.086],
    ['IMAGENET1K_V2', 'wide_resnet50_2-9ba9bcbe.pth', 232, 224, 81.602, 95.758],
  ],
};
