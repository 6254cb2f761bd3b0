import { useBackend } from '@imgcls/tensor';
import { ones, tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { adaptStateDict } from './adapt.ts';
import { conv2d } from './conv.ts';
import type { HostTensor, StateDict } from './host-tensor.ts';
import { linear } from './linear.ts';
import { module, parameter } from './module.ts';
import { sequential } from './sequential.ts';
import { loadStateDict, stateDict } from './state-dict.ts';

beforeAll(() => useBackend('cpu'));

const floats = (shape: number[], ...values: number[]): HostTensor => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(values),
});
const network = (inChannels: number) =>
  sequential(
    conv2d({ inChannels, outChannels: 2, kernelSize: [1, 2], bias: false }),
    conv2d({ inChannels: 2, outChannels: 1, kernelSize: 1, bias: false }),
  );
const filters = floats([2, 3, 1, 2], 1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60);
const last = floats([1, 2, 1, 1], 1, 1);

/** A network that has a table of so many positions. */
const transformer = (count: number) => module({ pos_embedding: parameter(ones([1, count, 1])) }, (_, x) => x);
const positions = (...values: number[]): StateDict =>
  new Map([['pos_embedding', floats([1, values.length, 1], ...values)]]);

describe('adaptStateDict()', () => {
  test.each<[number, number[]]>([
    [1, [9, 12, 90, 120]],
    [2, [1.5, 3, 4.5, 6, 15, 30, 45, 60]],
    [4, [0.75, 1.5, 2.25, 3, 3.75, 4.5, 0.75, 1.5, 7.5, 15, 22.5, 30, 37.5, 45, 7.5, 15]],
  ])('makes the first convolution fit %i channels', (inChannels, expected) => {
    const dict: StateDict = new Map([
      ['0.weight', filters],
      ['1.weight', last],
    ]);
    const { stateDict: adapted, changes } = adaptStateDict(dict, network(inChannels));
    expect(adapted.get('0.weight')).toEqual(floats([2, inChannels, 1, 2], ...expected));
    expect(adapted.get('1.weight')).toBe(last);
    expect(changes).toEqual([{ name: '0.weight', from: [2, 3, 1, 2], to: [2, inChannels, 1, 2] }]);
    expect(dict.get('0.weight')).toBe(filters);
  });

  test.each([1, 6])('gives for %i equal channels what three gave', (inChannels) => {
    const dict: StateDict = new Map([
      ['0.weight', filters],
      ['1.weight', last],
    ]);
    const [before, after] = [network(3), network(inChannels)];
    loadStateDict(before, dict);
    loadStateDict(after, adaptStateDict(dict, after).stateDict);
    const image = (channels: number) =>
      tensor(
        [5, 7].flatMap((value) => Array<number>(channels).fill(value)),
        [1, 1, 2, channels],
      );
    expect(after(image(inChannels)).dataSync()[0]).toBeCloseTo(before(image(3)).dataSync()[0]!, 3);
  });

  test('interpolates a grid of positions as PyTorch does, and keeps what stands before it', () => {
    // torch.nn.functional.interpolate(grid, size=(5, 5), mode='bicubic', align_corners=True)
    const finer = [
      0, 0.40625, 1, 1.59375, 2, 1.53125, 1.36426, 1.53125, 2.42188, 3.3125, 4, 3.3125, 3, 3.90625, 5, 6.875, 6.22559,
      5.6875, 5.87305, 6.28125, 9, 8.59375, 8, 7.40625, 7,
    ];
    const grid = [0, 1, 2, 4, 3, 5, 9, 8, 7];
    const data = (count: number, ...values: number[]) =>
      Array.from(
        adaptStateDict(positions(...values), transformer(count)).stateDict.get('pos_embedding')!.data as Float32Array,
      );
    for (const [i, value] of data(25, ...grid).entries()) expect(value).toBeCloseTo(finer[i]!, 4);
    expect(data(26, -7, ...grid)[0]).toBe(-7);
    expect(data(26, -7, ...grid)[7]).toBeCloseTo(1.36426, 4);
    expect(data(4, ...grid)).toEqual([0, 2, 9, 7]);
    expect(data(2, 8, ...grid)).toEqual([8, 0]);
  });

  test('leaves what it can’t interpolate, what fits, and heads for other classes', async () => {
    const odd = positions(1, 2, 3);
    expect(adaptStateDict(odd, transformer(9))).toEqual({ stateDict: odd, changes: [] });
    const head = sequential(linear({ inFeatures: 2, outFeatures: 3 }));
    const other = await stateDict(sequential(linear({ inFeatures: 2, outFeatures: 5 })));
    expect(adaptStateDict(other, head)).toEqual({ stateDict: other, changes: [] });
    const same = await stateDict(network(3));
    expect(adaptStateDict(same, network(3))).toEqual({ stateDict: same, changes: [] });
    const larger: StateDict = new Map([['0.weight', floats([2, 3, 1, 3], ...new Float32Array(18))]]);
    expect(adaptStateDict(larger, network(1)).changes).toEqual([]);
  });
});
