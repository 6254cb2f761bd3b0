import { random } from '@imgcls/random';
import { memory, ones, zeros } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from './backend.ts';
import { dropout } from './dropout.ts';

beforeAll(async () => {
  await useBackend('cpu');
});

describe('dropout()', () => {
  it('drops the share of values that it is told, and keeps the mean', () => {
    const values = Array.from(dropout(ones([10_000]), { rate: 0.3, random: random(1) }).dataSync());
    const dropped = values.filter((value) => value === 0).length;
    expect(dropped / 10_000).toBeCloseTo(0.3, 1);
    expect(values.reduce((a, b) => a + b) / 10_000).toBeCloseTo(1, 1);
  });

  it('chooses for each value by itself, and anew for each key', () => {
    const n = 40_000;
    const choices = (seed: number) =>
      Float64Array.from(dropout(ones([n]), { rate: 0.5, random: random(seed) }).dataSync(), (value) => value - 1);
    const correlation = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0) / n;
    const [first, second] = [choices(1), choices(2)];
    const shifted = (by: number) => Float64Array.from(first, (_, i) => first[(i + by) % n]!);
    const limit = 4 / Math.sqrt(n); // four standard deviations
    for (const other of [second, ...[1, 2, 16, 64, 1024].map(shifted)])
      expect(Math.abs(correlation(first, other))).toBeLessThan(limit);
  });

  it('drops the same values on every backend, others with each call', async () => {
    const stream = random(7, 'dropout');
    const onCpu = dropout(ones([50]), { rate: 0.5, random: random(7, 'dropout') }).dataSync();
    await useBackend('wasm');
    const onWasm = dropout(ones([50]), { rate: 0.5, random: stream }).dataSync();
    const next = dropout(ones([50]), { rate: 0.5, random: stream }).dataSync();
    expect(onWasm).toEqual(onCpu);
    expect(next).not.toEqual(onCpu);
  });

  it('at rate 0 returns a tensor of its own', () => {
    const x = ones([3]);
    const before = memory().numTensors;
    const y = dropout(x, { rate: 0, random: random(1) });
    expect(Array.from(y.dataSync())).toEqual([1, 1, 1]);
    y.dispose();
    expect(memory().numTensors).toBe(before);
    expect(x.isDisposed).toBe(false);
  });

  it.each([-0.1, 1, Number.NaN])('refuses the rate %d', (rate) => {
    expect(() => dropout(zeros([2]), { rate, random: random(1) })).toThrow(
      new RangeError(`dropout: rate must lie in [0, 1), got ${rate}`),
    );
  });
});
