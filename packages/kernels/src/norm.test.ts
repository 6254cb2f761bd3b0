import { describe, expect, it } from 'vitest';
import type { ActivationName } from './activation.ts';
import type { Buffer, Storage } from './buffer.ts';
import type { Kernels } from './kernels.ts';
import {
  type BatchNormGradient,
  batchNormApply,
  batchNormFold,
  batchNormGradient,
  batchNormMaxPool,
  batchNormMaxPoolGradient,
  batchNormRunning,
  batchNormStatistics,
  channelSum,
  type Rows,
} from './norm.ts';
import { maxPool, maxPoolGradient, type PoolShape } from './pool.ts';
import { get, isRepeated, normals, put, relativeError, repeat, rounded, sameBits } from './test/buffers.ts';
import { everyCarrier } from './test/carriers.ts';

const epsilon = 1e-3;
const shapes: [rows: number, channels: number][] = [
  [1, 1],
  [7, 1],
  [1, 5],
  [50_000, 1],
  [4_097, 3],
  [999, 24],
  [801, 64],
  [130, 127],
  [33, 200],
  [70, 1_024],
];

/** The activations that these tests go through: none, one told from y, one of x alone. */
const functions: Record<string, [(z: number) => number, (z: number) => number]> = {
  none: [(z) => z, () => 1],
  relu: [(z) => Math.max(z, 0), (z) => Number(z > 0)],
  silu: [(z) => z / (1 + Math.exp(-z)), (z) => (1 + Math.exp(-z) + z * Math.exp(-z)) / (1 + Math.exp(-z)) ** 2],
};

interface Case extends Rows {
  x: Float64Array;
  residual: Float64Array | undefined;
  dy: Float64Array;
  gamma: Float64Array;
  beta: Float64Array;
  dMean: Float64Array | undefined;
  dVariance: Float64Array | undefined;
  activation: ActivationName;
  storage: Storage;
}

/** Channels of different means and spreads, as a buffer would hold them. */
function makeCase(
  [rows, channels]: [number, number],
  activation: ActivationName = 'none',
  storage: Storage = 'float32',
  withResidual = false,
): Case {
  const values = (seed: number, f = (v: number, _i: number) => v) =>
    Float64Array.from(normals(rows * channels, seed), (v, i) => rounded(f(v, i), storage));
  const vector = (seed: number) => Float64Array.from(normals(channels, seed), Math.fround);
  return {
    rows,
    channels,
    activation,
    storage,
    x: values(1, (v, i) => v * (1 + (i % channels) / channels) + ((i % channels) % 5) + 0.5),
    residual: withResidual ? values(2) : undefined,
    dy: values(3),
    gamma: vector(4).map((v) => Math.fround(v + 1.5)),
    beta: vector(5),
    dMean: undefined,
    dVariance: undefined,
  };
}

/** A convolution's weights and bias, and what its output is to be normalised by. */
function makeLayer(rows: number, channels: number) {
  const vector = (seed: number) => Float64Array.from(normals(channels, seed), Math.fround);
  return {
    ...makeCase([rows, channels]),
    mean: vector(6),
    variance: vector(7).map((v) => Math.fround(0.5 + v * v)),
    bias: vector(8),
  };
}

/** Everything in float64, as the definitions read. */
function reference(
  { rows, channels, x, residual, dy, gamma, beta, dMean, dVariance, activation }: Case,
  constant = false,
) {
  const [f, slope] = functions[activation]!;
  const byChannel = (term: (i: number, c: number) => number) => {
    const sums = new Float64Array(channels);
    for (let i = 0; i < x.length; i++) sums[i % channels]! += term(i, i % channels);
    return sums;
  };
  const mean = byChannel((i) => x[i]! / rows);
  const variance = byChannel((i, c) => (x[i]! - mean[c]!) ** 2 / rows);
  const r = variance.map((v) => 1 / Math.sqrt(v + epsilon));
  const z = x.map((v, i) => {
    const c = i % channels;
    return (v - mean[c]!) * r[c]! * gamma[c]! + beta[c]! + (residual?.[i] ?? 0);
  });
  const dResidual = dy.map((v, i) => v * slope(z[i]!));
  const dBeta = byChannel((i) => dResidual[i]!);
  const dGamma = byChannel((i, c) => dResidual[i]! * (x[i]! - mean[c]!) * r[c]!);
  const dx = x.map((v, i) => {
    const c = i % channels;
    const direct = gamma[c]! * r[c]! * dResidual[i]!;
    if (constant) return direct;
    const normal = (v - mean[c]!) * r[c]!;
    const statistics = gamma[c]! * r[c]! * ((dBeta[c]! + normal * dGamma[c]!) / rows);
    const own = ((dMean?.[c] ?? 0) + 2 * (v - mean[c]!) * (dVariance?.[c] ?? 0)) / rows;
    return direct - statistics + own;
  });
  return { mean, variance, y: z.map(f), dResidual, dBeta, dGamma, dx };
}

