import { random } from '@imgcls/random';
import { describe, expect, it } from 'vitest';
import { arrayDataset } from './dataset.ts';
import { type Batch, loader } from './loader.ts';
import { anyMix, cutMix, mixUp } from './mix.ts';

const batch: Batch = {
  images: Uint8Array.from({ length: 2 * 8 * 8 }, (_, i) => (i < 64 ? 100 : 200)),
  shape: [2, 8, 8, 1],
  labels: Int32Array.of(0, 2),
  indices: Int32Array.of(7, 9),
};

describe('mixUp()', () => {
  it('mixes images and labels in one proportion', () => {
    for (let seed = 0; seed < 20; seed++) {
      const { images, labels, indices } = mixUp({ numClasses: 3 })(batch, random(seed));
      const share = labels[0]!;
      const expected = [share, 0, 1 - share, 1 - share, 0, share];
      for (const [i, value] of expected.entries()) expect(labels[i]).toBeCloseTo(value, 6);
      expect(images[0]! - (100 * share + 200 * (1 - share))).toBeCloseTo(0, 0);
      expect(images[0]! + images[64]!).toBeCloseTo(300, -1);
      expect(indices).toBe(batch.indices);
    }
    expect(batch.images[0]).toBe(100);
  });

  it('draws the share from Beta(alpha, alpha)', () => {
    const shares = (alpha: number) =>
      Array.from({ length: 2000 }, (_, i) => mixUp({ numClasses: 3, alpha })(batch, random(i)).labels[0]!);
    const variance = (values: number[]) => values.reduce((sum, value) => sum + (value - 0.5) ** 2, 0) / values.length;
    for (const alpha of [0.2, 1, 8]) expect(variance(shares(alpha))).toBeCloseTo(1 / (4 * (2 * alpha + 1)), 2);
  });

  it('takes probabilities too', () => {
    const soft = { ...batch, labels: Float32Array.of(0.5, 0.5, 0, 0, 0, 1) };
    const { labels } = mixUp({ numClasses: 3 })(soft, random(1));
    expect(labels[0]! + labels[1]! + labels[2]!).toBeCloseTo(1);
  });

  it('refuses a label beyond the classes', () => {
    expect(() => mixUp({ numClasses: 2 })(batch, random(0))).toThrow(
      new RangeError('mixUp: labels must be in [0, 2), got 2; numClasses is the number of all classes'),
    );
    expect(() => mixUp({ numClasses: 2, alpha: 0 })).toThrow(new RangeError('mixUp: alpha must be > 0, got 0'));
  });
});

describe('cutMix()', () => {
  it('replaces a rectangle, and mixes labels by its area', () => {
    const covered = Array.from({ length: 50 }, (_, seed) => {
      const { images, labels } = cutMix({ numClasses: 3 })(batch, random(seed));
      const replaced = images.slice(0, 64).filter((value) => value === 200).length;
      expect(labels[0]).toBeCloseTo(1 - replaced / 64);
      expect(images.slice(64).filter((value) => value === 100).length).toBe(replaced);
      return replaced;
    });
    expect(new Set(covered).size).toBeGreaterThan(10);
  });
});

describe('anyMix(), and the loader’s mix', () => {
  it('are the same for the same seed, and other in another batch', async () => {
    const dataset = arrayDataset({
      data: Uint8Array.from({ length: 16 }, (_, i) => i),
      labels: Int32Array.from({ length: 16 }, (_, i) => i % 2),
      height: 1,
      width: 1,
      channels: 1,
      classes: ['even', 'odd'],
    });
    const mix = anyMix([mixUp({ numClasses: 2 }), cutMix({ numClasses: 2 })]);
    const labels = async (seed: number) => {
      const all: number[][] = [];
      for await (const batch of loader(dataset, { batchSize: 4, mix, seed })) all.push(Array.from(batch.labels));
      return all;
    };
    expect(await labels(1)).toEqual(await labels(1));
    expect(await labels(1)).not.toEqual(await labels(2));
    const [first, second] = await labels(1);
    expect(first).not.toEqual(second);
    expect(() => anyMix([])).toThrow(new RangeError('anyMix: there must be at least one transform, got none'));
  });
});
