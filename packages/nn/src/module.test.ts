import { add, gradients, memory, mul, relu, type Scalar, type Tensor, tidy, useBackend } from '@imgcls/tensor';
import { ones, scalar, sum, tensor1d, variable, zeros } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { conv2d } from './conv.ts';
import { linear } from './linear.ts';
import {
  buffer,
  disposeModule,
  module,
  namedBuffers,
  namedParameters,
  namedState,
  parameter,
  parameterCount,
} from './module.ts';
import { batchNorm2d } from './norm.ts';
import { sequential } from './sequential.ts';

beforeAll(() => useBackend('cpu'));

const residualBlock = (channels: number, downsample = false) =>
  module(
    {
      conv1: conv2d({ inChannels: channels, outChannels: channels, kernelSize: 3, padding: 1, bias: false }),
      bn1: batchNorm2d(channels),
      downsample: downsample ? sequential(batchNorm2d(channels)) : undefined,
    },
    ({ conv1, bn1, downsample }, x) => relu(add(bn1(conv1(x)), downsample ? downsample(x) : x)),
  );

describe('module()', () => {
  test('names parameters and buffers as PyTorch does, in the order of the children', () => {
    const network = module(
      { layer1: sequential(residualBlock(2), residualBlock(2, true)), scale: parameter(scalar(1)) },
      ({ layer1, scale }, x) => mul(layer1(x), scale),
    );
    expect(Object.keys(namedState(network))).toEqual([
      'layer1.0.conv1.weight',
      'layer1.0.bn1.weight',
      'layer1.0.bn1.bias',
      'layer1.0.bn1.running_mean',
      'layer1.0.bn1.running_var',
      'layer1.0.bn1.num_batches_tracked',
      'layer1.1.conv1.weight',
      'layer1.1.bn1.weight',
      'layer1.1.bn1.bias',
      'layer1.1.bn1.running_mean',
      'layer1.1.bn1.running_var',
      'layer1.1.bn1.num_batches_tracked',
      'layer1.1.downsample.0.weight',
      'layer1.1.downsample.0.bias',
      'layer1.1.downsample.0.running_mean',
      'layer1.1.downsample.0.running_var',
      'layer1.1.downsample.0.num_batches_tracked',
      'scale',
    ]);
  });

  test('gives its function parameters as tensors and modules to call', () => {
    const shift = module({ by: parameter(tensor1d([10, 20])) }, ({ by }, x) => add(x, by));
    const twice = module({ shift, factor: parameter(scalar(3)) }, ({ shift, factor }, x) =>
      mul(shift(shift(x)), factor),
    );
    expect(Array.from(twice(tensor1d([1, 2])).dataSync())).toEqual([63, 126]);
  });

  test('releases what its function makes on the way', () => {
    const block = residualBlock(3, true);
    const x = ones([1, 4, 4, 3]);
    const before = memory().numTensors;
    const y = block(x);
    expect(memory().numTensors).toBe(before + 1);
    y.dispose();
    expect(x.isDisposed).toBe(false);
  });

  test('may return its input, which stays the caller’s', () => {
    const x = ones([2]);
    expect(module({}, (_, input) => input)(x)).toBe(x);
    expect(x.isDisposed).toBe(false);
  });

  test('says in an error at which layer it happened, once, and keeps class and cause', () => {
    const network = module({ layer1: sequential(residualBlock(2), residualBlock(3)) }, ({ layer1 }, x) => layer1(x));
    const run = () => network(zeros([1, 4, 4, 2]));
    expect(run).toThrow(new RangeError('layer1.1.conv1: conv2d: expects 3 channels, got [1,4,4,2]'));
    expect(run).toThrow(RangeError);
    expect(captured(run).stack).toContain('layer1.1.conv1: conv2d: expects 3 channels');
  });

  test('finds its way again after an error', () => {
    const fails = module({ a: module({}, () => throwing('first')) }, ({ a }, x) => a(x));
    expect(() => fails(ones([1]))).toThrow('a: first');
    expect(() => fails(ones([1]))).toThrow(/^a: first$/);
  });

  test('leaves thrown values alone that are no errors', () => {
    const reason: unknown = 'text';
    const throws = module({}, () => {
      throw reason;
    });
    expect(() => module({ throws }, ({ throws }, x) => throws(x))(ones([1]))).toThrow('text');
  });

  test.each(['', 'a.b'])('refuses the name "%s" for a child', (name) => {
    expect(() => module({ [name]: parameter(scalar(1)) }, (_, x) => x)).toThrow(
      new RangeError(`module: names of children must be non-empty and without dots, got "${name}"`),
    );
  });
});

describe('parameter()', () => {
  test('takes a tensor over, and a variable as it is', () => {
    const before = memory().numTensors;
    const own = parameter(tensor1d([1, 2]));
    expect(memory().numTensors).toBe(before + 1);
    const foreign = variable(scalar(1));
    expect(parameter(foreign).variable).toBe(foreign);
    own.variable.dispose();
    foreign.dispose();
  });

  test('is not trained when it is not trainable, and can be frozen later', () => {
    const network = module({ a: parameter(scalar(1), { trainable: false }), b: parameter(scalar(1)) }, (_, x) => x);
    expect(Object.keys(namedParameters(network))).toEqual(['b']);
    network.children.b.variable.trainable = false;
    expect(namedParameters(network)).toEqual({});
    expect(parameterCount(network)).toBe(2);
  });
});

test('namedBuffers() has the running statistics only', () => {
  expect(Object.keys(namedBuffers(residualBlock(2)))).toEqual([
    'bn1.running_mean',
    'bn1.running_var',
    'bn1.num_batches_tracked',
  ]);
});

test('a shared module is trained and counted once, under its first name, and saved under each', () => {
  const shared = linear({ inFeatures: 2, outFeatures: 2 });
  const network = module({ a: shared, b: shared }, ({ a, b }, x) => b(a(x)));
  expect(Object.keys(namedParameters(network))).toEqual(['a.weight', 'a.bias']);
  expect(Object.keys(namedState(network))).toEqual(['a.weight', 'a.bias', 'b.weight', 'b.bias']);
  expect(parameterCount(network)).toBe(6);
});

test('gradients() reaches every parameter of a module by name', () => {
  const network = module(
    { a: parameter(scalar(2)), inner: module({ b: parameter(scalar(5)) }, ({ b }, x) => mul(x, b)) },
    ({ a, inner }, x) => mul(inner(x), a),
  );
  const { gradients: slopes } = gradients(() => sum(network(tensor1d([1, 3]))) as Scalar, namedParameters(network));
  expect(values(slopes)).toEqual({ a: [20], 'inner.b': [8] });
});

test('disposeModule() releases every variable, shared ones once', () => {
  const before = memory().numTensors;
  const shared = residualBlock(2, true);
  disposeModule(module({ a: shared, b: shared, c: buffer(scalar(1)) }, (_, x) => x));
  expect(memory().numTensors).toBe(before);
});

test('a module can be called inside tidy', () => {
  const block = residualBlock(2);
  const before = memory().numTensors;
  tidy(() => {
    block(block(ones([1, 2, 2, 2])));
  });
  expect(memory().numTensors).toBe(before);
});

function throwing(message: string): never {
  throw new Error(message);
}

function captured(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

const values = (tensors: Record<string, Tensor>): Record<string, number[]> =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, Array.from(tensor.dataSync())]));
