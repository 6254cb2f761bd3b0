import { memory, ones, tensor, tensor4d, transpose, zeros } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { conv2d as defined, grid } from '../test/reference.ts';
import { useBackend } from './backend.ts';
import { conv2d } from './conv.ts';

beforeAll(async () => {
  await useBackend('cpu');
});

// torch.nn.functional.conv2d(arange(18).reshape(1, 2, 3, 3) / 2, (arange(16) % 7 - 3).reshape(4, 1, 2, 2), bias, (2, 1), (1, 1), (1, 2), 2)
const images = Array.from({ length: 18 }, (_, i) => i / 2); // [1, 2, 3, 3], channels first
const filters = Array.from({ length: 16 }, (_, i) => (i % 7) - 3); // [4, 1, 2, 2]
const bias = [0.5, -0.5, 1, 0];
const fromPyTorch = [
  0.5, -2, 6, -10, 0.5, -3.5, 6.5, -24.5, 0, 1, 1, -15, -3.5, -7, 2.5, 3.5, -12, 3, -9.5, -6.5, -9, 12, -12, -11,
]; // [1, 2, 3, 4], channels last
const window = { stride: [2, 1], padding: [[1, 1], [1, 1]], dilation: [1, 2], groups: 2 } as const; // biome-ignore format: one line

describe('conv2d()', () => {
  it('sums the neighbourhood under a filter of ones', () => {
    const y = conv2d(ones([1, 3, 3, 1]), ones([3, 3, 1, 1]), { padding: 1, bias: tensor([10]) });
    expect(Array.from(y.dataSync())).toEqual([14, 16, 14, 16, 19, 16, 14, 16, 14]);
  });

  it('is what PyTorch computes, with groups, stride, padding and dilation', () => {
    const x = transpose(tensor4d(images, [1, 2, 3, 3]), [0, 2, 3, 1]);
    const weight = transpose(tensor4d(filters, [4, 1, 2, 2]), [2, 3, 1, 0]);
    const y = conv2d(x, weight, { ...window, bias: tensor(bias) });
    expect(y.shape).toEqual([1, 2, 3, 4]);
    expect(Array.from(y.dataSync())).toEqual(fromPyTorch);
  });

  it('has a reference that is what PyTorch computes', () => {
    const x = grid([1, 3, 3, 2], (i) => images[(i % 2) * 9 + Math.floor(i / 2)]!);
    const weight = grid([2, 2, 1, 4], (i) => filters[(i % 4) * 4 + Math.floor(i / 4)]!);
    const y = defined(
      x,
      weight,
      grid([4], (o) => bias[o]!),
      window,
    );
    expect(y.shape).toEqual([1, 2, 3, 4]);
    expect(Array.from(y.data)).toEqual(fromPyTorch);
  });

  it('treats one number, two numbers and four sides of padding alike', () => {
    const [x, weight] = [ones([1, 4, 4, 1]), ones([3, 3, 1, 1])];
    const values = ([1, [1, 1], [[1, 1], [1, 1]]] as const).map((padding) => conv2d(x, weight, { padding }).dataSync()); // biome-ignore format: one line
    expect(values[1]).toEqual(values[0]);
    expect(values[2]).toEqual(values[0]);
  });

  it.each([
    [[2, 4, 4, 3], [3, 3, 2, 4], {}, 'conv2d: weight must take inChannels / groups = 3 channels, got 2 in [3,3,2,4]'],
    [[2, 4, 4, 30], [3, 3, 7, 4], { groups: 4 }, 'conv2d: inChannels and outChannels must be divisible by groups, got inChannels=30, outChannels=4, groups=4'],
    [[4, 4, 3], [3, 3, 3, 4], {}, 'conv2d: x must have the layout [N, H, W, C], got [4,4,3]'],
    [[2, 4, 4, 3], [3, 3, 4], {}, 'conv2d: weight must have the layout [kernelHeight, kernelWidth, inChannels / groups, outChannels], got [3,3,4]'],
    [[1, 2, 4, 1], [3, 3, 1, 1], { dilation: [2, 1], padding: [1, 0] }, 'conv2d: the kernel must fit into the padded image, got kernel 3x3, dilation 2x1, image 2x4, padding [[1,1],[0,0]]'],
    [[1, 4, 4, 1], [3, 3, 1, 1], { stride: 0 }, 'conv2d: stride must hold integers of at least 1, got 0'],
    [[1, 4, 4, 1], [3, 3, 1, 1], { dilation: [1, 1.5] }, 'conv2d: dilation must hold integers of at least 1, got [1,1.5]'],
    [[1, 4, 4, 1], [3, 3, 1, 1], { padding: -1 }, 'conv2d: padding must hold integers of at least 0, got -1'],
    [[1, 4, 4, 1], [3, 3, 1, 1], { groups: 0 }, 'conv2d: groups must hold integers of at least 1, got [0]'],
    [[1, 4, 4, 1], [3, 3, 1, 2], { bias: [3] }, 'conv2d: bias must have the shape [2], got [3]'],
  ] as const)('refuses x %j with weight %j and %j', (x, weight, options, message) => {
    const bias = 'bias' in options ? zeros([...options.bias]) : undefined;
    const call = () => conv2d(zeros([...x]), zeros([...weight]), { ...options, bias });
    expect(call).toThrow(RangeError);
    expect(call).toThrow(message);
  }); // biome-ignore format: a table

  it('refuses integers', () => {
    expect(() => conv2d(zeros([1, 3, 3, 1], 'int32'), zeros([1, 1, 1, 1]))).toThrow(
      new TypeError('conv2d: x must be float32, got int32; convert it with cast(), or images with normalize()'),
    );
  });

  it('keeps nothing when it refuses', () => {
    const [x, weight] = [zeros([1, 2, 2, 1]), zeros([3, 3, 1, 1])];
    const before = memory().numTensors;
    expect(() => conv2d(x, weight)).toThrow(RangeError);
    expect(memory().numTensors).toBe(before);
  });
});