/** Everything by the kernels. */
function compute(kernels: Kernels, given: Case, constantStatistics = false) {
  const { rows, channels, activation, storage } = given;
  const shape = { rows, channels, epsilon, activation };
  const vector = (values: ArrayLike<number> = new Float64Array(channels)) => put(kernels, values);
  const tensor = (values: ArrayLike<number> = new Float64Array(rows * channels)) => put(kernels, values, storage);
  const [mean, variance, gamma, beta] = [vector(), vector(), vector(given.gamma), vector(given.beta)];
  const x = tensor(given.x);
  batchNormStatistics(kernels, shape, { x, mean: mean.block, variance: variance.block });
  const parameters = { mean: mean.block, variance: variance.block, gamma: gamma.block, beta: beta.block };
  const [y, dx, dGamma, dBeta] = [tensor(), tensor(), vector(), vector()];
  const residual = given.residual && tensor(given.residual);
  batchNormApply(kernels, shape, { x, ...parameters, residual, y });
  const dResidual = residual && tensor();
  const outputs = { dx, dResidual, dGamma: dGamma.block, dBeta: dBeta.block };
  const own = {
    dMean: given.dMean && vector(given.dMean).block,
    dVariance: given.dVariance && vector(given.dVariance).block,
  };
  const inputs = { x, ...parameters, ...own, dy: tensor(given.dy), y: residual && y };
  batchNormGradient(kernels, { ...shape, constantStatistics }, { ...inputs, ...outputs });
  const [all, each] = [rows * channels, channels];
  return {
    mean: get(kernels, mean, each),
    variance: get(kernels, variance, each),
    y: get(kernels, y, all),
    dx: get(kernels, dx, all),
    dResidual: dResidual && get(kernels, dResidual, all),
    dGamma: get(kernels, dGamma, each),
    dBeta: get(kernels, dBeta, each),
  };
}

type Results = ReturnType<typeof compute>;

function expectClose(got: Results, expected: ReturnType<typeof reference>, tolerance: number): void {
  for (const [name, values] of Object.entries(got)) {
    if (!values) continue;
    const wanted = expected[name as keyof Results]!;
    const largest = Math.max(...wanted.map(Math.abs));
    expect(largest < 1e-6 ? Math.max(...values.map(Math.abs)) / 100 : relativeError(values, wanted), name).toBeLessThan(
      name === 'mean' || name === 'variance' ? 1e-6 : tolerance,
    );
  }
}

