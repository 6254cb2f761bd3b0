import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import fixtures from '../test/kinds.json' with { type: 'json' };
import { decodeImage } from './decode.ts';

const inflated = (text: string): Uint8Array => new Uint8Array(inflateSync(Buffer.from(text, 'base64')));

describe(`decodeImage() gives the pixels of Pillow ${fixtures.pillow}, within a level:`, () => {
  it.each(Object.entries(fixtures.files))('%s', async (_, { file, height, width, pixels }) => {
    const { data, ...size } = await decodeImage(inflated(file));
    expect(size).toEqual({ height, width, channels: 3 });
    const expected = inflated(pixels);
    expect(data.length).toBe(expected.length);
    expect(data.filter((value, i) => Math.abs(value - expected[i]!) > 1)).toHaveLength(0);
  });
});
