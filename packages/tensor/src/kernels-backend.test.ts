import { random } from '@imgcls/random';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { useKernels } from '../test/instruction-sets.ts';
import {
  add,
  batchNorm,
  batchNormTraining,
  conv2d,
  crossEntropy,
  dispose,
  flatten,
  gelu,
  gradients,
  linear,
  maxPool2d,
  memory,
  normalize,
  relu,
  sgdUpdate,
  type Tensor,
  tidy,
  useBackend,
  type Variable,
  withPrecision,
} from './index.ts';
import type { KernelsBackend } from './kernels-backend.ts';

const normals = (shape: number[], seed: number, spread = 1): Tensor => {
  const stream = random(seed);
  return tf.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => stream.normal() * spread),
    shape,
  );
};

const backendOf = () => tf.backend() as unknown as KernelsBackend;

/** A residual network with everything that is computed in one pass. */
function network() {
  return tidy(() => ({
    stem: tf.variable(normals([3, 3, 3, 16], 1, 0.2)),
    conv: tf.variable(normals([3, 3, 16, 16], 2, 0.1)),
    gamma: tf.variable(tf.ones([16])),
    beta: tf.variable(tf.zeros([16])),
    fc: tf.variable(normals([256, 5], 3, 0.1)),
  }));
}

function logitsOf({ stem, conv, gamma, beta, fc }: Record<string, Variable>, x: Tensor): Tensor {
  const normalized = (y: Tensor) => batchNormTraining(y, { gamma: gamma!, beta: beta! }).y;
  const y = relu(normalized(conv2d(x, stem!, { padding: 1 })));
  const z = relu(add(normalized(conv2d(y, conv!, { padding: 1 })), y));
  return linear(flatten(maxPool2d(gelu(normalized(conv2d(z, conv!, { padding: 1 }))), { kernelSize: 2 })), fc!);
}

/** A training; what `after` each step. Gives the losses and the weights. */
function train(
  steps: number,
  precision: 'float32' | 'bf16' = 'float32',
  after: (step: number) => void = () => undefined,
) {
  const [x, labels] = [normals([6, 8, 8, 3], 4), tf.tensor1d([0, 1, 2, 3, 4, 0], 'int32')];
  const parameters = network();
  const list = Object.values(parameters);
  const velocity = tidy(() => list.map((parameter) => tf.variable(tf.zerosLike(parameter))));
  const losses = Array.from({ length: steps }, (_, step) => {
    const { value, gradients: slopes } = withPrecision(precision, () =>
      gradients(() => crossEntropy(logitsOf(parameters, x), labels), parameters),
    );
    sgdUpdate(list, Object.values(slopes), { velocity }, { learningRate: 0.02, momentum: 0.9 });
    const loss = value.dataSync()[0]!;
    dispose({ value, ...slopes });
    after(step);
    return loss;
  });
  const weights = list.map((parameter) => parameter.dataSync());
  dispose([x, labels, ...list, ...velocity]);
  return { losses, weights };
}

