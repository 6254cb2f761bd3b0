import {
  adaptiveAvgPool2d,
  conv2d,
  dropout as dropoutLayer,
  flatten,
  linear,
  maxPool2d,
  relu,
  sequential,
} from '@imgcls/nn';
import { type Network, network } from './classifier.ts';
import { checkImageSize, type ModelOptions } from './options.ts';

export interface AlexnetOptions extends ModelOptions {
  /** Before the first two fully connected layers. Default 0.5. */
  dropout?: number;
}

const SMALLEST = 63;

/**
 * AlexNet in its version for one device: 61 million parameters for 1000 classes, most of them in fully connected layers,
 * and 0.7 billion multiply-adds for an image of 224×224.
 *
 * @returns A module from images `[N, H, W, inputChannels]`, at least 63×63, to logits `[N, numClasses]`.
 *
 * Krizhevsky 2014, https://arxiv.org/abs/1404.5997
 */
export function alexnet(options: AlexnetOptions = {}): Network {
  const { numClasses = 1000, inputChannels = 3, imageSize = 224, dropout = 0.5 } = options;
  checkImageSize('alexnet', imageSize, SMALLEST);
  const conv = (inChannels: number, outChannels: number, kernelSize: number, stride = 1) =>
    conv2d({ inChannels, outChannels, kernelSize, stride, padding: Math.floor(Math.min(kernelSize, 5) / 2) });
  const pool = () => maxPool2d({ kernelSize: 3, stride: 2 });
  return network(
    'alexnet',
    {
      features: sequential(
        ...[conv(inputChannels, 64, 11, 4), relu(), pool()],
        ...[conv(64, 192, 5), relu(), pool()],
        ...[conv(192, 384, 3), relu()],
        ...[conv(384, 256, 3), relu()],
        ...[conv(256, 256, 3), relu(), pool()],
      ),
      avgpool: adaptiveAvgPool2d(6),
      flatten: flatten(),
    },
    {
      classifier: sequential(
        ...[dropoutLayer(dropout), linear({ inFeatures: 256 * 6 * 6, outFeatures: 4096 }), relu()],
        ...[dropoutLayer(dropout), linear({ inFeatures: 4096, outFeatures: 4096 }), relu()],
        linear({ inFeatures: 4096, outFeatures: numClasses }),
      ),
    },
    {
      features: ({ features, avgpool, flatten }, images) => flatten(avgpool(features(images))),
      head: ({ classifier }, features) => classifier(features),
      smallest: SMALLEST,
    },
  );
}