describe.each(await everyCarrier())('$name', ({ kernels }) => {
  describe.each(Object.keys(functions) as ActivationName[])('batch norm and %s', (activation) => {
    it.each(shapes)('has float64’s values and gradients for %i rows of %i channels', (...shape) => {
      for (const storage of ['float32', 'bf16'] as const) {
        const given = makeCase(shape, activation, storage);
        expectClose(compute(kernels, given), reference(given), storage === 'bf16' ? 5e-3 : 1e-5);
      }
    });

    it('takes constant statistics as such', () => {
      const given = makeCase([301, 24], activation);
      expectClose(compute(kernels, given, true), reference(given, true), 1e-5);
    });
  });

  it.each(['float32', 'bf16'] as const)('adds a residual before the activation, in %s', (storage) => {
    for (const activation of ['none', 'relu'] as const) {
      const given = makeCase([299, 40], activation, storage, true);
      expectClose(compute(kernels, given), reference(given), storage === 'bf16' ? 5e-3 : 1e-5);
    }
  });

  it('carries gradients that the statistics have of their own', () => {
    const given = { ...makeCase([65, 17]), dMean: normals(17, 8), dVariance: normals(17, 9) };
    expectClose(compute(kernels, given), reference(given), 1e-5);
  });

  it('finds a small variance beside a large mean', () => {
    const given = makeCase([100_000, 5]);
    given.x = given.x.map((v, i) => Math.fround(10_000 + (i % 5) * 1_000 + v / 10));
    const { mean, variance } = compute(kernels, given);
    const expected = reference(given);
    expect(relativeError(mean, expected.mean)).toBeLessThan(1e-7);
    expect(relativeError(variance, expected.variance)).toBeLessThan(1e-4);
  });

  it('passes NaN on within its channel, and takes infinity for what it is', () => {
    const given = makeCase([40, 3], 'relu');
    given.x[3 * 7 + 1] = Number.NaN;
    given.x[3 * 9 + 2] = Number.POSITIVE_INFINITY;
    const { mean, variance, y, dx } = compute(kernels, given);
    expect([...mean]).toEqual([expect.any(Number), Number.NaN, Number.POSITIVE_INFINITY]);
    expect(Number.isNaN(mean[0]!)).toBe(false);
    expect(variance[2]).toBeNaN();
    for (const values of [y, dx])
      values.forEach((value, i) => {
        expect(Number.isNaN(value)).toBe(i % 3 !== 0);
      });
  });

  describe('batchNormFold()', () => {
    it.each([
      [1, 1, true],
      [9, 5, false],
      [25, 33, true],
      [1_152, 130, false],
    ])('rounds weights once, for %i rows of %i channels, with a bias: %s', (rows, channels, biased) => {
      const { x, mean, variance, gamma, beta, bias } = makeLayer(rows, channels);
      const vector = (values: ArrayLike<number>) => put(kernels, values).block;
      const p = { mean: vector(mean), variance: vector(variance), gamma: vector(gamma), beta: vector(beta) };
      const to = { weights: put(kernels, new Float64Array(rows * channels)), bias: put(kernels, beta) };
      const from = { weights: vector(x), bias: biased ? vector(bias) : undefined };
      const shape = { rows, channels, epsilon };
      batchNormFold(kernels, shape, { ...p, ...from, toWeights: to.weights.block, toBias: to.bias.block });

      const scale = gamma.map((g, c) => g / Math.sqrt(variance[c]! + Math.fround(epsilon)));
      const weights = x.map((w, i) => Math.fround(w * scale[i % channels]!));
      const offsets = beta.map((b, c) => Math.fround(((biased ? bias[c]! : 0) - mean[c]!) * scale[c]! + b));
      // Float64 may err in its own last place, which decides about a float32 now and then.
      expect(relativeError(get(kernels, to.weights, rows * channels), weights)).toBeLessThan(1e-9);
      expect(relativeError(get(kernels, to.bias, channels), offsets)).toBeLessThan(1e-9);
    });
  });

  it.each([1, 17, 130])(
    'batchNormRunning() rounds the running statistics of %i channels once, and counts',
    (channels) => {
      const { x, mean, variance, beta } = makeLayer(1, channels);
      const spread = x.map((v) => Math.fround(v * v));
      const [runningMean, runningVariance] = [put(kernels, beta), put(kernels, spread)];
      const batches = kernels.memory.allocate(4);
      kernels.memory.ints(batches, 1)[0] = 41;
      const batch = { mean: put(kernels, mean).block, variance: put(kernels, variance).block };
      const running = { runningMean: runningMean.block, runningVariance: runningVariance.block, batches };
      batchNormRunning(kernels, { channels, momentum: 0.25, correction: 1.5 }, { ...batch, ...running });

      const moved = (from: Float64Array, to: Float64Array, share: number) =>
        Array.from(from, (v, c) => Math.fround(0.75 * v + share * to[c]!));
      expect(Array.from(get(kernels, runningMean, channels))).toEqual(moved(beta, mean, 0.25));
      expect(Array.from(get(kernels, runningVariance, channels))).toEqual(moved(spread, variance, 0.375));
      expect(kernels.memory.ints(batches, 1)[0]).toBe(42);
    },
  );

  it('is the same on any number of threads', () => {
    const given = makeCase([9_001, 48], 'relu');
    const [one, several] = [1, 3].map((count) => {
      kernels.threads = count;
      return compute(kernels, given);
    });
    for (const name of ['mean', 'variance', 'y', 'dx', 'dGamma', 'dBeta'] as const)
      expect(sameBits(one![name], several![name]), name).toBe(true);
  });

  describe.each(['none', 'relu', 'silu', 'gelu'] as const)('batchNormMaxPool() and %s', (activation) => {
    it.each([
      [2, 8, 8, 64],
      [1, 7, 9, 5],
      [3, 2, 3, 24],
      [1, 33, 20, 33],
    ])('is batch norm followed by max pooling, for images %i x %i x %i x %i', (batch, height, width, channels) => {
      for (const storage of ['float32', 'bf16'] as const)
        for (const constantStatistics of [false, true]) {
          const images = { batch, height, width, channels };
          const given = makeCase([batch * height * width, channels], activation, storage);
          const { fused, apart } = computePooled(kernels, images, given, constantStatistics);
          for (const name of ['y', 'dx', 'dGamma', 'dBeta'] as const)
            expect(relativeError(fused[name], apart[name]), name).toBeLessThan(storage === 'bf16' ? 4e-3 : 1e-5);
        }
    });
  });

  it.each([
    ['negative', (gamma: number) => ({ gamma: -gamma, beta: 0.1 })],
    ['zero in one channel', (gamma: number, c: number) => ({ gamma: c === 3 ? 0 : gamma, beta: 0.1 })],
    ['far smaller than beta', (gamma: number) => ({ gamma: 1e-5 * gamma, beta: 1 })],
    ['somewhat smaller than beta', (gamma: number) => ({ gamma, beta: 60 * gamma })],
  ])('batchNormMaxPool() has exact gradients where gamma is %s', (_, vectors) => {
    const images = { batch: 3, height: 14, width: 14, channels: 40 };
    const given = makeCase([3 * 14 * 14, 40], 'relu');
    const both = Array.from(given.gamma, vectors);
    const [gamma, beta] = (['gamma', 'beta'] as const).map((name) => Float64Array.from(both, (each) => each[name]));
    const { fused, apart } = computePooled(kernels, images, { ...given, gamma: gamma!, beta: beta! }, false);
    for (const name of ['dx', 'dGamma', 'dBeta'] as const)
      expect(relativeError(fused[name], apart[name]), name).toBeLessThan(1e-5);
  });

  it('batchNormMaxPool() and its gradients are the same on any number of threads', () => {
    const images = { batch: 5, height: 41, width: 30, channels: 40 };
    const given = makeCase([5 * 41 * 30, 40], 'relu');
    const [one, several] = [1, 3].map((count) => {
      kernels.threads = count;
      return computePooled(kernels, images, given, false).fused;
    });
    for (const name of ['y', 'dx', 'dGamma', 'dBeta'] as const)
      expect(sameBits(one![name], several![name]), name).toBe(true);
  });

  it.each(['float32', 'bf16'] as const)('writes past the caches what it writes into them, in %s', (storage) => {
    const images = { batch: 1, height: 32, width: 32, channels: 64 };
    const bytes = (storage === 'bf16' ? 2 : 4) * 32 * 32 * 64;
    const times = 2 ** 24 / bytes;
    const given = makeCase([32 * 32, 64], 'relu', storage);
    const vector = () => put(kernels, given.gamma).block;
    const p = { mean: vector(), variance: vector(), gamma: vector(), beta: put(kernels, given.beta).block };
    const x = put(kernels, given.x, storage);
    const outputs = () => [1, 2, 3].map(() => put(kernels, given.x, storage));
    const compute = (batch: number, x: Buffer, [y, dx, dPooled]: Buffer[]) => {
      const shape = {
        ...images,
        batch,
        rows: batch * 32 * 32,
        epsilon,
        activation: 'relu',
        constantStatistics: true,
      } as const;
      batchNormApply(kernels, shape, { x, ...p, y: y! });
      const gradients = { dGamma: vector(), dBeta: vector() };
      batchNormGradient(kernels, shape, { x, ...p, dy: x, dx: dx!, ...gradients });
      batchNormMaxPoolGradient(kernels, shape, { x, ...p, dy: y!, dx: dPooled!, ...gradients });
    };
    const one = outputs();
    const many = one.map((buffer) => repeat(kernels, buffer, bytes, times));
    const all = repeat(kernels, x, bytes, times);
    compute(1, x, one);
    compute(times, all, many);
    // The pooled gradient of the many images begins with the first image's y, of which one image's is a part.
    expect(many.map((buffer, i) => isRepeated(kernels, buffer, one[i]!, bytes, i < 2 ? times : 1))).toEqual([
      true,
      true,
      true,
    ]);
    for (const { block } of [all, ...many]) kernels.memory.release(block);
  });

  it.each(shapes)('channelSum() adds up %i rows of %i channels', (rows, channels) => {
    for (const storage of ['float32', 'bf16'] as const) {
      const { x } = makeCase([rows, channels], 'none', storage);
      const y = put(kernels, new Float64Array(channels));
      channelSum(kernels, { rows, channels }, { x: put(kernels, x, storage), y: y.block });
      const expected = new Float64Array(channels);
      x.forEach((v, i) => {
        expected[i % channels]! += v;
      });
      expect(relativeError(get(kernels, y, channels), expected)).toBeLessThan(1e-6);
    }
  });
});

