/** What has the functions of the families, by their names in the catalogue. */
export const MODULES = {
  'simple-cnn': async () => ({ simple_cnn: (await import('./simple-cnn.ts')).simpleCnn }),
  resnet9: () => import('./resnet9.ts'),
  airbench94: () => import('./airbench94.ts'),
  'cifar-resnets': () => import('./cifar-resnets.ts'),
  alexnet: () => import('./alexnet.ts'),
  vgg: () => import('./vgg.ts'),
  googlenet: () => import('./googlenet.ts'),
  'inception-v3': () => import('./inception-v3.ts'),
  resnet: () => import('./resnet.ts'),
  densenet: () => import('./densenet.ts'),
  squeezenet: () => import('./squeezenet.ts'),
  'mobilenet-v2': () => import('./mobilenet-v2.ts'),
  'mobilenet-v3': () => import('./mobilenet-v3.ts'),
  mnasnet: () => import('./mnasnet.ts'),
  'shufflenet-v2': () => import('./shufflenet-v2.ts'),
  efficientnet: () => import('./efficientnet.ts'),
  regnet: () => import('./regnet.ts'),
  convnext: () => import('./convnext.ts'),
  'vision-transformer': () => import('./vision-transformer.ts'),
  'swin-transformer': () => import('./swin-transformer.ts'),
  maxvit: () => import('./maxvit.ts'),
};

export type ModuleName = keyof typeof MODULES;
