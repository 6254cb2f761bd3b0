import {
  constant,
  conv2d,
  dropout as dropoutLayer,
  globalAvgPool2d,
  type Initializer,
  kaimingUniform,
  type Module,
  maxPool2d,
  module,
  normal,
  relu,
  sequential,
} from '@imgcls/nn';
import { concat, relu as rectify } from '@imgcls/tensor';
import { type Network, network } from './classifier.ts';
import { checkImageSize, type ModelOptions } from './options.ts';

/*
 * SqueezeNet: convolutions of 1×1 squeeze the channels before others expand them.
 * Iandola et al. 2016, https://arxiv.org/abs/1602.07360
 */

export interface SqueezenetOptions extends ModelOptions {
  /** Before the last convolution. Default 0.5. */
  dropout?: number;
}

/** SqueezeNet 1.0, the network of the paper. */
export const squeezenet1_0 = (options: SqueezenetOptions = {}): Network => {
  const stem = conv({ inChannels: options.inputChannels ?? 3, outChannels: 96, kernelSize: 7, stride: 2 });
  return squeezenet('squeezenet1_0', 21, options, [
    ...[stem, relu(), pool()],
    ...[fire(96, 16, 64), fire(128, 16, 64), fire(128, 32, 128), pool()],
    ...[fire(256, 32, 128), fire(256, 48, 192), fire(384, 48, 192), fire(384, 64, 256), pool()],
    fire(512, 64, 256),
  ]);
};

/** SqueezeNet 1.1, as good with 2.4 times fewer multiply-adds, https://github.com/forresti/SqueezeNet. */
export const squeezenet1_1 = (options: SqueezenetOptions = {}): Network => {
  const stem = conv({ inChannels: options.inputChannels ?? 3, outChannels: 64, kernelSize: 3, stride: 2 });
  return squeezenet('squeezenet1_1', 17, options, [
    ...[stem, relu(), pool()],
    ...[fire(64, 16, 64), fire(128, 16, 64), pool()],
    ...[fire(128, 32, 128), fire(256, 32, 128), pool()],
    ...[fire(256, 48, 192), fire(384, 48, 192), fire(384, 64, 256), fire(512, 64, 256)],
  ]);
};

function squeezenet(name: string, smallest: number, options: SqueezenetOptions, layers: Module[]): Network {
  const { numClasses = 1000, imageSize = 224, dropout = 0.5 } = options;
  checkImageSize(name, imageSize, smallest);
  return network(
    name,
    {
      features: sequential(...layers),
    },
    {
      classifier: sequential(
        dropoutLayer(dropout),
        conv({ inChannels: 512, outChannels: numClasses, kernelSize: 1 }, normal(0.01)),
        relu(),
        globalAvgPool2d(),
      ),
    },
    {
      features: ({ features }, images) => features(images), // [N, H, W, 512]: the head is a convolution
      head: ({ classifier }, features) => classifier(features),
      smallest,
    },
  );
}

/** What squeezes to `squeezed` channels, and expands to `expanded` by windows of 1×1 and as many by windows of 3×3. */
function fire(inChannels: number, squeezed: number, expanded: number): Module {
  return module(
    {
      squeeze: conv({ inChannels, outChannels: squeezed, kernelSize: 1 }),
      expand1x1: conv({ inChannels: squeezed, outChannels: expanded, kernelSize: 1 }),
      expand3x3: conv({ inChannels: squeezed, outChannels: expanded, kernelSize: 3, padding: 1 }),
    },
    ({ squeeze, expand1x1, expand3x3 }, x) => {
      const y = rectify(squeeze(x));
      return concat([rectify(expand1x1(y)), rectify(expand3x3(y))], -1);
    },
    'fire',
  );
}

interface ConvOptions {
  inChannels: number;
  outChannels: number;
  kernelSize: number;
  stride?: number;
  padding?: number;
}

const conv = (options: ConvOptions, weight: Initializer = kaimingUniform()): Module =>
  conv2d({ ...options, weight, bias: constant(0) });

const pool = (): Module => maxPool2d({ kernelSize: 3, stride: 2, ceilMode: true });
