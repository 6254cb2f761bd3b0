import type { Batch } from '@imgcls/data';
import { flatten, linear, type Module, seeded, sequential, stateDict } from '@imgcls/nn';
import { useBackend } from '@imgcls/tensor';
import { adam, fit, type TrainingState } from '@imgcls/train';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadCheckpoint, saveCheckpoint } from './checkpoint.ts';
import { encodeSafetensors } from './safetensors.ts';
import { memory } from './store.ts';

beforeAll(async () => {
  await useBackend('cpu');
});

const batches: Batch[] = [0, 1, 2, 3].map((i) => ({
  images: Uint8Array.from({ length: 4 * 9 }, (_, pixel) => (pixel * 37 + i * 101) % 256),
  shape: [4, 3, 3, 1],
  labels: Int32Array.of(0, 1, 2, i % 3),
  indices: Int32Array.of(0, 1, 2, 3).map((index) => 4 * i + index),
}));
const network = () => seeded(1, () => sequential(flatten(), linear({ inFeatures: 9, outFeatures: 3 })));
const training = (model: Module, train: Iterable<Batch>, resume?: TrainingState) =>
  fit(model, {
    train,
    validation: batches,
    optimizer: adam({ learningRate: 0.01 }),
    epochs: 3,
    ...(resume && { resume }),
  });
const weightsOf = async (model: Module) => encodeSafetensors(await stateDict(model));

describe('a checkpoint of a training', () => {
  it.each([1, 3, 6, 10])('taken after %i batches, goes on to the same weights', async (count) => {
    const model = network();
    for await (const _ of training(model, batches));
    const store = memory();

    let given = 0;
    const run = training(network(), {
      *[Symbol.iterator]() {
        for (const batch of batches) {
          if (given++ === count) throw new Error('stopped');
          yield batch;
        }
      },
    });
    const finish = async () => {
      for await (const _ of run);
    };
    await expect(finish()).rejects.toThrow('stopped');
    const state = await run.state();
    await saveCheckpoint(store, state);

    const saved = await loadCheckpoint<TrainingState>(store);
    expect(saved).toEqual(state);
    const resumed = network();
    for await (const _ of training(resumed, batches, saved));
    expect(await weightsOf(resumed)).toEqual(await weightsOf(model));
  });
});
