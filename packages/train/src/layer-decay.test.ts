import { conv2d, globalAvgPool2d, linear, sequential } from '@imgcls/nn';
import { useBackend } from '@imgcls/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { layerDecay } from './layer-decay.ts';

beforeAll(async () => {
  await useBackend('cpu');
});

const network = () =>
  sequential({
    conv1: conv2d({ inChannels: 1, outChannels: 2, kernelSize: 1 }),
    conv2: conv2d({ inChannels: 2, outChannels: 2, kernelSize: 1 }),
    pool: globalAvgPool2d(),
    fc: linear({ inFeatures: 2, outFeatures: 3 }),
  });

describe('layerDecay()', () => {
  it('has 1 at the last layer, and the decay once more for each before it', () => {
    const scale = layerDecay(network(), 0.5);
    expect(['conv1.weight', 'conv1.bias', 'conv2.weight', 'fc.bias'].map(scale)).toEqual([0.25, 0.25, 0.5, 1]);
  });

  it('refuses what is no decay, and names that the model has not', () => {
    for (const decay of [0, 1.1, Number.NaN])
      expect(() => layerDecay(network(), decay)).toThrow(
        new RangeError(`layerDecay: decay must lie in (0, 1], got ${decay}`),
      );
    expect(() => layerDecay(network(), 0.5)('head.weight')).toThrow(
      new RangeError(
        'layerDecay: the model must have the parameter "head.weight", got one with conv1.weight, conv1.bias, conv2.weight, …',
      ),
    );
  });
});
