import {
  batchNorm2d,
  conv2d,
  dropout,
  flatten,
  globalAvgPool2d,
  linear,
  type Module,
  module,
  relu,
  seeded,
  sequential,
  stateDict,
} from '@imgcls/nn';
import { memory, reshape, useBackend } from '@imgcls/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { brightRows } from '../fixtures/batches.ts';
import { cachedFeatures } from './cached-features.ts';
import { evaluate, predictions } from './evaluate.ts';
import { fit } from './fit.ts';
import { sgd } from './optimizer.ts';

beforeAll(async () => {
  await useBackend('cpu');
});

/** A body with what behaves otherwise in training, and a head. */
const parts = () =>
  seeded(1, () => ({
    body: sequential(
      conv2d({ inChannels: 1, outChannels: 8, kernelSize: 3 }),
      batchNorm2d(8),
      relu(),
      flatten(),
      dropout(0.5),
    ),
    head: linear({ inFeatures: 128, outFeatures: 3 }),
  }));
const whole = ({ body, head }: { body: Module; head: Module }): Module =>
  module({ body, head }, ({ body, head }, x) => head(body(x))) as unknown as Module;

describe('cachedFeatures()', () => {
  it('gives the head what the body gives it in evaluation, whatever the batches', async () => {
    const images = brightRows({ count: 4, size: 5 });
    const { body, head } = parts();
    const seen = await cachedFeatures(body, images, { batchSize: 7 });
    expect(seen.length).toBe(Math.ceil(images.reduce((n, { shape }) => n + shape[0], 0) / 7));
    const [expected, got] = [await predictions(whole({ body, head }), images), await predictions(head, seen)];
    expect([...got.labels, ...got.indices]).toEqual([...expected.labels, ...expected.indices]);
    for (const [i, score] of got.scores.entries()) expect(score).toBeCloseTo(expected.scores[i]!, 5);
  });

  it('trains a head on them, and leaves the body as it was', async () => {
    const images = brightRows({ count: 6, size: 10 });
    const { body, head } = parts();
    const before = await stateDict(body);
    const tensors = memory().numTensors;
    const train = await cachedFeatures(body, images, { batchSize: 16, shuffle: true, seed: 1 });
    expect(memory().numTensors).toBe(tensors);
    for await (const _ of fit(head, { train, optimizer: sgd({ learningRate: 0.1 }), epochs: 20 }));
    expect((await evaluate(whole({ body, head }), images)).accuracy).toBeGreaterThan(0.95);
    expect(await stateDict(body)).toEqual(before);
  });

  it('shuffles anew each epoch, the same for the same seed, and goes on within one', async () => {
    const seen = await cachedFeatures(flatten(), brightRows({ count: 3, size: 4 }), {
      batchSize: 5,
      shuffle: true,
      seed: 3,
    });
    const order = (epoch: number, from = 0) => [...seen.epoch(epoch, from)].flatMap(({ indices }) => [...indices]);
    expect(order(0)).not.toEqual(order(1));
    expect(order(1)).toEqual(order(1));
    expect(order(1, 1)).toEqual(order(1).slice(5));
    expect(order(1).sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i));
  });

  it('keeps images of features, and labels that are distributions', async () => {
    const soft = {
      images: new Float32Array(2 * 3 * 3).fill(0.5),
      shape: [2, 3, 3, 1] as const,
      labels: Float32Array.of(0.9, 0.1, 0.2, 0.8),
      indices: Int32Array.of(4, 5),
    };
    const seen = await cachedFeatures(relu(), [soft], { batchSize: 1 });
    expect(
      [...seen.epoch(0)].map(({ shape, labels, indices }) => [shape, [...labels].map((p) => p.toFixed(1)), indices[0]]),
    ).toEqual([
      [[1, 3, 3, 1], ['0.9', '0.1'], 4],
      [[1, 3, 3, 1], ['0.2', '0.8'], 5],
    ]);
  });

  it('keeps several classes an image', async () => {
    const marks = { images: new Float32Array(2), shape: [2, 1, 1, 1] as const, indices: Int32Array.of(4, 5) };
    const batch = { ...marks, labels: Float32Array.of(1, 1, 0, 0), multiLabel: true };
    const seen = await cachedFeatures(relu(), [batch], { batchSize: 1 });
    expect([...seen.epoch(0)].map(({ labels, multiLabel }) => [[...labels], multiLabel])).toEqual([
      [[1, 1], true],
      [[0, 0], true],
    ]);
  });

  it('refuses no images, features of no shape, and a batch size that is none', async () => {
    await expect(cachedFeatures(flatten(), [])).rejects.toThrow(
      new RangeError('cachedFeatures: there must be at least one batch, got none'),
    );
    const wrong = module({}, (_, x) => reshape(x, [-1])) as unknown as Module;
    await expect(
      cachedFeatures(sequential(globalAvgPool2d(), wrong), brightRows({ count: 1, size: 4 })),
    ).rejects.toThrow(/must have the shape \[4, F\] or \[4, H, W, F\] for 4 images, got \[\d+\]/);
    await expect(cachedFeatures(flatten(), [], { batchSize: 0 })).rejects.toThrow(
      'cachedFeatures: batchSize must be a positive integer, got 0',
    );
  });
});
