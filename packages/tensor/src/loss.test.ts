import { add, type Tensor, tensor1d, tensor2d, variable, zeros } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from './backend.ts';
import { gradients } from './gradients.ts';
import { binaryCrossEntropy, type CrossEntropyOptions, crossEntropy } from './loss.ts';

const logits = () => tensor2d([[1, 2, 3], [0, -1, 1.5]]); // biome-ignore format: one line
const labels = () => tensor1d([2, 0], 'int32');
const value = (loss: Tensor) => loss.dataSync()[0]!;

// torch.nn.functional.cross_entropy(logits, labels, weight, label_smoothing=…): the loss and the gradient of the logits
const fromPyTorch: [name: string, smoothing: number, weighted: boolean, loss: number, gradient: number[]][] = [
  ['plain', 0, false, 1.0869869, [0.0450153, 0.1223642, -0.1673795, -0.4145236, 0.031445, 0.3830786]],
  ['smoothed', 0.1, false, 1.1286535, [0.0283486, 0.1056976, -0.1340462, -0.3811903, 0.0147783, 0.3664119]],
  ['weighted', 0, true, 1.3134472, [0.0300102, 0.0815762, -0.1115863, -0.5526981, 0.0419267, 0.5107715]],
  ['both', 0.1, true, 1.4678559, [0.0117893, 0.0480085, -0.0597978, -0.5063542, -0.001819, 0.5081732]],
];

describe('crossEntropy()', () => {
  beforeAll(async () => {
    await useBackend('cpu');
  });

  it('is the logarithm of the number of classes for equal scores', () => {
    expect(value(crossEntropy(zeros([3, 7]), tensor1d([0, 3, 6], 'int32')))).toBeCloseTo(Math.log(7), 6);
  });

  it.each(fromPyTorch)('is what PyTorch computes: %s', (_, labelSmoothing, weighted, loss, gradient) => {
    const x = variable(logits());
    const options: CrossEntropyOptions = { labelSmoothing, classWeights: weighted ? tensor1d([1, 2, 0.5]) : undefined };
    const result = gradients(() => crossEntropy(x, labels(), options), { x });
    expect(value(result.value)).toBeCloseTo(loss, 5);
    for (const [i, slope] of result.gradients.x!.dataSync().entries()) expect(slope).toBeCloseTo(gradient[i]!, 5);
  });

  it('is what PyTorch computes for soft targets, whose mean is over examples even with weights', () => {
    const soft = tensor2d([[0.2, 0.3, 0.5], [1, 0, 0]]); // biome-ignore format: one line
    expect(value(crossEntropy(logits(), soft))).toBeCloseTo(1.4369869, 5);
    const options = { labelSmoothing: 0.1, classWeights: tensor1d([1, 2, 0.5]) };
    expect(value(crossEntropy(logits(), soft, options))).toBeCloseTo(1.6517745, 5);
  });

  it('gives the loss of each example, or their sum', () => {
    const options = { labelSmoothing: 0.1, classWeights: tensor1d([1, 2, 0.5]) };
    const each = crossEntropy(logits(), labels(), { ...options, reduction: 'none' }).dataSync();
    expect(each[0]).toBeCloseTo(0.36431, 5);
    expect(each[1]).toBeCloseTo(1.837474, 5);
    expect(value(crossEntropy(logits(), labels(), { reduction: 'sum' }))).toBeCloseTo(2.173974, 5);
  });

  it('does not change when all logits shift by a constant, and does not overflow', () => {
    const plain = value(crossEntropy(logits(), labels()));
    expect(value(crossEntropy(add(logits(), 1000), labels()))).toBeCloseTo(plain, 4);
    expect(value(crossEntropy(tensor2d([[1e4, -1e4]]), tensor1d([1], 'int32')))).toBe(2e4);
  });

  it('names a label that is no class', () => {
    const message = 'crossEntropy: class indices must lie in [0, 3), got 3; does the network have a score per class?';
    expect(() => crossEntropy(logits(), tensor1d([0, 3], 'int32'))).toThrow(new RangeError(message));
    expect(() => crossEntropy(logits(), tensor1d([-1, 0], 'int32'))).toThrow('got -1;');
  });

  it('refuses what does not belong together', () => {
    const zero = (shape: number[], dtype: 'float32' | 'int32' = 'float32') => zeros(shape, dtype);
    const cases: [() => unknown, Error][] = [
      [() => crossEntropy(zero([3]), labels()), new RangeError('crossEntropy: logits must have the layout [N, K], got [3]')],
      [() => crossEntropy(zero([3, 2]), labels()), new RangeError('crossEntropy: logits and targets must have as many rows, got 3 and 2')],
      [() => crossEntropy(logits(), zero([2, 4])), new RangeError('crossEntropy: targets must have the shape [2, 3] of logits, got [2,4]')],
      [() => crossEntropy(logits(), zero([2])), new TypeError('crossEntropy: targets must be int32 [N] or float32 [N, K], got float32 [2]')],
      [() => crossEntropy(logits(), labels(), { labelSmoothing: 1.1 }), new RangeError('crossEntropy: labelSmoothing must lie in [0, 1], got 1.1')],
      [() => crossEntropy(logits(), labels(), { classWeights: zero([2]) }), new RangeError('crossEntropy: classWeights must have the shape [3], got [2]')],
    ]; // biome-ignore format: a table
    for (const [call, error] of cases) expect(call).toThrow(error);
  });
});