/** Normalised, activated and pooled by one kernel; and by one for each, in float32, as rounding in between makes equals of what is not. */
function computePooled(
  kernels: Kernels,
  images: { batch: number; height: number; width: number; channels: number },
  given: Case,
  constantStatistics: boolean,
) {
  const { rows, channels, activation } = given;
  const shape = { ...images, rows, epsilon, activation, constantStatistics };
  const padding = { top: 0, bottom: 0, left: 0, right: 0 };
  const pooling: PoolShape = { ...images, kernelSize: [2, 2], stride: [2, 2], padding };
  const pooled = images.batch * Math.floor(images.height / 2) * Math.floor(images.width / 2) * channels;
  const vector = () => put(kernels, new Float64Array(channels));
  const [mean, variance] = [vector().block, vector().block];
  const p = { mean, variance, gamma: put(kernels, given.gamma).block, beta: put(kernels, given.beta).block };
  batchNormStatistics(kernels, shape, { x: put(kernels, given.x), mean, variance });

  const compute = (storage: Storage, how: (x: Buffer, dy: Buffer, y: Buffer, outputs: Outputs) => void) => {
    const tensor = (values: ArrayLike<number>) => put(kernels, values, storage);
    const [x, dx, y] = [tensor(given.x), tensor(given.x), tensor(new Float64Array(pooled))];
    const [dGamma, dBeta] = [vector(), vector()];
    how(x, tensor(given.dy.subarray(0, pooled)), y, { dx, dGamma: dGamma.block, dBeta: dBeta.block });
    return {
      y: get(kernels, y, pooled),
      dx: get(kernels, dx, rows * channels),
      dGamma: get(kernels, dGamma, channels),
      dBeta: get(kernels, dBeta, channels),
    };
  };
  const fused = compute(given.storage, (x, dy, y, outputs) => {
    batchNormMaxPool(kernels, shape, { x, ...p, y });
    batchNormMaxPoolGradient(kernels, shape, { x, ...p, dy, y, ...outputs });
  });
  const apart = compute('float32', (x, dy, y, outputs) => {
    const [between, dBetween] = [put(kernels, given.x), put(kernels, given.x)];
    batchNormApply(kernels, shape, { x, ...p, y: between });
    maxPool(kernels, pooling, { x: between, y });
    maxPoolGradient(kernels, pooling, { x: between, dy, dx: dBetween });
    batchNormGradient(kernels, shape, { x, ...p, dy: dBetween, ...outputs });
  });
  return { fused, apart };
}

type Outputs = Pick<BatchNormGradient, 'dx' | 'dGamma' | 'dBeta'>;
