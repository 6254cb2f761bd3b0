import { random } from '@imgcls/random';
import { useBackend } from '@imgcls/tensor';
import { randomNormal } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { conv2d } from './conv.ts';
import { freeze, unfreeze } from './freeze.ts';
import { namedParameters } from './module.ts';
import { batchNorm2d } from './norm.ts';
import { training } from './scope.ts';
import { sequential } from './sequential.ts';

beforeAll(() => useBackend('cpu'));

const network = () =>
  sequential({
    conv1: conv2d({ inChannels: 2, outChannels: 2, kernelSize: 1 }),
    bn1: batchNorm2d(2),
    conv2: conv2d({ inChannels: 2, outChannels: 2, kernelSize: 1, bias: false }),
    bn2: batchNorm2d(2),
  });

describe('freeze() and unfreeze()', () => {
  test('choose parameters by what their full names match, and tell them', () => {
    const model = network();
    expect(freeze(model, /^(conv|bn)1\./)).toEqual(['conv1.weight', 'conv1.bias', 'bn1.weight', 'bn1.bias']);
    expect(Object.keys(namedParameters(model))).toEqual(['conv2.weight', 'bn2.weight', 'bn2.bias']);
    expect(freeze(model)).toHaveLength(7);
    expect(namedParameters(model)).toEqual({});
    expect(unfreeze(model, /bias$/g)).toEqual(['conv1.bias', 'bn1.bias', 'bn2.bias']);
    expect(Object.keys(namedParameters(model))).toEqual(['conv1.bias', 'bn1.bias', 'bn2.bias']);
  });

  test('refuse a pattern that no parameter matches', () => {
    expect(() => freeze(network(), /^fc\./)).toThrow(
      new RangeError('freeze: a parameter must match /^fc\\./, got 7 others from conv1.weight to bn2.bias'),
    );
  });

  test('a frozen batch normalisation evaluates in training, others do not', async () => {
    const layer = batchNorm2d(2);
    const x = randomNormal([4, 3, 3, 2], 5, 2, 'float32', 1);
    freeze(layer, /weight/); // the scale alone: the layer still learns
    training(random(1), () => layer(x));
    const moved = Array.from(await layer.children.running_mean.variable.data());
    expect(moved.every((mean) => mean > 0.3)).toBe(true);
    freeze(layer);
    const y = training(random(1), () => layer(x));
    expect(Array.from(await layer.children.running_mean.variable.data())).toEqual(moved);
    expect(await layer.children.num_batches_tracked.variable.data()).toEqual(Int32Array.of(1));
    expect(y.dataSync()).toEqual(layer(x).dataSync());
  });
});