// torch.nn.functional.binary_cross_entropy_with_logits(logits, y * (1 - s) + s / 2, pos_weight=…): the loss and the gradient of the logits
const binaryFromPyTorch: [name: string, smoothing: number, weighted: boolean, loss: number, gradient: number[]][] = [
  ['plain', 0, false, 0.9702665, [-0.0448236, 0.1467995, 0.0079043, 0.0833333, -0.1218431, 0.0945957]],
  ['smoothed', 0.1, false, 0.9723499, [-0.0364902, 0.1384662, -0.000429, 0.075, -0.1135098, 0.0904291]],
  ['weighted', 0, true, 1.1849474, [-0.0448236, 0.1467995, 0.0079043, 0.0833333, -0.2436862, 0.0983963]],
  ['both', 0.1, true, 1.1640225, [-0.0364902, 0.1374728, 0.00354, 0.075, -0.2292607, 0.0946097]],
];

describe('binaryCrossEntropy()', () => {
  beforeAll(async () => {
    await useBackend('cpu');
  });
  const scores = () => tensor2d([[1, 2, -3], [0, -1, 1.5]]); // biome-ignore format: one line
  const marks = () => tensor2d([[1, 0, 0], [0, 1, 0.25]]); // biome-ignore format: one line

  it('is the logarithm of 2 where nothing is known', () => {
    expect(value(binaryCrossEntropy(zeros([3, 7]), zeros([3, 7])))).toBeCloseTo(Math.LN2, 6);
  });

  it.each(binaryFromPyTorch)('is what PyTorch computes: %s', (_, labelSmoothing, weighted, loss, gradient) => {
    const x = variable(scores());
    const options = { labelSmoothing, positiveWeights: weighted ? tensor1d([1, 2, 0.5]) : undefined };
    const result = gradients(() => binaryCrossEntropy(x, marks(), options), { x });
    expect(value(result.value)).toBeCloseTo(loss, 6);
    for (const [i, slope] of result.gradients.x!.dataSync().entries()) expect(slope).toBeCloseTo(gradient[i]!, 6);
  });

  it('neither overflows nor loses what is small', () => {
    expect(value(binaryCrossEntropy(tensor2d([[1e4, -1e4]]), tensor2d([[0, 1]])))).toBe(1e4);
    expect(value(binaryCrossEntropy(tensor2d([[30]]), tensor2d([[1]]))) / Math.exp(-30)).toBeCloseTo(1, 5);
    expect(value(binaryCrossEntropy(tensor2d([[-30]]), tensor2d([[0]]))) / Math.exp(-30)).toBeCloseTo(1, 5);
  });

  it('refuses what does not belong together', () => {
    const cases: [() => unknown, Error][] = [
      [() => binaryCrossEntropy(zeros([3]), marks()), new RangeError('binaryCrossEntropy: logits must have the layout [N, K], got [3]')],
      [() => binaryCrossEntropy(scores(), zeros([2, 4])), new RangeError('binaryCrossEntropy: targets must have the shape [2, 3] of logits, got [2,4]')],
      [() => binaryCrossEntropy(scores(), marks(), { labelSmoothing: -1 }), new RangeError('binaryCrossEntropy: labelSmoothing must lie in [0, 1], got -1')],
      [() => binaryCrossEntropy(scores(), marks(), { positiveWeights: zeros([2]) }), new RangeError('binaryCrossEntropy: positiveWeights must have the shape [3], got [2]')],
    ]; // biome-ignore format: a table
    for (const [call, error] of cases) expect(call).toThrow(error);
  });
});
