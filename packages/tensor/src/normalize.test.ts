import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from './backend.ts';
import { normalize } from './normalize.ts';

beforeAll(async () => {
  await useBackend('cpu');
});

describe('normalize()', () => {
  it('divides bytes by 255', () => {
    expect(Array.from(normalize(Uint8Array.of(0, 51, 255), [1, 1, 3, 1]).dataSync())).toEqual([0, Math.fround(0.2), 1]);
  });

  it('subtracts the mean and divides by the deviation of each channel', () => {
    const x = normalize(Uint8Array.of(255, 0, 255, 0), [1, 1, 2, 2], { mean: [0.5, 0.25], std: [0.5, 0.25] });
    expect(x.shape).toEqual([1, 1, 2, 2]);
    expect(Array.from(x.dataSync())).toEqual([1, -1, 1, -1]);
  });

  it('takes floats as they are', () => {
    const x = normalize(Float32Array.of(0.5, 1), [1, 2, 1, 1], { mean: [0.5], std: [0.25] });
    expect(Array.from(x.dataSync())).toEqual([0, 2]);
  });

  it.each(['cpu', 'native', 'wasm'] as const)(
    'keeps floats that need no normalization as they were, on %s',
    async (backend) => {
      await useBackend(backend);
      const images = Float32Array.of(0.5, -3);
      const x = normalize(images, [1, 2, 1, 1]);
      images.fill(0);
      expect(Array.from(x.dataSync())).toEqual([0.5, -3]);
      x.dispose();
      await useBackend('cpu');
    },
  );

  it('refuses pixels that do not fill the shape, and numbers that are not one per channel', () => {
    expect(() => normalize(new Uint8Array(5), [1, 2, 2, 1])).toThrow(
      new RangeError('normalize: images must hold 4 values for [1,2,2,1], got 5'),
    );
    expect(() => normalize(new Uint8Array(6), [1, 1, 2, 3], { mean: [0.5], std: [1, 1, 1] })).toThrow(
      new RangeError('normalize: mean must have one number for each of 3 channels, got [0.5]'),
    );
  });
});
