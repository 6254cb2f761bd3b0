import { namedState, summary } from '@imgcls/nn';
import { useBackend } from '@imgcls/tensor';
import { zeros } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { simpleCnn } from './simple-cnn.ts';

beforeAll(() => useBackend('cpu'));

describe('simpleCnn()', () => {
  test('has the layers that its options say', () => {
    const model = simpleCnn({
      numClasses: 4,
      inputChannels: 1,
      imageSize: [9, 18],
      channels: [2, 3],
      kernelSize: 5,
      poolSize: 3,
      hidden: [7, 6],
      dropout: 0.25,
    });
    const { rows } = summary(model, [9, 18, 1]);
    expect(rows.map(({ path, layer, outputShape }) => `${path} ${layer} ${outputShape.join('×')}`)).toEqual([
      'features.0 conv2d(1, 2, kernelSize=5, padding=2) 9×18×2',
      'features.1 relu() 9×18×2',
      'features.2 maxPool2d(kernelSize=3) 3×6×2',
      'features.3 conv2d(2, 3, kernelSize=5, padding=2) 3×6×3',
      'features.4 relu() 3×6×3',
      'features.5 maxPool2d(kernelSize=3) 1×2×3',
      'classifier.0 flatten() 6',
      'classifier.1 linear(6, 7) 7',
      'classifier.2 relu() 7',
      'classifier.3 dropout(0.25) 7',
      'classifier.4 linear(7, 6) 6',
      'classifier.5 relu() 6',
      'classifier.6 dropout(0.25) 6',
      'classifier.7 linear(6, 4) 4',
    ]);
  });

  test('keeps the size with a kernel of even size', () => {
    const { rows } = summary(simpleCnn({ imageSize: 8, channels: [2], kernelSize: 4 }), [8, 8, 3]);
    expect(rows[0]?.outputShape).toEqual([8, 8, 2]);
  });

  test('refuses images of another size than it was built for', () => {
    const model = simpleCnn({ imageSize: 8, channels: [2], hidden: [] });
    expect(() => model(zeros([1, 8, 12, 3]))).toThrow(
      new RangeError(
        'simpleCnn: was built for images of 8×8, got 8×12; resize them, or build it with imageSize: [8, 12]',
      ),
    );
  });

  test('may have no convolution or no hidden layer', () => {
    expect(Object.keys(namedState(simpleCnn({ imageSize: 2, channels: [], hidden: [] })))).toEqual([
      'classifier.1.weight',
      'classifier.1.bias',
    ]);
  });
});
