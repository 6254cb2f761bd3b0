import { random } from '@imgcls/random';
import { describe, expect, it } from 'vitest';
import { FINGERPRINT_BYTES, fingerprintOf, similarGroups, spreadOf } from './fingerprint.ts';
import type { Image } from './image.ts';

const thumbnail = (value: (x: number, y: number, channel: number) => number): Image => ({
  data: Uint8Array.from({ length: 768 }, (_, i) => value(Math.floor(i / 3) % 16, Math.floor(i / 48), i % 3)),
  height: 16,
  width: 16,
  channels: 3,
});

/** A pattern of nothing in particular, 0..1, different for each seed. */
function pattern(seed: number): (x: number, y: number) => number {
  const draw = random(seed, 'pattern');
  const cells = Array.from({ length: 64 }, () => draw.uniform());
  return (x, y) => cells[8 * (y >> 1) + (x >> 1)]!;
}

function groupsOf(images: readonly Image[]): number[][] {
  const fingerprints = new Uint8Array(FINGERPRINT_BYTES * images.length);
  images.forEach((image, i) => {
    fingerprints.set(fingerprintOf(image), FINGERPRINT_BYTES * i);
  });
  return similarGroups(
    fingerprints,
    images.map((_, i) => i),
  );
}

describe('fingerprintOf()', () => {
  it('is the brightness of pixels, and the colours of blocks', () => {
    const fingerprint = fingerprintOf(thumbnail((x, _, channel) => (channel === 0 && x < 4 ? 100 : 0)));
    expect([...fingerprint.subarray(0, 6)]).toEqual([30, 30, 30, 30, 0, 0]); // 0.299 · 100
    expect([...fingerprint.subarray(256, 258)]).toEqual([111, 128]); // 128 − 0.564 · 29.9
    expect([...fingerprint.subarray(272, 274)]).toEqual([178, 128]); // 128 + 0.713 · 70.1
  });
});

describe('similarGroups()', () => {
  const shown = (seed: number, scale = 180, offset = 30) => {
    const at = pattern(seed);
    return thumbnail((x, y) => offset + scale * at(x, y));
  };

  it('are images that differ by brightness, contrast and a little noise', () => {
    const draw = random(7);
    const noisy = pattern(1);
    const images = [
      shown(1),
      shown(2),
      shown(1, 160, 50),
      thumbnail((x, y) => 30 + 180 * noisy(x, y) + 8 * (draw.uniform() - 0.5)),
      shown(3),
      shown(2, 200, 20),
    ];
    expect(groupsOf(images)).toEqual([
      [0, 2, 3],
      [1, 5],
    ]);
  });

  it('are not images of another colour, another brightness, or without structure', () => {
    const at = pattern(1);
    const red = thumbnail((x, y, channel) => (channel === 0 ? 250 * at(x, y) : 30));
    const blue = thumbnail((x, y, channel) => (channel === 2 ? 250 * at(x, y) : 30));
    expect(groupsOf([red, blue])).toEqual([]);
    expect(groupsOf([shown(1, 100, 0), shown(1, 100, 120)])).toEqual([]);
    expect(groupsOf([shown(1, 0), shown(2, 0)])).toEqual([]);
  });

  it('are all pairs that correlate by 0.98, and those joined by others', () => {
    const images = Array.from({ length: 300 }, (_, i) => {
      const [at, other] = [pattern(i % 60), pattern(1000 + i)];
      const share = 0.04 * Math.floor(i / 60);
      return thumbnail((x, y) => 30 + 180 * ((1 - share) * at(x, y) + share * other(x, y)));
    });
    const luma = images.map((image) => fingerprintOf(image).subarray(0, 256));
    const correlation = (a: Uint8Array, b: Uint8Array): number => {
      const [x, y] = [spreadOf(a), spreadOf(b)];
      return (
        a.reduce((sum, value, k) => sum + (value - x.mean) * (b[k]! - y.mean), 0) / (256 * x.deviation * y.deviation)
      );
    };
    const groupAt = images.map((_, i) => i);
    for (let i = 0; i < images.length; i++)
      for (let j = 0; j < i; j++)
        if (correlation(luma[i]!, luma[j]!) >= 0.98) {
          const [from, to] = [groupAt[i]!, groupAt[j]!];
          for (let k = 0; k < images.length; k++) if (groupAt[k] === from) groupAt[k] = to;
        }
    const expected = [...new Set(groupAt)]
      .map((group) => groupAt.flatMap((one, i) => (one === group ? [i] : [])))
      .filter((group) => group.length > 1);
    expect(expected.length).toBeGreaterThan(50);
    expect(expected.flat().length).toBeLessThan(300);
    expect(groupsOf(images)).toEqual(expected);
  });

  it('of many equal images take no time', () => {
    const same = shown(1);
    const before = performance.now();
    expect(groupsOf(Array.from({ length: 20_000 }, () => same))).toHaveLength(1);
    expect(performance.now() - before).toBeLessThan(20_000); // comparing all pairs takes minutes
  });
});

describe('spreadOf()', () => {
  it('is what is computed by hand', () => {
    expect(spreadOf(Uint8Array.of(1, 5))).toEqual({ mean: 3, deviation: 2 });
  });
});
