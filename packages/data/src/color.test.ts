import { random } from '@imgcls/random';
import { describe, expect, it } from 'vitest';
import { blended, colorJitter, meanGray, randomGrayscale } from './color.ts';
import type { Image } from './image.ts';

const gray: Image = { data: Uint8Array.of(0, 100, 200, 100), height: 2, width: 2, channels: 1 };

describe('colorJitter()', () => {
  it('without ranges is the image', () => {
    expect(colorJitter({})(gray, random(0))).toEqual(gray);
  });

  it('draws factors from 1 - x to 1 + x, never below 0', () => {
    const white: Image = { ...gray, data: new Uint8Array(4).fill(100) };
    const values = (brightness: number): number[] =>
      Array.from({ length: 500 }, (_, i) => colorJitter({ brightness })(white, random(i)).data[0]!);
    expect([Math.min(...values(0.2)), Math.max(...values(0.2))]).toEqual([80, 119]);
    expect(Math.min(...values(1.5))).toBeLessThan(5); // 1 - 1.5 would be cut to 0 in a fifth of them: only the draw stops at 0
    expect(values(1.5).filter((value) => value === 0).length).toBeLessThan(20);
  });

  it('changes in random order', () => {
    const dark: Image = { data: Uint8Array.of(10, 30), height: 1, width: 2, channels: 1 };
    const jitter = colorJitter({ brightness: [10, 10], contrast: [2, 2] }); // contrast before brightness makes 0, 255; after it 0, 255
    const seen = new Set(Array.from({ length: 40 }, (_, i) => jitter(dark, random(i)).data.join()));
    expect([...seen].sort()).toEqual(['0,255', '22,255']);
  });

  it('turns the hue', () => {
    const red: Image = { data: Uint8Array.of(255, 0, 0), height: 1, width: 1, channels: 3 };
    expect(colorJitter({ hue: [1 / 3, 1 / 3] })(red, random(0)).data).toEqual(Uint8Array.of(0, 255, 0));
  });

  it('refuses ranges that are none', () => {
    expect(() => colorJitter({ contrast: -1 })).toThrow(
      new RangeError('colorJitter: contrast must be >= 0, or two such in order, got -1'),
    );
    expect(() => colorJitter({ hue: 0.6 })).toThrow(
      new RangeError('colorJitter: hue must be in [0, 0.5], or two of [-0.5, 0.5] in order, got 0.6'),
    );
  });
});

describe('randomGrayscale()', () => {
  it('keeps the channels', () => {
    const red: Image = { data: Uint8Array.of(255, 0, 0), height: 1, width: 1, channels: 3 };
    expect(randomGrayscale({ probability: 1 })(red, random(0)).data).toEqual(Uint8Array.of(76, 76, 76));
    expect(randomGrayscale({ probability: 0 })(red, random(0))).toBe(red);
    expect(() => randomGrayscale({ probability: 2 })).toThrow(
      new RangeError('randomGrayscale: probability must be in [0, 1], got 2'),
    );
  });
});

describe('blended()', () => {
  it('moves values away from a base and cuts them', () => {
    expect(blended(gray, 0, 1.5).data).toEqual(Uint8Array.of(0, 150, 255, 150));
    expect(blended(gray, 100, 0.5).data).toEqual(Uint8Array.of(50, 100, 150, 100));
    expect(blended(gray, 100, 2).data).toEqual(Uint8Array.of(0, 100, 255, 100));
  });
});

describe('meanGray()', () => {
  it('is the rounded mean of the luma', () => {
    expect(meanGray(gray)).toBe(100);
    expect(meanGray({ data: Uint8Array.of(255, 0, 0, 0, 0, 0), height: 1, width: 2, channels: 3 })).toBe(38);
  });
});
