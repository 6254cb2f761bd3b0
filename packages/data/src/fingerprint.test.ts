import { random } from '@imgcls/random';
import { describe, expect, it } from 'vitest';
import { perceptualHash, similarPairs, spreadOf, thumbnailDistance } from './fingerprint.ts';
import type { Image } from './image.ts';

const thumbnail = (value: (x: number, y: number) => number): Image => ({
  data: Uint8Array.from({ length: 768 }, (_, i) => value(Math.floor(i / 3) % 16, Math.floor(i / 48))),
  height: 16,
  width: 16,
  channels: 3,
});

describe('perceptualHash()', () => {
  it('has a bit for each cell that is brighter than the median, from the top left', () => {
    expect(perceptualHash(thumbnail((_, y) => (y < 8 ? 200 : 100)))).toEqual([0xffffffff, 0]);
    expect(perceptualHash(thumbnail((x) => (x < 8 ? 100 : 200)))).toEqual([0x0f0f0f0f, 0x0f0f0f0f]);
  });

  it('does not change with brightness and contrast', () => {
    const slope = (scale: number, offset: number) => thumbnail((x, y) => offset + scale * (3 * x + 5 * y));
    expect(perceptualHash(slope(1, 20))).toEqual(perceptualHash(slope(0.8, 60)));
  });
});

describe('similarPairs()', () => {
  it('are all pairs within three bits, each once', () => {
    const { uint32, int } = random(1);
    const hashes: [number, number][] = [];
    for (let i = 0; i < 200; i++) {
      const hash: [number, number] = [uint32(), uint32()];
      const near: [number, number] = [...hash];
      for (let flips = int(6); flips > 0; flips--) near[int(2)]! ^= 1 << int(32);
      hashes.push(hash, [near[0] >>> 0, near[1] >>> 0]);
    }
    const bits = (value: number) => (value >>> 0).toString(2).replaceAll('0', '').length;
    const expected: string[] = [];
    for (let i = 0; i < hashes.length; i++)
      for (let j = i + 1; j < hashes.length; j++)
        if (bits(hashes[i]![0] ^ hashes[j]![0]) + bits(hashes[i]![1] ^ hashes[j]![1]) <= 3) expected.push(`${i},${j}`);
    expect(expected.length).toBeGreaterThan(50);
    expect(Array.from(similarPairs(hashes), String).sort()).toEqual(expected.sort());
  });

  it('of equal hashes are with the first', () => {
    expect([
      ...similarPairs([
        [1, 2],
        [1, 2],
        [1, 2],
      ]),
    ]).toEqual([
      [0, 1],
      [0, 2],
    ]);
  });
});

describe('thumbnailDistance(), spreadOf()', () => {
  it('are those computed by hand', () => {
    expect(thumbnailDistance(Uint8Array.of(1, 5), Uint8Array.of(4, 4))).toBe(2);
    const { mean, deviation } = spreadOf({ data: Uint8Array.of(1, 5), height: 1, width: 2, channels: 1 });
    expect([mean, deviation]).toEqual([3, 2]);
  });
});
