import { grad, ones, type Tensor, tensor4d, zeros } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from './backend.ts';
import { registerGradients } from './gradients.ts';
import { avgPool2d, globalAvgPool2d, maxPool2d } from './pool.ts';

const image = () => tensor4d([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 3, 1]);

describe.each(['cpu', 'native', 'wasm'] as const)('pooling on %s', (backend) => {
  beforeAll(async () => {
    await useBackend(backend);
    registerGradients();
  });

  it('maxPool2d() takes the largest value of each window', () => {
    expect(Array.from(maxPool2d(image(), { kernelSize: 2, stride: 1 }).dataSync())).toEqual([5, 6, 8, 9]);
  });

  it('maxPool2d() does not take padding for a value', () => {
    const x = tensor4d([-1, -2, -3, -4], [1, 2, 2, 1]);
    expect(Array.from(maxPool2d(x, { kernelSize: 2, padding: 1 }).dataSync())).toEqual([-1, -2, -3, -4]);
  });

  it('maxPool2d() gives the whole gradient to the first of equal values', () => {
    const x = tensor4d([0, 0, 0, 0, 3, 3, -1, -1], [1, 2, 4, 1]);
    const dy = tensor4d([5, 7], [1, 1, 2, 1]);
    const dx = grad((x: Tensor) => maxPool2d(x, { kernelSize: 2 }))(x, dy);
    expect(Array.from(dx.dataSync()).reduce((a, b) => a + b)).toBe(12);
    expect(Array.from(dx.dataSync())).toEqual([0, 0, 7, 0, 5, 0, 0, 0]);
  });

  it('avgPool2d() counts padding as zeros, or not', () => {
    const options = { kernelSize: 2, padding: [[1, 0], [1, 0]], stride: 2 } as const; // biome-ignore format: one line
    expect(Array.from(avgPool2d(image(), options).dataSync())).toEqual([0.25, 1.25, 2.75, 7]);
    expect(Array.from(avgPool2d(image(), { ...options, countIncludePad: false }).dataSync())).toEqual([1, 2.5, 5.5, 7]);
  });

  it('globalAvgPool2d() is the mean over pixels', () => {
    expect(Array.from(globalAvgPool2d(image()).dataSync())).toEqual([5]);
  });
});

describe('pooling', () => {
  it('refuses padding of more than half a window', () => {
    expect(() => maxPool2d(ones([1, 4, 4, 1]), { kernelSize: 3, padding: 2 })).toThrow(
      new RangeError('maxPool2d: padding must be at most half of kernelSize 3x3, got 2'),
    );
  });

  it('refuses a window that does not fit', () => {
    expect(() => avgPool2d(ones([1, 2, 4, 1]), { kernelSize: 3 })).toThrow(
      new RangeError(
        'avgPool2d: the kernel must fit into the padded image, got kernel 3x3, dilation 1x1, image 2x4, padding [[0,0],[0,0]]',
      ),
    );
  });

  it('refuses what is no batch of images', () => {
    expect(() => globalAvgPool2d(zeros([4, 4]))).toThrow(
      new RangeError('globalAvgPool2d: x must have the layout [N, H, W, C], got [4,4]'),
    );
    expect(() => maxPool2d(zeros([1, 2, 2, 1], 'int32'), { kernelSize: 2 })).toThrow(TypeError);
  });
});
