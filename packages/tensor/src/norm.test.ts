import {
  add,
  clone,
  memory,
  mul,
  ones,
  randomNormal,
  scalar,
  tensor,
  tensor2d,
  variable,
  zeros,
} from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from './backend.ts';
import { batchNorm, batchNormTraining, updateRunningStatistics } from './norm.ts';

describe.each(['cpu', 'native', 'wasm'] as const)('batch normalization on %s', (backend) => {
  beforeAll(async () => {
    await useBackend(backend);
  });

  it('gives each channel mean beta and deviation gamma', () => {
    const x = tensor2d([[1, 10], [3, 30]]); // biome-ignore format: one line
    const options = { gamma: tensor([2, 0.5]), beta: tensor([1, -1]), epsilon: 0 };
    const { y, mean, variance } = batchNormTraining(x, options);
    expect(Array.from(mean.dataSync())).toEqual([2, 20]);
    expect(Array.from(variance.dataSync())).toEqual([1, 100]);
    for (const [i, value] of [-1, -1.5, 3, -0.5].entries()) expect(y.dataSync()[i]).toBeCloseTo(value, 6);
  });

  it('does not change when the input is scaled and shifted', () => {
    const x = randomNormal([2, 4, 4, 3], 0, 1, 'float32', 1);
    const [plain, moved] = [x, add(mul(x, 4), 100)].map((input) =>
      batchNormTraining(input, { epsilon: 0 }).y.dataSync(),
    );
    for (const [i, value] of moved!.entries()) expect(value).toBeCloseTo(plain![i]!, 3);
  });

  it('keeps the variance of values far from zero', () => {
    const x = add(mul(randomNormal([8, 32, 32, 2], 0, 1, 'float32', 2), 1e-2), 100);
    const variance = batchNormTraining(x).variance.dataSync();
    for (const each of variance) expect(each / 1e-4).toBeCloseTo(1, 1);
  });

  it('updateRunningStatistics() moves them in place, the variance by its unbiased estimate', () => {
    const running = {
      mean: variable(tensor([1, 2])),
      variance: variable(tensor([4, 8])),
      batches: variable(scalar(6, 'int32')),
    };
    const before = [clone(running.mean), clone(running.batches)];
    const batch = { mean: tensor([3, -2]), variance: tensor([2, 6]) };
    const { numTensors } = memory();
    updateRunningStatistics(running, batch, { momentum: 0.25, count: 3 });
    expect(memory().numTensors).toBe(numTensors);
    expect(Array.from(running.mean.dataSync())).toEqual([1.5, 1]);
    expect(Array.from(running.variance.dataSync())).toEqual([3.75, 8.25]);
    expect(running.batches.dataSync()[0]).toBe(7);
    expect(before.map((each) => Array.from(each.dataSync()))).toEqual([[1, 2], [6]]);
    expect(() =>
      updateRunningStatistics(running, { ...batch, mean: zeros([3]) }, { momentum: 0.25, count: 3 }),
    ).toThrow(new RangeError('updateRunningStatistics: mean must have the shape [2], got [3]'));
  });

  it('in evaluation is the same with the statistics of the batch', () => {
    const x = randomNormal([6, 3], 0, 1, 'float32', 3);
    const { y, mean, variance } = batchNormTraining(x);
    const again = batchNorm(x, { mean, variance }).dataSync();
    for (const [i, value] of y.dataSync().entries()) expect(again[i]).toBeCloseTo(value, 5);
  });
});

describe('batch normalization', () => {
  it('refuses vectors of another length', () => {
    const mean = zeros([2]);
    expect(() => batchNorm(ones([4, 3]), { mean, variance: ones([3]) })).toThrow(
      new RangeError('batchNorm: mean must have the shape [3], got [2]'),
    );
    expect(() => batchNormTraining(ones([4, 3]), { beta: zeros([3, 1]) })).toThrow(
      new RangeError('batchNormTraining: beta must have the shape [3], got [3,1]'),
    );
    expect(() => batchNormTraining(zeros([]))).toThrow(
      new RangeError('batchNormTraining: x must have channels as its last axis, got a scalar'),
    );
  });
});
