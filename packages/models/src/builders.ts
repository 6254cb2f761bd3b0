import { airbench94 } from './airbench94.ts';
import { alexnet } from './alexnet.ts';
import * as cifarResnets from './cifar-resnets.ts';
import * as convnext from './convnext.ts';
import * as densenet from './densenet.ts';
import * as efficientnet from './efficientnet.ts';
import { googlenet } from './googlenet.ts';
import { inception_v3 } from './inception-v3.ts';
import { maxvit_t } from './maxvit.ts';
import * as mnasnet from './mnasnet.ts';
import { mobilenet_v2 } from './mobilenet-v2.ts';
import * as mobilenetV3 from './mobilenet-v3.ts';
import * as regnet from './regnet.ts';
import * as resnet from './resnet.ts';
import { resnet9 } from './resnet9.ts';
import * as shufflenet from './shufflenet-v2.ts';
import { simpleCnn } from './simple-cnn.ts';
import * as squeezenet from './squeezenet.ts';
import * as swin from './swin-transformer.ts';
import * as vgg from './vgg.ts';
import * as vit from './vision-transformer.ts';

/** The functions that build the networks, by their names in the catalogue. */
export const BUILDERS = {
  simple_cnn: simpleCnn,
  resnet9,
  airbench94,
  ...cifarResnets,
  alexnet,
  ...vgg,
  googlenet,
  inception_v3,
  ...resnet,
  ...densenet,
  ...squeezenet,
  mobilenet_v2,
  ...mobilenetV3,
  ...mnasnet,
  ...shufflenet,
  ...efficientnet,
  ...regnet,
  ...convnext,
  ...vit,
  ...swin,
  maxvit_t,
};

export type ModelName = keyof typeof BUILDERS;
