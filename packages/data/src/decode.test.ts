import { random } from '@imgcls/random';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { grayPng } from '../test/png.ts';
import { decodeImage } from './decode.ts';
import { DecodeError, type DecodeErrorCode } from './decode-error.ts';

/** 2 by 3 pixels of pure colours. */
const RED = [255, 0, 0];
const GREEN = [0, 255, 0];
const BLUE = [0, 0, 255];
const pixels = Uint8Array.from([RED, GREEN, BLUE, BLUE, BLUE, RED].flat());
const picture = (data = pixels) => sharp(data, { raw: { width: 3, height: 2, channels: 3 } });
const noise = (width: number, height: number) =>
  sharp(
    Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * 2654435761) >>> 24),
    { raw: { width, height, channels: 3 } },
  );

describe('decodeImage()', () => {
  it.each([
    ['PNG', picture().png()],
    ['PNG with a palette', picture().png({ palette: true })],
    ['interlaced PNG', picture().png({ progressive: true })],
    ['lossless WebP', picture().webp({ lossless: true })],
    ['GIF', picture().gif()],
  ])('gives the pixels of a %s', async (_, encoded) => {
    expect(await decodeImage(await encoded.toBuffer())).toEqual({ data: pixels, height: 2, width: 3, channels: 3 });
  });

  it.each([
    ['baseline', {}],
    ['progressive', { progressive: true }],
  ])('gives about the pixels of a %s JPEG', async (_, options) => {
    const { data } = await decodeImage(
      await picture()
        .jpeg({ quality: 100, chromaSubsampling: '4:4:4', ...options })
        .toBuffer(),
    );
    expect(data.every((value, i) => Math.abs(value - pixels[i]!) <= 6)).toBe(true);
  });

  it.each([
    [1, [RED, GREEN, BLUE, BLUE, BLUE, RED]],
    [2, [BLUE, GREEN, RED, RED, BLUE, BLUE]],
    [3, [RED, BLUE, BLUE, BLUE, GREEN, RED]],
    [6, [BLUE, RED, BLUE, GREEN, RED, BLUE]],
    [8, [BLUE, RED, GREEN, BLUE, RED, BLUE]],
  ])('turns upright what EXIF orientation %i says', async (orientation, upright) => {
    const image = await decodeImage(await picture().withMetadata({ orientation }).png().toBuffer());
    expect([image.height, image.width]).toEqual(orientation > 4 ? [3, 2] : [2, 3]);
    expect(image.data).toEqual(Uint8Array.from(upright.flat()));
  });

  it('shows transparent pixels over white', async () => {
    const rgba = Uint8Array.of(255, 0, 0, 255, 255, 0, 0, 0, 0, 0, 0, 128);
    const png = await sharp(rgba, { raw: { width: 3, height: 1, channels: 4 } })
      .png()
      .toBuffer();
    expect((await decodeImage(png)).data).toEqual(Uint8Array.of(255, 0, 0, 255, 255, 255, 127, 127, 127));
  });

  it('takes the upper byte of 16-bit values', async () => {
    const gray16 = await sharp(Uint16Array.of(0, 0x80ff, 0xffff), { raw: { width: 3, height: 1, channels: 1 } })
      .toColourspace('grey16')
      .png()
      .toBuffer();
    expect((await decodeImage(gray16)).data).toEqual(Uint8Array.of(0, 0, 0, 128, 128, 128, 255, 255, 255));
  });

  it('gives one channel or three, whatever the file has', async () => {
    const gray = await sharp(Uint8Array.of(0, 100, 255), { raw: { width: 3, height: 1, channels: 1 } })
      .png()
      .toBuffer();
    expect((await decodeImage(gray, { channels: 1 })).data).toEqual(Uint8Array.of(0, 100, 255));
    expect((await decodeImage(gray)).data).toEqual(Uint8Array.of(0, 0, 0, 100, 100, 100, 255, 255, 255));
    const colour = await picture().png().toBuffer();
    expect((await decodeImage(colour, { channels: 1 })).data).toEqual(Uint8Array.of(76, 150, 29, 29, 29, 76));
  });

  it('reads a CMYK JPEG as colour', async () => {
    const cmyk = await noise(16, 16).toColourspace('cmyk').jpeg().toBuffer();
    expect(await decodeImage(cmyk)).toMatchObject({ height: 16, width: 16, channels: 3 });
  });

  it('takes the first frame of an animation', async () => {
    const frames = await sharp(Uint8Array.from([RED, GREEN].flat()), {
      raw: { width: 1, height: 2, channels: 3, pageHeight: 1 },
    })
      .webp({ lossless: true })
      .toBuffer();
    expect(await decodeImage(frames)).toEqual({ data: Uint8Array.from(RED), height: 1, width: 1, channels: 3 });
  });

  it('gives about the pixels of an AVIF', async () => {
    const avif = await picture().avif({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer();
    const { data, ...size } = await decodeImage(avif);
    expect(size).toEqual({ height: 2, width: 3, channels: 3 });
    expect(data.every((value, i) => Math.abs(value - pixels[i]!) <= 6)).toBe(true);
  });

  it('shows transparent pixels over the background that is asked for', async () => {
    const png = await sharp(Uint8Array.of(255, 0, 0, 0), { raw: { width: 1, height: 1, channels: 4 } })
      .png()
      .toBuffer();
    expect((await decodeImage(png, { background: [10, 20, 30] })).data).toEqual(Uint8Array.of(10, 20, 30));
  });

  it.each([1, 2, 4])('reads a PNG of %i bits', async (bits) => {
    const levels = Uint8Array.from({ length: 2 ** bits }, (_, i) => (255 * i) / (2 ** bits - 1));
    const png = grayPng(levels.length, 1, bits, packed(levels, bits));
    expect((await decodeImage(png, { channels: 1 })).data).toEqual(levels);
  });

  it('brings colours of another profile to sRGB', async () => {
    const wide = await sharp(Uint8Array.of(200, 100, 50), { raw: { width: 1, height: 1, channels: 3 } })
      .withIccProfile('p3', { attach: true })
      .png()
      .toBuffer();
    const [red, green, blue] = (await decodeImage(wide)).data;
    expect([200 - red!, 100 - green!, 50 - blue!].every((difference) => Math.abs(difference) <= 1)).toBe(true);
    const stored = await sharp(wide, { ignoreIcc: true }).raw().toBuffer();
    expect(Array.from(stored)).not.toEqual([200, 100, 50]); // the file holds other numbers
  });

  it('gives what there is of a damaged file on demand, where its format allows it', async () => {
    const draw = random(1);
    const pixels = Uint8Array.from({ length: 3 * 64 * 64 }, () => draw.int(256));
    const picture = () => sharp(pixels, { raw: { width: 64, height: 64, channels: 3 } });
    for (const encoded of [picture().jpeg(), picture().gif()]) {
      const whole = await encoded.toBuffer();
      const [partial, complete] = [await decodeImage(half(whole), { partial: true }), await decodeImage(whole)];
      expect([partial.height, partial.width]).toEqual([64, 64]);
      const same = partial.data.findIndex((value, i) => value !== complete.data[i]);
      expect(same).toBeGreaterThanOrEqual(3 * 64 * 8);
    }
    const webp = await picture().webp().toBuffer();
    await expect(decodeImage(half(webp), { partial: true })).rejects.toMatchObject({ code: 'corrupt' });
    await expect(decodeImage(new Uint8Array(0), { partial: true })).rejects.toMatchObject({ code: 'empty' });
  });

  it('refuses 50,000 by 50,000 pixels by the header', async () => {
    const bomb = grayPng(50_000, 50_000, 1, new Uint8Array(0));
    await expect(decodeImage(bomb)).rejects.toMatchObject({
      code: 'too-large',
      reason: '50000 x 50000 pixels, more than the limit of 50000000',
    });
  });

  it('leaves sharp no loader for other formats', async () => {
    await decodeImage(await picture().png().toBuffer());
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>');
    await expect(sharp(svg).raw().toBuffer()).rejects.toThrow(/blocked|unsupported/);
  });

  const damaged: [string, () => Promise<Uint8Array>, DecodeErrorCode, RegExp][] = [
    ['nothing', async () => new Uint8Array(0), 'empty', /^empty file$/],
    [
      'text',
      async () => new TextEncoder().encode('not an image at all'),
      'unsupported',
      /^not a JPEG, PNG, WebP, GIF or AVIF image$/,
    ],
    [
      'an SVG',
      async () => new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg"/>'),
      'unsupported',
      /^not a/,
    ],
    ['half a JPEG', async () => half(await noise(64, 64).jpeg().toBuffer()), 'corrupt', /^damaged JPEG: ./],
    ['half a PNG', async () => half(await noise(64, 64).png().toBuffer()), 'corrupt', /^damaged PNG: ./],
    ['half a WebP', async () => half(await noise(64, 64).webp().toBuffer()), 'corrupt', /^damaged WebP: ./],
    [
      'the first bytes of a JPEG',
      async () => (await noise(64, 64).jpeg().toBuffer()).subarray(0, 20),
      'corrupt',
      /^damaged JPEG: its size is missing$/,
    ],
    [
      'the first bytes of a PNG',
      async () => (await noise(64, 64).png().toBuffer()).subarray(0, 20),
      'corrupt',
      /^damaged PNG: its size is missing$/,
    ],
    [
      'a JPEG with noise in its middle',
      async () => scrambled(await noise(64, 64).jpeg().toBuffer()),
      'corrupt',
      /^damaged JPEG: ./,
    ],
  ];
  it.each(damaged)('refuses %s', async (_, bytes, code, reason) => {
    const error = await decodeImage(await bytes()).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DecodeError);
    expect(error).toMatchObject({ name: 'DecodeError', code, reason: expect.stringMatching(reason) });
    expect((error as DecodeError).message).toBe(`decodeImage: ${(error as DecodeError).reason}`);
  });

  it.each([
    ['PNG', noise(50, 40).png()],
    ['JPEG', noise(50, 40).jpeg()],
    ['lossy WebP', noise(50, 40).webp()],
    ['lossless WebP', noise(50, 40).webp({ lossless: true })],
    ['WebP with metadata', noise(50, 40).webp().withMetadata()],
  ])('refuses a %s of too many pixels or bytes', async (_, encoded) => {
    const bytes = await encoded.toBuffer();
    await expect(decodeImage(bytes, { maxPixels: 2000 })).resolves.toMatchObject({ width: 50, height: 40 });
    await expect(decodeImage(bytes, { maxPixels: 1999 })).rejects.toMatchObject({
      code: 'too-large',
      reason: '40 x 50 pixels, more than the limit of 1999',
    });
    await expect(decodeImage(bytes, { maxBytes: bytes.length - 1 })).rejects.toMatchObject({
      code: 'too-large',
      reason: `${bytes.length} bytes, more than the limit of ${bytes.length - 1}`,
    });
  });
});

const half = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, bytes.length / 2);

const scrambled = (bytes: Uint8Array): Uint8Array =>
  bytes.map((byte, i) => (i > bytes.length * 0.5 && i < bytes.length * 0.6 ? byte ^ 0xa5 : byte));

/** Values of 0..255 as a row of so many bits each. */
function packed(levels: Uint8Array, bits: number): Uint8Array {
  const row = new Uint8Array(1 + Math.ceil((levels.length * bits) / 8));
  levels.forEach((level, i) => {
    row[1 + ((i * bits) >> 3)]! |= (level >> (8 - bits)) << (8 - bits - ((i * bits) & 7));
  });
  return row;
}
