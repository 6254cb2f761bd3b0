import { useBackend } from '@imgcls/tensor';
import { ones, tensor4d } from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { adaptiveAvgPool2d, avgPool2d, globalAvgPool2d, globalMaxPool2d, maxPool2d } from './pool.ts';

beforeAll(() => useBackend('cpu'));

const image = () => tensor4d([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 3, 1]);

test.each([
  { name: 'maxPool2d(2)', layer: maxPool2d({ kernelSize: 2 }), expected: [5] },
  { name: 'maxPool2d(2, stride 1)', layer: maxPool2d({ kernelSize: 2, stride: 1 }), expected: [5, 6, 8, 9] },
  {
    name: 'maxPool2d(3, stride 2, padding 1)',
    layer: maxPool2d({ kernelSize: 3, stride: 2, padding: 1 }),
    expected: [5, 6, 8, 9],
  },
  { name: 'avgPool2d(2)', layer: avgPool2d({ kernelSize: 2 }), expected: [3] },
  {
    name: 'avgPool2d(3, stride 2, padding 1)',
    layer: avgPool2d({ kernelSize: 3, stride: 2, padding: 1 }),
    expected: [12, 16, 24, 28].map((n) => n / 9),
  },
  {
    name: 'avgPool2d without padding in the mean',
    layer: avgPool2d({ kernelSize: 3, stride: 2, padding: 1, countIncludePad: false }),
    expected: [3, 4, 6, 7],
  },
  { name: 'maxPool2d(2, ceilMode)', layer: maxPool2d({ kernelSize: 2, ceilMode: true }), expected: [5, 6, 8, 9] },
  {
    name: 'maxPool2d(2, stride 1, padding 1, ceilMode) without a window that begins in the padding',
    layer: maxPool2d({ kernelSize: 2, stride: 3, padding: 1, ceilMode: true }),
    expected: [1, 3, 7, 9],
  },
  { name: 'adaptiveAvgPool2d(1)', layer: adaptiveAvgPool2d(1), expected: [5] },
  { name: 'adaptiveAvgPool2d(3)', layer: adaptiveAvgPool2d(3), expected: [1, 2, 3, 4, 5, 6, 7, 8, 9] },
  { name: 'adaptiveAvgPool2d(2), whose parts overlap', layer: adaptiveAvgPool2d(2), expected: [3, 4, 6, 7] },
  {
    name: 'adaptiveAvgPool2d([1, 4]), which repeats',
    layer: adaptiveAvgPool2d([1, 4]),
    expected: [4, 4.5, 5.5, 6],
  },
  { name: 'globalAvgPool2d()', layer: globalAvgPool2d(), expected: [5] },
  { name: 'globalMaxPool2d()', layer: globalMaxPool2d(), expected: [9] },
])('$name', ({ layer, expected }) => {
  const values = Array.from(layer(image()).dataSync());
  expect(values.length).toBe(expected.length);
  values.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, 5);
  });
});

test('pooling refuses what is no batch of images', () => {
  expect(() => maxPool2d({ kernelSize: 2 })(ones([4, 4, 1]))).toThrow(
    new TypeError('maxPool2d: expects images [N, H, W, C], got [4,4,1]'),
  );
  expect(() => globalAvgPool2d()(ones([4]))).toThrow('globalAvgPool2d: expects images [N, H, W, C], got [4]');
});
