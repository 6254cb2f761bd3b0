import { engine, sum as sumOf, tensor1d } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { useKernels } from '../test/instruction-sets.ts';
import { dispose, filled, memory, relu, useBackend } from './index.ts';
import type { KernelsBackend } from './kernels-backend.ts';

const countUp = (values: Float32Array): void => {
  for (let i = 0; i < values.length; i++) values[i] = i;
};

describe('filled()', () => {
  it('is a tensor of what the function writes, on an engine that keeps arrays', async () => {
    await useBackend('cpu');
    const x = filled([2, 2], countUp);
    expect(x.shape).toEqual([2, 2]);
    expect(x.dataSync()).toEqual(Float32Array.of(0, 1, 2, 3));
    x.dispose();
  });
});

describe.each(['native', 'wasm'] as const)('filled() on %s, where calls wait in a queue', (name) => {
  /** Until nothing waits. */
  const settle = (): void => {
    const x = tensor1d([0]);
    x.dataSync();
    x.dispose();
  };
  const kernelMemory = () => (engine().backend as unknown as KernelsBackend).kernels.memory;

  beforeAll(() => useKernels(name, { queued: true, threads: 2 }));

  it('takes no memory but that of the tensors, however many sizes there are', () => {
    settle();
    const before = kernelMemory().allocatedBytes;
    const sizes = [1, 2, 3, 4, 5, 6, 7].map((n) => 2 ** (12 + n));
    const tensors = sizes.map((size) => filled([size], countUp));
    const bytes = 4 * sizes.reduce((sum, size) => sum + size, 0);
    expect(kernelMemory().allocatedBytes - before).toBeLessThanOrEqual(bytes);
    expect(tensors.map((x) => x.dataSync().at(-1))).toEqual(sizes.map((size) => size - 1));
    dispose(tensors);
  });

  it('leaves alone what calls that wait still read, though its memory is free', () => {
    for (let round = 0; round < 20; round++) {
      const x = filled([2 ** 16], (values) => values.fill(round + 1));
      const y = relu(x);
      y.dataSync();
      const z = relu(x);
      const sum = sumOf(z); // waits, with z and x to be read
      dispose([x, z]);
      const next = filled([2 ** 16], (values) => values.fill(1e6));
      expect(sum.dataSync()[0]).toBe(2 ** 16 * (round + 1));
      expect(next.dataSync()[0]).toBe(1e6);
      dispose([y, sum, next]);
    }
  });

  it('passes on what the function throws, and keeps no memory', () => {
    settle();
    const [tensors, bytes] = [memory().numTensors, kernelMemory().usedBytes];
    const fail = () => {
      throw new RangeError('no values');
    };
    expect(() => filled([1000], fail)).toThrow(new RangeError('no values'));
    expect([memory().numTensors, kernelMemory().usedBytes]).toEqual([tensors, bytes]);
  });
});