describe.each(['native', 'wasm'] as const)('the backend %s', (name) => {
  beforeAll(() => useBackend(name));

  it('copies what is written and what is read', () => {
    const values = Float32Array.of(1, 2, 3);
    const x = tf.tensor1d(values);
    values.fill(9);
    const read = x.dataSync();
    expect([...read]).toEqual([1, 2, 3]);
    read.fill(8);
    expect([...x.dataSync()]).toEqual([1, 2, 3]);
    const kept = x.dataSync();
    x.dispose();
    tf.tensor1d([7, 7, 7]).dispose(); // takes the same memory
    expect([...kept]).toEqual([1, 2, 3]);
  });

  it('changes variables in place, but not what was cloned from them', () => {
    const weight = tf.variable(tf.tensor1d([1, 2]));
    const update = () => tidy(() => sgdUpdate([weight], [tf.ones([2])], {}, { learningRate: 0.5 }));
    const before = tf.clone(weight);
    update();
    expect([...before.dataSync(), ...weight.dataSync()]).toEqual([1, 2, 0.5, 1.5]);
    before.dispose();
    const { bytesInUse } = backendOf().memory();
    update();
    expect([...weight.dataSync()]).toEqual([0, 1]);
    expect(backendOf().memory().bytesInUse).toBe(bytesInUse);
    weight.dispose();
  });

  it('computes what waits with the weights of its time', () => {
    const weight = tf.variable(tf.ones([1, 1, 1, 1]));
    const y = conv2d(tf.ones([1, 1, 1, 1]), weight);
    tidy(() => sgdUpdate([weight], [tf.ones([1, 1, 1, 1])], {}, { learningRate: 0.5 }));
    expect(y.dataSync()[0]).toBe(1);
    expect(tidy(() => conv2d(tf.ones([1, 1, 1, 1]), weight).dataSync()[0])).toBe(0.5);
    const mean = tf.variable(tf.zeros([1]));
    const normalized = () =>
      tidy(() => {
        const statistics = { mean, variance: tf.ones([1]), epsilon: 0 };
        return batchNorm(conv2d(tf.ones([1, 1, 1, 1]), weight), statistics).dataSync()[0];
      });
    expect(normalized()).toBe(0.5);
    mean.assign(tf.tensor1d([0.25]));
    expect(normalized()).toBe(0.25);
    dispose([y, weight, mean]);
  });

  it('computes once what a branch and the sum behind it read', () => {
    const { kernels } = tf.engine().backend as KernelsBackend;
    const call = vi.spyOn(kernels, 'call');
    const weight = tf.variable(tf.fill([1, 1, 1, 1], 2));
    const doubled = (x: Tensor) => conv2d(x, weight);
    const sums = [(x: Tensor) => add(x, doubled(x)), (x: Tensor) => add(doubled(x), x)];
    for (const sum of sums) {
      call.mockClear();
      expect(tidy(() => sum(doubled(tf.ones([1, 1, 1, 1]))).dataSync()[0])).toBe(6);
      expect(call.mock.calls.map(([name]) => name).filter((name) => name === 'conv')).toHaveLength(2);
    }
    call.mockRestore();
    weight.dispose();
  });

  it('convolves with its own filters again after a normalisation was folded into them', () => {
    const [x, weight] = [normals([2, 5, 5, 3], 1), normals([3, 3, 3, 4], 2)] as [Tensor, Tensor];
    const plain = conv2d(x, weight).dataSync();
    const statistics = { mean: tf.fill([4], 2), variance: tf.fill([4], 9) };
    const normalised = batchNorm(conv2d(x, weight), statistics).dataSync();
    expect(normalised[0]).toBeCloseTo((plain[0]! - 2) / 3, 4);
    expect(conv2d(x, weight).dataSync()).toEqual(plain);
    dispose([x, weight, statistics]);
  });

  it('keeps no copy of a variable that shares its values when it is updated', () => {
    const zeros = tf.zeros([3]);
    const [parameter, velocity] = [tf.variable(tf.ones([3])), tf.variable(zeros)];
    const slope = tf.ones([3]);
    const { numTensors } = memory();
    for (let step = 0; step < 3; step++)
      sgdUpdate([parameter], [slope], { velocity: [velocity] }, { learningRate: 0.5, momentum: 1 });
    expect(memory().numTensors).toBe(numTensors);
    expect(Array.from(velocity.dataSync())).toEqual([3, 3, 3]);
    expect(Array.from(zeros.dataSync())).toEqual([0, 0, 0]);
    dispose([zeros, parameter, velocity, slope]);
  });

  it('says in errors which operation failed, and on what', () => {
    const x = tf.tensor2d([[1]]);
    const fail = () => tf.gather(x, tf.tensor1d([5], 'int32'));
    expect(fail).toThrow(/GatherV2: the index value 5 is not in \[0, 0\]/);
    x.dispose();
  });

  it('trains without leaks: as many tensors, and as much memory, after 1,000 steps as after three', () => {
    const seen = new Set<string>();
    const resident: number[] = [];
    const { losses } = train(1000, 'float32', (step) => {
      if (step < 3) return;
      const { numTensors, numDataBuffers } = memory();
      seen.add(JSON.stringify([numTensors, numDataBuffers, backendOf().memory()]));
      if (step % 330 === 10) resident.push(process.memoryUsage().rss);
    });
    expect(seen.size).toBe(1);
    expect(resident.at(-1)! - resident[1]!).toBeLessThan(64 << 20); // JavaScript's own heap comes and goes
    expect(losses.at(-1)).toBeLessThan(0.05);
  });

  it.each(['float32', 'bf16'] as const)('gives the same bits with any number of threads, in %s', async (precision) => {
    const runs = [];
    for (const threads of [2, 1]) {
      expect((await useBackend(name, { threads })).device).toMatch(threads === 1 ? /, 1 thread$/ : /, 2 threads$/);
      runs.push(train(5, precision));
    }
    expect(runs[1]).toEqual(runs[0]);
  });

  it('learns with activations in bfloat16 as in float32, and shows float32 to everyone', () => {
    const [single, half] = [train(60), train(60, 'bf16')];
    expect(half.losses[0]).not.toBe(single.losses[0]);
    for (const [step, loss] of single.losses.slice(0, 10).entries())
      expect(Math.abs(half.losses[step]! - loss)).toBeLessThan(0.05);
    expect(half.losses.at(-1)).toBeLessThan(0.3);
    tidy(() => {
      const x = normals([1000], 5);
      const y = withPrecision('bf16', () => conv2d(tf.reshape(x, [1, 10, 100, 1]), tf.ones([1, 1, 1, 1])));
      const [exact, rounded] = [x.dataSync(), y.dataSync()];
      expect(y.dtype).toBe('float32');
      for (const [i, value] of exact.entries())
        expect(Math.abs(rounded[i]! - value)).toBeLessThanOrEqual(Math.abs(value) / 256);
      expect(tf.sum(tf.sin(y)).dataSync()[0]).toBeCloseTo(tf.sum(tf.sin(tf.tensor(rounded))).dataSync()[0]!, 2);
      expect(tf.cumsum(tf.reshape(y, [1000])).shape).toEqual([1000]); // by a kernel of tfjs, which knows no bfloat16
    });
  });
});

