import { random } from '@imgcls/random';
import { gradients, memory, mul, type Scalar, useBackend } from '@imgcls/tensor';
import { ones, range, reshape, sum, type Tensor4D, tensor1d, tensor4d, variable } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { disposeModule, type Module, namedParameters, namedState } from './module.ts';
import { batchNorm2d, layerNorm } from './norm.ts';
import { training } from './scope.ts';

beforeAll(() => useBackend('cpu'));

// All expected values here are those of torch.nn.BatchNorm2d(2, momentum=.25, eps=1e-3), torch 2.
const images = [1, 2, 3, 4, 5, 7, 1, -2, 0, 1, 2, 2, 8, 0, 0, 3];
const layerAndImages = (): [Module, Tensor4D] => {
  const layer = batchNorm2d(2, { momentum: 0.25, epsilon: 1e-3 });
  layer.children.weight.variable.assign(tensor1(2, -1));
  layer.children.bias.variable.assign(tensor1(0.5, 0.25));
  return [layer, tensor4d(images, [2, 2, 2, 2])];
};

describe('batchNorm2d()', () => {
  test('normalises by the statistics of the batch in training', () => {
    const [layer, x] = layerAndImages();
    const y = training(random(1), () => layer(x));
    expectClose(
      y.dataSync(),
      [
        -0.654615, 0.299564, 0.884872, -0.493464, 2.42436, -1.68301, -0.654615, 1.88562, -1.42436, 0.696078, 0.115128,
        0.299564, 4.73359, 1.09259, -1.42436, -0.0969499,
      ],
    );
  });

  test('moves the running statistics in training, the variance by its unbiased estimate', () => {
    const [layer, x] = layerAndImages();
    training(random(1), () => layer(x));
    const state = namedState(layer);
    expectClose(state.running_mean!.variable.dataSync(), [0.625, 0.53125]);
    expectClose(state.running_var!.variable.dataSync(), [2.6785715, 2.5669642]);
    expect(state.num_batches_tracked!.variable.dataSync()[0]).toBe(1);
  });

  test('normalises by the running statistics in evaluation, and leaves them alone', () => {
    const [layer, x] = layerAndImages();
    training(random(1), () => layer(x));
    const expected = [
      0.958172, -0.666544, 3.40176, -1.9146, 5.84534, -3.78669, 0.958172, 1.82958, -0.26362, -0.0425141, 2.17996,
      -0.666544, 9.51072, 0.581516, -0.26362, -1.29057,
    ];
    expectClose(layer(x).dataSync(), expected);
    expectClose(layer(x).dataSync(), expected);
  });

  test('has PyTorch’s gradients in training, and none for the running statistics', () => {
    const [layer, x] = layerAndImages();
    const input = variable(x);
    const weights = reshape(range(0, 16, 1, 'float32'), [2, 2, 2, 2]);
    const loss = () => training(random(1), () => sum(mul(layer(input), weights))) as Scalar;
    const { gradients: slopes } = gradients(loss, { input, ...namedParameters(layer) });
    expectClose(slopes.weight!.dataSync(), [3.078973, -9.912853]);
    expectClose(slopes.bias!.dataSync(), [56, 64]);
    expectClose(
      slopes.input!.dataSync(),
      [
        -5.21717, 2.79995, -3.90573, 1.61729, -2.59428, 0.239811, -0.598715, 1.20013, 1.05479, -0.177345, 2.36624,
        -1.16519, 3.22161, -1.56859, 5.67325, -2.94606,
      ],
    );
    expectClose(namedState(layer).running_mean!.variable.dataSync(), [0.625, 0.53125]);
  });

  test('does not leak in training, with or without a gradient', () => {
    const [layer, x] = layerAndImages();
    const input = variable(x);
    const before = memory().numTensors;
    training(random(1), () => layer(input)).dispose();
    expect(memory().numTensors).toBe(before);
    const { value, gradients: slopes } = gradients(() => training(random(1), () => sum(layer(input))) as Scalar, {
      input,
    });
    value.dispose();
    slopes.input!.dispose();
    expect(memory().numTensors).toBe(before);
    disposeModule(layer);
    expect(memory().numTensors).toBe(before - 5);
  });

  test('keeps its scale at 1 when that is not trainable', () => {
    const layer = batchNorm2d(2, { trainableWeight: false });
    expect(Object.keys(namedParameters(layer))).toEqual(['bias']);
    expect(Array.from(layer.children.weight.variable.dataSync())).toEqual([1, 1]);
  });

  test('normalises rows of features too', () => {
    expectClose(batchNorm2d(3)(ones([2, 3])).dataSync(), new Array<number>(6).fill(1 / Math.sqrt(1 + 1e-5)));
  });

  test('refuses other channels, and one value per channel in training', () => {
    const layer = batchNorm2d(3);
    expect(() => layer(ones([1, 2, 2, 4]))).toThrow(new RangeError('batchNorm2d: expects 3 channels, got [1,2,2,4]'));
    expect(() => training(random(1), () => layer(ones([1, 1, 1, 3])))).toThrow(
      new RangeError('batchNorm2d: training needs more than one value per channel, got [1,1,1,3]; use larger batches'),
    );
    expect(() => batchNorm2d(0)).toThrow(RangeError);
  });
});

const tensor1 = (...values: number[]) => tensor1d(values);

function expectClose(got: ArrayLike<number>, expected: readonly number[]): void {
  expect(got.length).toBe(expected.length);
  expected.forEach((value, i) => {
    expect(got[i]).toBeCloseTo(value, 4);
  });
}

describe('layerNorm()', () => {
  test('normalises each row, then scales and shifts its features', () => {
    const layer = layerNorm(3, { epsilon: 0 });
    layer.children.weight.variable.assign(tensor1(1, 2, 1));
    layer.children.bias.variable.assign(tensor1(0, 0, 10));
    const y = layer(tensor4d([1, 2, 3, 10, 10, 40], [1, 2, 1, 3]));
    const [outer, half] = [Math.sqrt(1.5), Math.SQRT1_2];
    expectClose(y.dataSync(), [-outer, 0, 10 + outer, -half, -2 * half, 10 + 2 * half]);
  });

  test('refuses other numbers of features', () => {
    expect(() => layerNorm(3)(ones([2, 4]))).toThrow(new RangeError('layerNorm: expects 3 channels, got [2,4]'));
  });
});
