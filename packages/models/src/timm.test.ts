import { expect, test } from 'vitest';
import { fromTimm } from './timm.ts';

const tensor = { dtype: 'float32', shape: [4], data: new Float32Array(4) } as const;
const named = (model: string, name: string): string[] => [...fromTimm(model, new Map([[name, tensor]])).keys()];

// Compared with all names of timm's networks in pretrained.test.ts of @imgcls/io, where there is a Python with timm.
test.each([
  ['resnet50', 'layer1.0.downsample.0.weight', 'layer1.0.downsample.0.weight'],
  ['mobilenet_v2', 'conv_stem.weight', 'features.0.0.weight'],
  ['mobilenet_v2', 'blocks.0.0.conv_pw.weight', 'features.1.conv.1.weight'],
  ['mobilenet_v2', 'blocks.3.2.bn3.running_var', 'features.9.conv.3.running_var'],
  ['mobilenet_v2', 'bn2.bias', 'features.18.1.bias'],
  ['efficientnet_b3', 'blocks.0.1.se.conv_expand.bias', 'features.1.1.block.1.fc2.bias'],
  ['efficientnet_b3', 'blocks.6.0.conv_pwl.weight', 'features.7.0.block.3.0.weight'],
  ['efficientnet_b3', 'classifier.bias', 'classifier.1.bias'],
  ['convnext_small', 'stem.1.weight', 'features.0.1.weight'],
  ['convnext_small', 'stages.2.blocks.26.mlp.fc2.weight', 'features.5.26.block.5.weight'],
  ['convnext_small', 'stages.3.downsample.1.bias', 'features.6.1.bias'],
  ['convnext_small', 'head.norm.weight', 'classifier.0.weight'],
])('fromTimm() has for %s %s as %s', (model, name, ours) => {
  expect(named(model, name)).toEqual([ours]);
});

test('fromTimm() gives the scales of layers the axes that they have here', () => {
  const [scale] = fromTimm('convnext_tiny', new Map([['stages.0.blocks.2.gamma', tensor]]));
  expect(scale).toEqual(['features.1.2.layer_scale', { ...tensor, shape: [4, 1, 1] }]);
});
