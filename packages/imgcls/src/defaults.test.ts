import type { Image } from '@imgcls/data';
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
  expect(channels('wasm')).toEqual([16, 24, 48, 96]);
  expect(channels('webgpu')).toEqual([64, 128, 256, 512]);
  expect(modelOptions(withDefaults({ model: 'resnet18' }, 'wasm', photos))).toEqual({});
});

test('augmentationFor() mirrors photos, but no gray images, which may be letters', () => {
  const [gray, red] = [
    [255, 0, 0, 0],
    [255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  ].map((values) => ({ data: Uint8Array.from(values), height: 1, width: 4, channels: (values.length / 4) as 1 | 3 }));
  /** How often the left end, which is bright, stays the brighter one. */
  const staysLeft = (image: Image, material: Material): boolean[] =>
    Array.from({ length: 40 }, (_, seed) => {
      const { data, channels } = augmentationFor(material).reduce((one, change) => change(one, random(seed)), image);
      return data[0]! >= data[3 * channels]!;
    });
  expect(staysLeft(gray!, { ...photos, channels: 1 })).not.toContain(false);
  expect(new Set(staysLeft(red!, photos))).toEqual(new Set([true, false]));
});
