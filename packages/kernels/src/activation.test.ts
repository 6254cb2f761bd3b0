import { describe, expect, it } from 'vitest';
import { type Activation, activation, activationGradient, activations } from './activation.ts';
import type { Buffer, Storage } from './buffer.ts';
import { get, isRepeated, normals, put, repeat, rounded, sameBits } from './test/buffers.ts';
import { everyCarrier } from './test/carriers.ts';

/** The definitions, and their derivatives. */
const definitions: Record<string, [(x: number) => number, (x: number) => number]> = {
  none: [(x) => x, () => 1],
  relu: [(x) => Math.max(x, 0), (x) => Number(x > 0)],
  relu6: [(x) => Math.min(Math.max(x, 0), 6), (x) => Number(x > 0 && x < 6)],
  leakyRelu: [(x) => (x > 0 ? x : 0.25 * x), (x) => (x > 0 ? 1 : 0.25)],
  elu: [(x) => (x > 0 ? x : Math.expm1(x)), (x) => (x > 0 ? 1 : Math.exp(x))],
  gelu: [(x) => x * below(x), (x) => below(x) + (x * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI)],
  silu: [(x) => x * logistic(x), (x) => logistic(x) * (1 + x * (1 - logistic(x)))],
  sigmoid: [(x) => logistic(x), (x) => logistic(x) * (1 - logistic(x))],
  tanh: [(x) => Math.tanh(x), (x) => 1 - Math.tanh(x) ** 2],
  hardSigmoid: [(x) => ramp(x), (x) => (Math.abs(x) < 3 ? 1 / 6 : 0)],
  hardSwish: [(x) => x * ramp(x), (x) => ramp(x) + (Math.abs(x) < 3 ? x / 6 : 0)],
};
const fromOutput = new Set(['relu', 'elu', 'sigmoid', 'tanh']);

const logistic = (x: number): number => 1 / (1 + Math.exp(-x));
const ramp = (x: number): number => Math.min(Math.max(x / 6 + 0.5, 0), 1);

/** The normal distribution, by its series, or its continued fraction far from 0. */
function below(x: number): number {
  if (x > 4) return 1 - below(-x);
  const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  if (x < -4) {
    let fraction = -x;
    for (let k = 60; k > 0; k--) fraction = -x + k / fraction;
    return density / fraction;
  }
  let term = x;
  let sum = x;
  for (let k = 3; k < 200; k += 2) {
    term *= (x * x) / k;
    sum += term;
  }
  return 0.5 + density * sum;
}

const storages: Storage[] = ['float32', 'bf16'];

describe.each(await everyCarrier())('$name', ({ kernels }) => {
  const apply = (f: Activation, values: ArrayLike<number>, storage: Storage = 'float32'): Float64Array => {
    const buffer = put(kernels, values, storage);
    activation(kernels, values.length, f, { x: buffer, y: buffer });
    return get(kernels, buffer, values.length);
  };
  const gradient = (
    f: Activation,
    dy: ArrayLike<number>,
    x: ArrayLike<number>,
    storage: Storage = 'float32',
  ): Float64Array => {
    const input = put(kernels, x, storage);
    const output = put(kernels, x, storage);
    activation(kernels, x.length, f, { x: input, y: output });
    const dx = put(kernels, dy, storage);
    const saved = fromOutput.has(f.activation!) ? output : input;
    activationGradient(kernels, x.length, f, { dy: dx, saved, dx });
    return get(kernels, dx, x.length);
  };

  it.each(storages)('writes past the caches what it writes into them, in %s', (storage) => {
    const [length, times] = [2 ** 18, storage === 'bf16' ? 32 : 16];
    const bytes = length * (storage === 'bf16' ? 2 : 4);
    const one = put(kernels, normals(length, 6), storage);
    const many = repeat(kernels, one, bytes, times);
    const f = { activation: 'relu' } as const;
    const compute = (size: number, x: Buffer, y: Buffer, dx: Buffer) => {
      activation(kernels, size, f, { x, y });
      activationGradient(kernels, size, f, { dy: x, saved: y, dx });
      return [y, dx];
    };
    const expected = compute(length, one, repeat(kernels, one, bytes, 1), repeat(kernels, one, bytes, 1));
    const got = compute(times * length, many, repeat(kernels, many, bytes, times), repeat(kernels, many, bytes, times));
    expect(got.map((all, i) => isRepeated(kernels, all, expected[i]!, bytes, times))).toEqual([true, true]);
    for (const { block } of [many, ...got, ...expected]) kernels.memory.release(block);
  });

  describe.each(activations)('%s', (name) => {
    const f = { activation: name, slope: 0.25 };
    const [value, slope] = definitions[name]!;

    it('is as defined, to float32’s precision', () => {
      const x = Float64Array.from([...normals(40_000, 1).map((v) => 4 * v), 0, 1e-30, -1e-30, 50, -50], Math.fround);
      const y = apply(f, x);
      expect(largest(x, (v, i) => Math.abs(y[i]! - value(v)) / allowance(name, v, value(v)))).toBeLessThanOrEqual(1);
    });

    it('has its derivative as the gradient', () => {
      const x = Float64Array.from([...normals(5_000, 2).map((v) => 3 * v), 40, -40], Math.fround);
      const dy = normals(x.length, 3);
      const dx = gradient(f, dy, x);
      expect(largest(x, (v, i) => Math.abs(dx[i]! / dy[i]! - slope(v)))).toBeLessThanOrEqual(1e-6);
    });

    it('reads and writes bfloat16', () => {
      const x = Float64Array.from(normals(1_001, 4), (v) => rounded(v, 'bf16'));
      const y = apply(f, x, 'bf16');
      expect(largest(x, (v, i) => Math.abs(y[i]! / value(v) - 1) || 0)).toBeLessThanOrEqual(1 / 255);
      const dx = gradient(f, x, x, 'bf16');
      expect(largest(x, (v, i) => Math.abs(dx[i]! / v - slope(v)))).toBeLessThanOrEqual(1 / 60);
    });

    it.each(storages)('passes NaN and takes infinities to their limits, in %s', (storage) => {
      const [nan, up, down] = apply(f, [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY], storage);
      expect(nan).toBeNaN();
      expect(up).toBe(value(Number.POSITIVE_INFINITY));
      const limit = value(Number.NEGATIVE_INFINITY); // NaN for x · 0 at minus infinity, as IEEE says
      expect(down).toBe(limit);
      expect(gradient(f, [1], [Number.NaN], storage)[0]).toSatisfy((v: number) => name === 'none' || Number.isNaN(v));
    });

    it('is the same on any number of threads', () => {
      const x = normals(100_003, 5);
      const [one, several] = [1, 3].map((count) => {
        kernels.threads = count;
        return apply(f, x);
      });
      expect(sameBits(one!, several!)).toBe(true);
    });
  });
});

const largest = (x: Float64Array, f: (v: number, i: number) => number): number =>
  x.reduce((most, v, i) => Math.max(most, f(v, i)), 0);

/** What a result may be off by: two units in its last place, more where it is ill-conditioned, as e^(-x²/2) or a difference is. */
function allowance(name: string, x: number, y: number): number {
  const units = name === 'tanh' ? 5 : name === 'gelu' ? 6 + 2 * x * x : 4;
  const terms = name === 'hardSigmoid' ? 1 : name === 'hardSwish' ? Math.abs(x) : 0;
  return (units * Math.abs(y) + terms) * 2 ** -24 + 1e-37;
}
