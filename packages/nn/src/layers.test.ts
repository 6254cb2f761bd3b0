import { add, useBackend } from '@imgcls/tensor';
import { zeros } from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { relu } from './activations.ts';
import { conv2d } from './conv.ts';
import { namedLayers } from './layers.ts';
import { linear } from './linear.ts';
import { type Module, module, namedParameters, parameter } from './module.ts';
import { batchNorm2d, layerNorm } from './norm.ts';
import { sequential } from './sequential.ts';

beforeAll(() => useBackend('cpu'));

const conv = () => conv2d({ inChannels: 4, outChannels: 4, kernelSize: 1, bias: false });
const dense = () => linear({ inFeatures: 4, outFeatures: 4, bias: false });
const block = (): Module =>
  module(
    { conv1: conv(), bn: batchNorm2d(4), conv2: conv() },
    ({ conv1, bn, conv2 }, x) => add(conv2(bn(conv1(x))), x),
    'block',
  );

test('namedLayers() takes the layers of a row one by one, normalisations with what is before them', () => {
  expect(
    namedLayers(sequential(conv(), batchNorm2d(4), relu(), conv(), relu(), sequential(dense(), relu(), dense()))),
  ).toEqual([['0.weight', '1.weight', '1.bias'], ['3.weight'], ['5.0.weight'], ['5.2.weight']]);
});

test('namedLayers() takes a block as one layer, and goes through what holds a row of blocks', () => {
  const encoder = module(
    { positions: parameter(zeros([4])), layers: sequential(block(), block()), ln: layerNorm(4) },
    ({ positions, layers, ln }, x) => ln(layers(add(x, positions))),
  );
  const network = module(
    { token: parameter(zeros([4])), stem: conv(), encoder: encoder as unknown as Module, fc: dense() },
    ({ token, stem, encoder, fc }, x) => fc(encoder(add(stem(x), token))),
  ) as unknown as Module;
  const layers = namedLayers(network);
  expect(layers.map((names) => names[0])).toEqual([
    'token',
    'encoder.layers.0.conv1.weight',
    'encoder.layers.1.conv1.weight',
    'fc.weight',
  ]);
  expect(layers[0]).toEqual(['token', 'stem.weight', 'encoder.positions']);
  expect(layers[2]!.slice(-2)).toEqual(['encoder.ln.weight', 'encoder.ln.bias']);
  expect(layers.flat()).toEqual(Object.keys(namedParameters(network)));
});
