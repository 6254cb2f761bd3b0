import { readFileSync } from 'node:fs';
import { random } from '@imgcls/random';
import { describe, expect, it } from 'vitest';
import type { Channels, Image } from './image.ts';
import { jpeg, randomJpeg } from './jpeg.ts';

/** Made by scripts/jpeg-fixtures.py. */
const { cases } = JSON.parse(readFileSync(new URL('../test/jpeg.json', import.meta.url), 'utf8')) as {
  cases: { channels: Channels; height: number; width: number; quality: number; image: string; result: string }[];
};
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));

describe('jpeg()', () => {
  it.each(cases)(
    'gives what libjpeg-turbo gives, bit for bit: $height x $width x $channels, quality $quality',
    (one) => {
      const { channels, height, width, quality, image, result } = one;
      expect(jpeg({ data: bytes(image), height, width, channels }, quality)).toEqual({
        data: bytes(result),
        height,
        width,
        channels,
      });
    },
  );

  it.each([0, 101, 2.5])('refuses quality %d', (quality) => {
    const image: Image = { data: new Uint8Array(1), height: 1, width: 1, channels: 1 };
    expect(() => jpeg(image, quality)).toThrow(RangeError);
  });
});

describe('randomJpeg()', () => {
  const { image, height, width, channels } = cases[0]!;
  const picture: Image = { data: bytes(image), height, width, channels };

  it('draws the quality, both ends included', () => {
    const transform = randomJpeg([40, 42]);
    const expected = [40, 41, 42].map((quality) => jpeg(picture, quality));
    const seen = Array.from({ length: 30 }, (_, seed) => transform(picture, random(seed)));
    for (const one of seen) expect(expected).toContainEqual(one);
    for (const one of expected) expect(seen).toContainEqual(one);
    expect(randomJpeg(41)(picture, random(1))).toEqual(expected[1]);
  });

  it('refuses what is out of order', () => {
    expect(() => randomJpeg([50, 40])).toThrow(new RangeError('randomJpeg: qualities must be in order, got 50 and 40'));
  });
});
