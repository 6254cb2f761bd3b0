import { memory, useBackend } from '@imgcls/tensor';
import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { conv2d } from './conv.ts';
import type { HostTensor, StateDict } from './host-tensor.ts';
import { linear } from './linear.ts';
import { module, namedState, parameter } from './module.ts';
import { batchNorm2d } from './norm.ts';
import { seeded } from './scope.ts';
import { sequential } from './sequential.ts';
import { loadStateDict, stateDict } from './state-dict.ts';

beforeAll(() => useBackend('cpu'));

const network = (seed: number, classes = 10) =>
  seeded(seed, () =>
    module(
      {
        conv: conv2d({ inChannels: 2, outChannels: 4, kernelSize: [3, 2], bias: false }),
        bn: batchNorm2d(4),
        fc: linear({ inFeatures: 4, outFeatures: classes }),
      },
      (_, x) => x,
    ),
  );

const iota = (shape: number[]): Tensor =>
  tensor(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i),
    shape,
    'float32',
  );

describe('stateDict()', () => {
  test('has PyTorch’s names, shapes and types', async () => {
    const described = [...(await stateDict(network(1)))].map(([name, { dtype, shape }]) => [name, dtype, shape]);
    expect(described).toEqual([
      ['conv.weight', 'float32', [4, 2, 3, 2]],
      ['bn.weight', 'float32', [4]],
      ['bn.bias', 'float32', [4]],
      ['bn.running_mean', 'float32', [4]],
      ['bn.running_var', 'float32', [4]],
      ['bn.num_batches_tracked', 'int64', []],
      ['fc.weight', 'float32', [10, 4]],
      ['fc.bias', 'float32', [10]],
    ]);
  });

  test('writes convolutions as [out, in, height, width] and linear layers as [out, in]', async () => {
    const weights = module(
      { conv: parameter(iota([1, 2, 2, 3]), { layout: 'conv' }), fc: parameter(iota([2, 3]), { layout: 'linear' }) },
      (_, x) => x,
    );
    const dict = await stateDict(weights);
    expect(dict.get('conv')).toEqual({
      dtype: 'float32',
      shape: [3, 2, 1, 2],
      data: new Float32Array([0, 6, 3, 9, 1, 7, 4, 10, 2, 8, 5, 11]),
    });
    expect(dict.get('fc')).toEqual({ dtype: 'float32', shape: [3, 2], data: new Float32Array([0, 3, 1, 4, 2, 5]) });
  });

  test('is a copy: neither changes with the other', async () => {
    const model = network(1);
    const dict = await stateDict(model);
    const bias = dict.get('fc.bias')!;
    const before = Array.from(bias.data as Float32Array);
    const { variable } = namedState(model)['fc.bias']!;
    variable.assign(iota([10]));
    expect(Array.from(bias.data as Float32Array)).toEqual(before);
    (bias.data as Float32Array).fill(9);
    expect(Array.from(variable.dataSync())).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

describe('loadStateDict()', () => {
  test('gives a model the weights of another, bit for bit', async () => {
    const [from, to] = [network(1), network(2)];
    const dict = await stateDict(from);
    expect(await stateDict(to)).not.toEqual(dict);
    expect(loadStateDict(to, dict)).toEqual({ missing: [], unexpected: [], mismatched: [] });
    expect(await stateDict(to)).toEqual(dict);
  });

  test('takes float16, bfloat16 and float64 weights, and integers of any width', async () => {
    const layer = linear({ inFeatures: 1, outFeatures: 2 });
    const dict: StateDict = new Map<string, HostTensor>([
      ['weight', { dtype: 'float16', shape: [2, 1], data: new Uint16Array([0x3c00, 0xc000]) }],
      ['bias', { dtype: 'float64', shape: [2], data: new Float64Array([0.25, 8]) }],
    ]);
    loadStateDict(layer, dict);
    const loaded = await stateDict(layer);
    expect(loaded.get('weight')!.data).toEqual(new Float32Array([1, -2]));
    expect(loaded.get('bias')!.data).toEqual(new Float32Array([0.25, 8]));
    const norm = batchNorm2d(1);
    const state = await stateDict(norm);
    loadStateDict(norm, state.set('num_batches_tracked', { dtype: 'int32', shape: [], data: new Int32Array([7]) }));
    expect((await stateDict(norm)).get('num_batches_tracked')!.data).toEqual(new BigInt64Array([7n]));
  });

  test('does without num_batches_tracked, which old checkpoints lack', async () => {
    const dict = await stateDict(batchNorm2d(2));
    dict.delete('num_batches_tracked');
    expect(loadStateDict(batchNorm2d(2), dict).missing).toEqual([]);
  });

  test('refuses another shape, with both, and loads nothing', async () => {
    const model = network(1);
    const before = await stateDict(model);
    const dict = await stateDict(network(2, 100));
    expect(() => loadStateDict(model, dict)).toThrow(
      new RangeError(
        'loadStateDict: fc.weight has shape [100,4] in the state dict but [10,4] in the model; fc.bias has shape [100] in the state dict but [10] in the model. Build the model with the options that the weights were trained with, or pass { strict: false } to load what fits',
      ),
    );
    expect(await stateDict(model)).toEqual(before);
  });

  test('loads nothing when the values of one tensor are too few', async () => {
    const model = network(1);
    const before = await stateDict(model);
    const dict = (await stateDict(network(2))).set('fc.bias', {
      dtype: 'float32',
      shape: [10],
      data: new Float32Array(9),
    });
    expect(() => loadStateDict(model, dict)).toThrow('9');
    expect(await stateDict(model)).toEqual(before);
  });

  test('names what is missing and what is unexpected, the first of many', async () => {
    const dict = await stateDict(network(1));
    const renamed = new Map([...dict].map(([name, value]) => [`module.${name}`, value]));
    renamed.set('conv.weight', dict.get('conv.weight')!);
    expect(() => loadStateDict(network(1), renamed)).toThrow(
      new RangeError(
        'loadStateDict: the state dict lacks bn.weight, bn.bias, bn.running_mean and 3 more; the model has no module.conv.weight, module.bn.weight, module.bn.bias and 5 more. Pass { prefix: "module." }, or pass { strict: false } to load what fits',
      ),
    );
  });

  test('loads what fits when not strict, and reports the rest', async () => {
    const model = network(1);
    const dict = await stateDict(network(2, 100));
    dict.delete('bn.bias');
    dict.set('head.bias', dict.get('fc.bias')!);
    expect(loadStateDict(model, dict, { strict: false })).toEqual({
      missing: ['bn.bias'],
      unexpected: ['head.bias'],
      mismatched: [
        { name: 'fc.weight', expected: [10, 4], got: [100, 4] },
        { name: 'fc.bias', expected: [10], got: [100] },
      ],
    });
    expect((await stateDict(model)).get('conv.weight')).toEqual(dict.get('conv.weight'));
  });

  test('loads what has a prefix, and nothing else', async () => {
    const dict = await stateDict(network(2));
    const larger = new Map([...dict].map(([name, value]) => [`backbone.${name}`, value]));
    larger.set('head.bias', dict.get('fc.bias')!);
    const model = network(1);
    expect(loadStateDict(model, larger, { prefix: 'backbone.' })).toEqual({
      missing: [],
      unexpected: [],
      mismatched: [],
    });
    expect(await stateDict(model)).toEqual(dict);
    expect(() => loadStateDict(model, larger, { prefix: 'body.' })).toThrow(
      new RangeError(
        'loadStateDict: something must be called "body.…" and kept by rename, got backbone.conv.weight, backbone.bn.weight, backbone.bn.bias and 6 more',
      ),
    );
  });

  test('loads under other names, leaves out what has none, and reports names as the dict has them', async () => {
    const dict = await stateDict(network(2));
    const renamed = new Map([...dict].map(([name, value]) => [name.replace('fc.', 'head.'), value]));
    renamed.set('optimizer', dict.get('fc.bias')!).set('head.scale', dict.get('fc.bias')!);
    const rename = (name: string) => (name === 'optimizer' ? undefined : name.replace('head.', 'fc.'));
    const model = network(1);
    expect(loadStateDict(model, renamed, { rename, strict: false })).toEqual({
      missing: [],
      unexpected: ['head.scale'],
      mismatched: [],
    });
    expect(await stateDict(model)).toEqual(dict);
    expect(() => loadStateDict(model, dict, { rename: () => 'fc.bias' })).toThrow(
      new RangeError('loadStateDict: rename must give every name once, got fc.bias for conv.weight and bn.weight'),
    );
  });

  test('does not leak, and leaves variables the same objects', async () => {
    const model = network(1);
    const dict = await stateDict(network(2));
    const { variable } = namedState(model)['conv.weight']!;
    const before = memory().numTensors;
    loadStateDict(model, dict);
    expect(memory().numTensors).toBe(before);
    expect(namedState(model)['conv.weight']!.variable).toBe(variable);
  });

  test('loads the state of an empty network', () => {
    expect(loadStateDict(sequential(), new Map())).toEqual({ missing: [], unexpected: [], mismatched: [] });
  });
});