describe.each(['native', 'wasm'] as const)('the backend %s with a queue', (name) => {
  it('leaves the thread free while a forward pass is computed, and gives the same numbers', async () => {
    await useBackend(name);
    const [images, filters] = [normals([4, 64, 64, 16], 6), normals([5, 5, 16, 16], 7, 0.05)].map((x) => x.arraySync());
    const run = (x: Tensor, weight: Tensor) =>
      tidy(() => Array.from({ length: 12 }).reduce<Tensor>((y) => conv2d(y, weight, { padding: 2 }), x));
    const inputs = () => [tf.tensor4d(images as never), tf.tensor4d(filters as never)] as const;
    const expected = run(...inputs()).dataSync();
    await useKernels(name, { queued: true });
    const [x, weight] = inputs();
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const y = run(x, weight);
    const reading = y.data();
    y.dispose(); // what is being read stays
    tf.ones([4, 64, 64, 16]).dispose();
    const values = await reading;
    clearInterval(timer);
    expect(turns).toBeGreaterThan(0);
    expect(values).toEqual(expected);
  });

  it('brings bytes to their place as they are', async () => {
    await useKernels(name, { queued: true });
    const images = normalize(Uint8Array.of(0, 1, 2, 255), [1, 2, 2, 1], { mean: [0], std: [1] });
    expect(Array.from(await images.data(), (value) => Math.round(255 * value))).toEqual([0, 1, 2, 255]);
  });
});

describe('withPrecision()', () => {
  beforeEach(() => useBackend('cpu'));

  it('refuses bfloat16 where the backend has none', () => {
    expect(() => withPrecision('bf16', () => 1)).toThrow(
      new RangeError(
        "withPrecision: 'bf16' needs the backend 'native' or 'wasm', or 'tensorflow' on a processor with bfloat16, got 'cpu'; call useBackend('native') first, or take 'float32'",
      ),
    );
    expect(withPrecision('float32', () => 1)).toBe(1);
  });
});
