import { random } from '@imgcls/random';
import { expect, test } from 'vitest';
import { augmentationFor, type Material, modelOptions, withDefaults } from './defaults.ts';

const photos: Material = { count: 1000, side: 300, channels: 3, photos: true };

test('withDefaults() keeps what was asked for', () => {
  const asked = {
    model: 'simple_cnn',
    epochs: 3,
    batchSize: 7,
    learningRate: 0.5,
    weightDecay: 0,
    imageSize: 20,
    seed: 9,
  };
  expect(withDefaults(asked, 'wasm', photos)).toMatchObject(asked);
});

test('withDefaults() takes the learning rate and weight decay that the optimizer needs', () => {
  expect(withDefaults({ optimizer: 'sgd' }, 'wasm', photos)).toMatchObject({ learningRate: 0.02, weightDecay: 5e-4 });
  expect(withDefaults({ optimizer: 'adam' }, 'wasm', photos)).toMatchObject({ learningRate: 0.001, weightDecay: 0 });
});

test('withDefaults() gives the CPU small images and few epochs, a GPU more', () => {
  expect(withDefaults({}, 'wasm', photos)).toMatchObject({ imageSize: 32, epochs: 20 });
  expect(withDefaults({}, 'webgpu', photos)).toMatchObject({ imageSize: 64, epochs: 50 });
});

test.each([
  [50, 50],
  [1600, 13],
  [50_000, 5],
])('withDefaults() sees %d images %d times', (count, epochs) => {
  expect(withDefaults({}, 'wasm', { ...photos, count }).epochs).toBe(epochs);
});

test('withDefaults() does not enlarge images, but to what networks need', () => {
  expect(withDefaults({}, 'wasm', { ...photos, side: 28 }).imageSize).toBe(28);
  expect(withDefaults({}, 'wasm', { ...photos, side: 5 }).imageSize).toBe(8);
});

test('modelOptions() makes the network narrower on a CPU', () => {
  const channels = (backend: 'wasm' | 'webgpu') => modelOptions(withDefaults({}, backend, photos)).channels;
  expect(channels('wasm')).toEqual([16, 32, 64, 128]);
  expect(channels('webgpu')).toEqual([64, 128, 256, 512]);
  expect(modelOptions(withDefaults({ model: 'resnet18' }, 'wasm', photos))).toEqual({});
});

test('augmentationFor() mirrors photos, but no gray images, which may be letters', () => {
  const left = { data: Uint8Array.from([255, 0, 0, 0]), height: 1, width: 4, channels: 1 as const };
  const colourful = {
    ...left,
    data: Uint8Array.from([255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    channels: 3 as const,
  };
  const brighterLeft = (image: typeof left | typeof colourful, material: Material) =>
    Array.from({ length: 40 }, (_, seed) => {
      const changed = augmentationFor(material).reduce(
        (one, change) => change(one, random(seed)),
        image as never,
      ) as typeof left;
      return changed.data[0]! >= changed.data.at(-1)!;
    });
  expect(brighterLeft(left, { ...photos, channels: 1 }).every(Boolean)).toBe(true);
  expect(brighterLeft(colourful, photos).every(Boolean)).toBe(false);
});
