import { random } from '@imgcls/random';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodePart, decodePixels } from '#codec';
import { profileTables } from './color-profile.ts';
import { decodeImage } from './decode.ts';
import { plainJpeg } from './plain-jpeg.ts';

const size = { height: 60, width: 80 };
const draw = random(1);
const pixels = Uint8Array.from({ length: 3 * size.height * size.width }, () => draw.int(256));
const photo = (profile: string) =>
  sharp(pixels, { raw: { ...size, channels: 3 } })
    .blur(2)
    .withIccProfile(profile, { attach: true })
    .jpeg({ quality: 95, chromaSubsampling: '4:4:4' })
    .toBuffer();

/** The profile that a file carries. */
async function profileOf(file: Uint8Array): Promise<Uint8Array> {
  const { icc } = await sharp(file).metadata();
  return icc!;
}

describe('profileTables()', () => {
  it('brings colours of a display to sRGB as sharp does, within two levels', async () => {
    const bytes = new Uint8Array(await photo('p3'));
    const plain = plainJpeg(bytes)!;
    expect(plain.profile).toEqual(new Uint8Array(await profileOf(bytes)));
    const ours = await decodePart(bytes, plain, { top: 0, left: 0, ...size }, size);
    const theirs = await decodePixels(bytes, 'JPEG', {});
    const off = ours!.data.map((level, i) => Math.abs(level - theirs.data[i]!));
    expect(Math.max(...off)).toBeLessThanOrEqual(2);
    const plainly = await decodePart(bytes, { profile: undefined }, { top: 0, left: 0, ...size }, size);
    expect(Math.max(...plainly!.data.map((level, i) => Math.abs(level - theirs.data[i]!)))).toBeGreaterThan(10);
    expect((await decodeImage(bytes)).data).toEqual(ours!.data);
  });

  it('keeps black, white and grays', async () => {
    const { light, encoded } = profileTables(await profileOf(new Uint8Array(await photo('p3'))))!;
    for (const level of [0, 1, 17, 128, 254, 255]) {
      const shown = [0, 1, 2].map((i) => {
        const sum = [0, 1, 2].reduce((all, channel) => all + light[4 * (256 * channel + level) + i]!, 0);
        return encoded[Math.min(Math.max(sum, 0), encoded.length - 1)]!;
      });
      for (const channel of shown) expect(Math.abs(channel - level)).toBeLessThanOrEqual(1);
    }
  });

  it('knows no profile of other kinds, nor one that is cut off', async () => {
    const p3 = new Uint8Array(await profileOf(new Uint8Array(await photo('p3'))));
    for (const length of [0, 100, 130, 200, p3.length - 400])
      expect(profileTables(p3.subarray(0, length))).toBeUndefined();
    const gray = p3.slice();
    gray.set(new TextEncoder().encode('GRAY'), 16);
    expect(profileTables(gray)).toBeUndefined();
  });
});
