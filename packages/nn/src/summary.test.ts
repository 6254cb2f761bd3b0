import { memory, useBackend } from '@imgcls/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import { relu } from './activations.ts';
import { selfAttention } from './attention.ts';
import { conv2d } from './conv.ts';
import { linear } from './linear.ts';
import { module } from './module.ts';
import { batchNorm2d } from './norm.ts';
import { globalAvgPool2d } from './pool.ts';
import { sequential } from './sequential.ts';
import { summary } from './summary.ts';

beforeAll(() => useBackend('cpu'));

const network = () => {
  const conv = conv2d({ inChannels: 4, outChannels: 8, kernelSize: 3, stride: 2, padding: 1, groups: 2, bias: false });
  return sequential(
    sequential(conv, batchNorm2d(8), relu()),
    globalAvgPool2d(),
    linear({ inFeatures: 8, outFeatures: 10 }),
  );
};

describe('summary()', () => {
  test('lists layers with outputs, parameters and multiply-adds', () => {
    const { rows, ...totals } = summary(network(), [6, 4, 4]);
    expect(
      rows.map(({ path, outputShape, parameters, multiplyAdds }) => [path, outputShape, parameters, multiplyAdds]),
    ).toEqual([
      ['0.0', [3, 2, 8], 8 * 2 * 9, 6 * 8 * 2 * 9], // pixels · outputs · inputs of a group · taps
      ['0.1', [3, 2, 8], 16, 0],
      ['0.2', [3, 2, 8], 0, 0],
      ['1', [8], 0, 0],
      ['2', [10], 90, 80],
    ]);
    expect(totals).toMatchObject({ outputShape: [10], parameters: 250, trainable: 250, multiplyAdds: 944 });
  });

  test('prints as a table', () => {
    const model = network();
    (model.children[2] as ReturnType<typeof linear>).children.weight.variable.trainable = false;
    expect(`\n${summary(model, [6, 4, 4])}\n`).toBe(`
name  layer                                                                  output  parameters  multiply-adds
0.0   conv2d(4, 8, kernelSize=3, stride=2, padding=1, groups=2, bias=false)  3×2×8          144            864
0.1   batchNorm2d(8)                                                         3×2×8           16              0
0.2   relu()                                                                 3×2×8            0              0
1     globalAvgPool2d()                                                      8                0              0
2     linear(8, 10)                                                          10              90             80

parameters     250 (80 frozen)
multiply-adds  944 per image
`);
  });

  test('counts the parameters of a shared layer once and its work at each call', () => {
    const shared = linear({ inFeatures: 3, outFeatures: 3 });
    const { rows, parameters, multiplyAdds } = summary(sequential(shared, shared), [3]);
    expect(rows.map((row) => row.parameters)).toEqual([12, 0]);
    expect([parameters, multiplyAdds]).toEqual([12, 18]);
  });

  test('counts the weights of attention at each place, and its own products not', () => {
    const { multiplyAdds } = summary(selfAttention({ features: 8, heads: 2 }), [5, 8]);
    expect(multiplyAdds).toBe(5 * (8 * 24 + 8 * 8));
  });

  test('of a single layer has one row', () => {
    expect(summary(linear({ inFeatures: 3, outFeatures: 2 }), [3]).rows).toMatchObject([
      { path: '', outputShape: [2] },
    ]);
  });

  test('does not leak, and forgets its hook when the network fails', () => {
    const model = network();
    const before = memory().numTensors;
    summary(model, [6, 4, 4]);
    expect(() => summary(model, [6, 4, 3])).toThrow('0.0: conv2d: expects 4 channels, got [1,6,4,3]');
    expect(memory().numTensors).toBe(before);
    const calls = summary(
      module({ model }, ({ model }, x) => model(x)),
      [6, 4, 4],
    );
    expect(calls.rows.length).toBe(5);
  });
});
