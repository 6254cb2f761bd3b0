import { random } from '@imgcls/random';
import { memory, useBackend } from '@imgcls/tensor';
import { add, scalar, tensor1d } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Initializer, initialize, normal } from './initializers.ts';
import { disposeModule, module, namedParameters, parameter } from './module.ts';
import { seeded } from './scope.ts';
import { loadStateDict, stateDict } from './state-dict.ts';

beforeAll(() => useBackend('cpu'));

/** An initialiser that counts how often it is asked. */
function counted(): { initializer: Initializer; calls: () => number } {
  let calls = 0;
  const initializer: Initializer = (shape) => {
    calls++;
    return new Float32Array(shape[0]!).fill(7);
  };
  return { initializer, calls: () => calls };
}

const layerOf = (initializer: Initializer) =>
  module({ weight: parameter(initialize([3], initializer)) }, ({ weight }, x) => add(weight, x));

describe('the first values of parameters', () => {
  test('are computed once, when an operation or a reader first needs them', async () => {
    const { initializer, calls } = counted();
    const layer = layerOf(initializer);
    expect(calls()).toBe(0);
    expect(Array.from(layer(scalar(1)).dataSync())).toEqual([8, 8, 8]);
    expect(Array.from(await layer.children.weight.variable.data())).toEqual([7, 7, 7]);
    expect(calls()).toBe(1);
  });

  test('are the same for every reader before that', async () => {
    const layer = seeded(3, () => layerOf(normal(1)));
    const before = await stateDict(layer);
    expect(await stateDict(layer)).toEqual(before);
    expect(Array.from(layer(scalar(0)).dataSync())).toEqual(Array.from(before.get('weight')!.data as Float32Array));
    expect(before.get('weight')!.data).toEqual(normal(1)([3], random(3, 'parameters').fork(0)));
  });

  test('are never computed for a network that is loaded', () => {
    const { initializer, calls } = counted();
    const layer = layerOf(initializer);
    loadStateDict(layer, new Map([['weight', { dtype: 'float32', shape: [3], data: new Float32Array([1, 2, 3]) }]]));
    layer.children.weight.variable.assign(tensor1d([4, 5, 6]));
    expect(Array.from(layer(scalar(0)).dataSync())).toEqual([4, 5, 6]);
    expect(calls()).toBe(0);
  });

  test('count as tensors from the start, and not after the network is disposed', () => {
    const before = memory();
    const layer = layerOf(normal(1));
    expect(memory().numTensors).toBe(before.numTensors + 1);
    expect(memory().numBytes).toBe(before.numBytes + 12);
    layer(scalar(0)).dispose();
    disposeModule(layer);
    disposeModule(layerOf(normal(1))); // one that was never needed
    expect(memory()).toEqual({
      ...before,
      numTensors: before.numTensors + 1,
      numDataBuffers: before.numDataBuffers + 1,
      numBytes: before.numBytes + 4,
    }); // the scalar
  });

  test('belong to variables with names of their own', () => {
    const layer = module({ a: layerOf(normal(1)), b: layerOf(normal(1)) }, (_, x) => x);
    const [a, b] = Object.values(namedParameters(layer));
    expect(a!.name).not.toBe(b!.name);
    expect(a!.id).not.toBe(b!.id);
  });
});
