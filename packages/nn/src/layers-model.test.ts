import { random } from '@imgcls/random';
import { gradients, memory, mul, type Scalar, useBackend } from '@imgcls/tensor';
import { mean, ones, scalar, type Tensor, variable } from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import { beforeAll, expect, test } from 'vitest';
import { fromLayersModel } from './layers-model.ts';
import { module, namedParameters, parameter } from './module.ts';
import { training } from './scope.ts';
import { loadStateDict, stateDict } from './state-dict.ts';

beforeAll(() => useBackend('cpu'));

test('a function over variables of one’s own is a module', async () => {
  const factor = variable(scalar(3));
  const model = module({ factor: parameter(factor) }, ({ factor }, x) => mul(x, factor));
  expect(Array.from(model(ones([2])).dataSync())).toEqual([3, 3]);
  expect(namedParameters(model).factor).toBe(factor);
  expect((await stateDict(model)).get('factor')!.data).toEqual(new Float32Array([3]));
});

test('a tf.LayersModel is a module: it evaluates, trains and has a state dict', async () => {
  const model = layers.sequential({
    layers: [
      layers.layers.conv2d({ inputShape: [8, 8, 1], filters: 2, kernelSize: 3, activation: 'relu' }),
      layers.layers.batchNormalization(),
      layers.layers.flatten(),
      layers.layers.dropout({ rate: 0.5 }),
      layers.layers.dense({ units: 3 }),
    ],
  });
  const wrapped = fromLayersModel(model);
  const images = ones([4, 8, 8, 1]);
  expect(wrapped(images).shape).toEqual([4, 3]);
  expect(Array.from(wrapped(images).dataSync())).toEqual(Array.from((model.predict(images) as Tensor).dataSync()));

  const before = memory().numTensors;
  const loss = () => training(random(1), () => mean(wrapped(images)) as Scalar);
  const { value, gradients: slopes } = gradients(loss, namedParameters(wrapped));
  expect(Object.values(slopes).map(({ shape }) => shape)).toEqual(model.trainableWeights.map(({ shape }) => shape));
  value.dispose();
  for (const slope of Object.values(slopes)) slope.dispose();
  expect(memory().numTensors).toBe(before);

  const dict = await stateDict(wrapped);
  for (const { variable } of Object.values(wrapped.children)) variable.assign(ones(variable.shape));
  loadStateDict(wrapped, dict);
  expect(await stateDict(wrapped)).toEqual(dict);
});
