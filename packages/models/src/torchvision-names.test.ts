import { expect, test } from 'vitest';
import { fromTorchvision } from './torchvision-names.ts';

const tensor = { dtype: 'float32', shape: [1], data: new Float32Array(1) } as const;

test.each([
  ['features.denseblock4.denselayer16.conv.2.weight', 'features.denseblock4.denselayer16.conv2.weight'],
  ['encoder.layers.encoder_layer_0.mlp.linear_1.bias', 'encoder.layers.encoder_layer_0.mlp.0.bias'],
  ['encoder.layers.encoder_layer_0.mlp.linear_2.bias', 'encoder.layers.encoder_layer_0.mlp.3.bias'],
  ['features.denseblock1.denselayer1.norm1.weight', 'features.denseblock1.denselayer1.norm1.weight'],
  ['layer1.0.conv.1.weight', 'layer1.0.conv.1.weight'],
])('fromTorchvision() has %s as %s', (old, now) => {
  expect([...fromTorchvision(new Map([[old, tensor]])).keys()]).toEqual([now]);
});
