import { random } from '@imgcls/random';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { randomResizedCrop } from './crop.ts';
import { croppingOf } from './cropping.ts';
import { decodeCropped, decodeImage } from './decode.ts';

/** Something with edges, areas and colours: as photos, and other than noise, it has blocks of all kinds. */
const scene = (height: number, width: number) => {
  const draw = random(1);
  const spots = Array.from({ length: 12 }, () => Array.from({ length: 6 }, () => draw.uniform()));
  const data = new Uint8Array(3 * height * width);
  for (let i = 0; i < data.length; i++) {
    const [x, y, channel] = [(Math.floor(i / 3) % width) / width, Math.floor(i / 3 / width) / height, i % 3];
    const inside = spots.find(([cx, cy, radius]) => (x - cx!) ** 2 + (y - cy!) ** 2 < (0.3 * radius!) ** 2);
    data[i] = 255 * (inside ? inside[3 + channel]! : x * y) + (x > 0.6 ? 20 * draw.uniform() : 0);
  }
  return sharp(data, { raw: { height, width, channels: 3 } });
};

const transform = randomResizedCrop(40, 44, { scale: [0.05, 1], ratio: [0.3, 3] });

async function expectSame(bytes: Uint8Array): Promise<void> {
  const whole = await decodeImage(bytes);
  for (let seed = 0; seed < 5; seed++) {
    const part = await decodeCropped(bytes, {}, croppingOf(transform)!, random(seed));
    const expected = transform(whole, random(seed));
    expect([part!.height, part!.width, part!.channels]).toEqual([40, 44, 3]);
    expect(Buffer.compare(part!.data, expected.data)).toBe(0);
  }
}

describe('decodeCropped()', () => {
  it.each(['4:4:4', '4:2:0'])(
    'gives the very pixels of the whole image, cut and resized, of a JPEG at %s',
    async (sampling) => {
      for (const [height, width] of [
        [97, 131],
        [64, 48],
        [9, 200],
      ] as const)
        for (const quality of [40, 90, 100])
          await expectSame(await scene(height, width).jpeg({ quality, chromaSubsampling: sampling }).toBuffer());
    },
  );

  it('does so for gray and progressive files, and with codes of their own', async () => {
    const progressive = await scene(60, 70).jpeg({ progressive: true }).toBuffer();
    const gray = await scene(60, 70).grayscale().jpeg().toBuffer();
    const optimised = await scene(60, 70).jpeg({ optimizeCoding: true, quantizationTable: 3 }).toBuffer();
    for (const bytes of [progressive, gray, optimised]) await expectSame(bytes);
  });

  it('leaves to others what is turned or no JPEG', async () => {
    const others = [
      scene(20, 30).withMetadata({ orientation: 6 }).jpeg(),
      scene(20, 30).toColourspace('cmyk').jpeg(),
      scene(20, 30).png(),
    ];
    for (const [i, other] of others.entries()) {
      const draw = random(1);
      const part = await decodeCropped(await other.toBuffer(), {}, croppingOf(transform)!, draw);
      if (i !== 1) expect([part, draw.uint32()]).toEqual([undefined, random(1).uint32()]);
    }
  });

  it('says what is wrong with a file', async () => {
    const whole = await scene(90, 90).jpeg().toBuffer();
    const scrambled = whole.slice();
    scrambled.fill(0x55, whole.length - 700, whole.length - 2);
    const damaged = croppingOf(randomResizedCrop(90, 90, { scale: [1, 1], ratio: [1, 1] }))!;
    await expect(decodeCropped(scrambled, {}, damaged, random(1))).rejects.toMatchObject({ code: 'corrupt' });
    expect(await decodeCropped(whole.subarray(0, 900), {}, damaged, random(1))).toBeUndefined();
  });

  it('decodes with our own decoder', async () => {
    const bytes = await scene(90, 90).jpeg().toBuffer();
    const { decodePart } = await import('#codec');
    expect(
      await decodePart(
        bytes,
        { profile: undefined },
        { top: 3, left: 5, height: 40, width: 50 },
        { height: 40, width: 50 },
      ),
    ).toBeDefined();
  });
});
