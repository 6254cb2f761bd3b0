import { batchNorm2d, conv2d, globalMaxPool2d, linear, type Module, maxPool2d, module } from '@imgcls/nn';
import { add, relu, scale } from '@imgcls/tensor';
import { type Network, network } from './classifier.ts';
import { checkImageSize, type ModelOptions } from './options.ts';

export interface ResNet9Options extends ModelOptions {
  /** Channels of the four stages. Default `[64, 128, 256, 512]`. */
  channels?: readonly [number, number, number, number];
  /** What the logits are multiplied by: less makes for gentler starts. Default 0.125. */
  logitScale?: number;
}

const SMALLEST = 8; // three poolings of 2

/**
 * David Page's nine-layer residual network, which made fast training on CIFAR-10 popular: 6,573,120 parameters and
 * 379 million multiply-adds for an image of 32×32.
 *
 * Where the original pools the last 4×4 pixels, this one pools all that are left, so that images may have other sizes.
 *
 * @returns A module from images `[N, H, W, inputChannels]`, at least 8×8, to logits `[N, numClasses]`.
 *
 * Page 2018, "How to train your ResNet", https://github.com/davidcpage/cifar10-fast
 */
export function resnet9(options: ResNet9Options = {}): Network {
  const {
    numClasses = 10,
    inputChannels = 3,
    imageSize = 32,
    channels = [64, 128, 256, 512],
    logitScale = 0.125,
  } = options;
  checkImageSize('resnet9', imageSize, SMALLEST);
  const [first, second, third, fourth] = channels;
  return network(
    'resnet9',
    {
      prep: convBn(inputChannels, first),
      layer1: stage(first, second, residual(second)),
      layer2: stage(second, third),
      layer3: stage(third, fourth, residual(fourth)),
      pool: globalMaxPool2d(),
    },
    {
      linear: linear({ inFeatures: fourth, outFeatures: numClasses, bias: false }),
    },
    {
      features: ({ prep, layer1, layer2, layer3, pool }, images) => pool(layer3(layer2(layer1(prep(images))))),
      head: ({ linear }, features) => scale(linear(features), logitScale),
      smallest: SMALLEST,
    },
  );
}

const convBnParts = (inChannels: number, outChannels: number) => ({
  conv: conv2d({ inChannels, outChannels, kernelSize: 3, padding: 1, bias: false }),
  bn: batchNorm2d(outChannels),
});

function convBn(inChannels: number, outChannels: number): Module {
  return module(convBnParts(inChannels, outChannels), ({ conv, bn }, x) => relu(bn(conv(x))), 'convBn');
}

function stage(inChannels: number, outChannels: number, residual?: Module): Module {
  return module(
    { ...convBnParts(inChannels, outChannels), pool: maxPool2d({ kernelSize: 2 }), residual },
    ({ conv, bn, pool, residual }, x) => {
      const y = pool(relu(bn(conv(x))));
      return residual ? residual(y) : y;
    },
    'stage',
  );
}

function residual(channels: number): Module {
  return module(
    { res1: convBn(channels, channels), res2: convBn(channels, channels) },
    ({ res1, res2 }, x) => add(x, res2(res1(x))),
    'residual',
  );
}
