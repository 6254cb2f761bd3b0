import { inspect } from 'node:util';
import { useBackend } from '@imgcls/tensor';
import { scalar, Tensor, tensor, tensor1d, zeros } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { relu } from './activations.ts';
import { conv2d } from './conv.ts';
import { inspectSymbol } from './inspect.ts';
import { module, parameter } from './module.ts';
import { batchNorm2d } from './norm.ts';
import { sequential } from './sequential.ts';

beforeAll(() => useBackend('cpu'));

describe('console.log of a module', () => {
  test('prints a tree of its parts', () => {
    const stem = sequential(
      conv2d({
        inChannels: 3,
        outChannels: 8,
        kernelSize: [3, 1],
        padding: [
          [0, 1],
          [2, 3],
        ],
      }),
      batchNorm2d(8),
      relu(),
    );
    const network = module(
      { stem, scale: parameter(zeros([1, 8])), head: undefined },
      ({ stem }, x) => stem(x),
      'network',
    );
    expect(inspect(network)).toBe(`network(
  (stem): sequential(
    (0): conv2d(3, 8, kernelSize=[3, 1], padding=[[0, 1], [2, 3]])
    (1): batchNorm2d(8)
    (2): relu()
  )
  (scale): parameter [1, 8]
)`);
  });

  test('prints a layer on one line', () => {
    expect(inspect(batchNorm2d(4, { momentum: 0.4 }))).toBe('batchNorm2d(4, momentum=0.4)');
  });
});

describe('console.log of a tensor', () => {
  test('prints kind, shape, backend, first values and statistics', () => {
    const values = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    expect(inspect(tensor(values, [2, 5]))).toBe(
      'Tensor float32 [2, 5] on cpu\n  1, 2, 3, 4, 5, 6, 7, 8, …\n  min 1  max 10  mean 5.5  std 2.872',
    );
  });

  test('prints a scalar on one line', () => {
    expect(inspect(scalar(3, 'int32'))).toBe('Tensor int32 [] on cpu: 3');
  });

  test('counts what is not finite', () => {
    expect(inspect(tensor1d([1, Number.NaN, 3, Number.POSITIVE_INFINITY]))).toBe(
      'Tensor float32 [4] on cpu\n  1, NaN, 3, Infinity\n  min 1  max 3  mean 2  std 1  NaN or infinite 2',
    );
    expect(inspect(tensor1d([Number.NaN, Number.NaN]))).toContain('no finite value');
  });

  test('prints strings and booleans', () => {
    expect(inspect(tensor1d(['a', 'b']))).toBe('Tensor string [2] on cpu\n  a, b');
    expect(inspect(tensor1d([true, false]))).toContain('1, 0');
  });

  test('says when it is disposed', () => {
    const gone = scalar(1);
    gone.dispose();
    expect(inspect(gone)).toBe('Tensor float32 [] (disposed)');
  });

  test('prints an empty one', () => {
    expect(inspect(zeros([0, 3]))).toBe('Tensor float32 [0, 3] on cpu: no values');
  });

  test('adds nothing that is seen when tensors are enumerated', () => {
    expect(Object.keys(Tensor.prototype)).not.toContain(inspectSymbol);
    expect(Object.getOwnPropertyDescriptor(Tensor.prototype, inspectSymbol)?.enumerable).toBe(false);
  });
});
