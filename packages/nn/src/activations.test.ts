import { useBackend } from '@imgcls/tensor';
import { tensor1d } from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { elu, gelu, hardSigmoid, hardSwish, leakyRelu, relu, relu6, sigmoid, silu, tanh } from './activations.ts';
import type { Module } from './module.ts';

beforeAll(() => useBackend('cpu'));

// Values of the functions of the same name in torch.nn.functional at -4, -1, 0.5 and 7.
test.each<{ layer: () => Module; expected: number[] }>([
  { layer: relu, expected: [0, 0, 0.5, 7] },
  { layer: relu6, expected: [0, 0, 0.5, 6] },
  { layer: leakyRelu, expected: [-0.04, -0.01, 0.5, 7] },
  { layer: elu, expected: [-0.981684, -0.632121, 0.5, 7] },
  { layer: gelu, expected: [-0.000126685, -0.158655, 0.345731, 7] },
  { layer: silu, expected: [-0.0719448, -0.268941, 0.31123, 6.99362] },
  { layer: sigmoid, expected: [0.0179862, 0.268941, 0.622459, 0.999089] },
  { layer: tanh, expected: [-0.999329, -0.761594, 0.462117, 0.999998] },
  { layer: hardSigmoid, expected: [0, 0.333333, 0.583333, 1] },
  { layer: hardSwish, expected: [0, -0.333333, 0.291667, 7] },
])('$layer.name() is the function of that name, and a module without parts', ({ layer: make, expected }) => {
  const layer = make();
  const values = layer(tensor1d([-4, -1, 0.5, 7])).dataSync();
  expected.forEach((value, i) => {
    expect(values[i]).toBeCloseTo(value, 5);
  });
  expect(layer.children).toEqual({});
});
