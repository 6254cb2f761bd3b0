import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { grayPng } from '../test/png.ts';
import { horizontalFlip, randomResizedCrop } from './crop.ts';
import { imageFolder } from './image-folder.ts';
import type { ImageFolder } from './labelled-files.ts';
import { type Batch, type LoaderOptions, loader } from './loader.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'imgcls-nasty-'));
});
afterAll(() => rm(folder, { recursive: true }));

const RED = [250, 10, 20];
const BLUE = [10, 20, 250];
/** 16 by 32 pixels, the left half red and the right half blue. */
const picture = () =>
  sharp(
    Uint8Array.from({ length: 16 * 32 * 3 }, (_, i) => (Math.floor(i / 3) % 32 < 16 ? RED : BLUE)[i % 3]!),
    {
      raw: { height: 16, width: 32, channels: 3 },
    },
  );

/** The picture as a file that says it lies the other way. */
async function turned(orientation: number): Promise<Buffer> {
  return picture().jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).withMetadata({ orientation }).toBuffer();
}

const LONG = `${'x'.repeat(200)}.png`;

/** The file as one that says it has 12 bits a channel: the first byte of its frame. */
function ofTwelveBits(jpeg: Buffer): Buffer {
  const copy = Buffer.from(jpeg);
  copy[copy.indexOf(Buffer.of(0xff, 0xc0)) + 4] = 12;
  return copy;
}

/** The file with a bit turned over among its pixels. */
function damagedPng(png: Buffer): Buffer {
  const copy = Buffer.from(png);
  copy[copy.indexOf('IDAT') + 12]! ^= 0x10;
  return copy;
}

async function nastyFolder(): Promise<ImageFolder> {
  const jpeg = await picture().jpeg().toBuffer();
  const deep = sharp(
    Uint16Array.from({ length: 64 }, (_, i) => 1024 * i),
    { raw: { height: 8, width: 8, channels: 1 } },
  );
  const frames = sharp(Uint8Array.from([...RED, ...BLUE]), {
    raw: { width: 1, height: 2, channels: 3, pageHeight: 1 },
  });
  const good: Record<string, Buffer> = {
    'plain.jpg': jpeg,
    'jpeg named.png': jpeg,
    'sixteen bits.png': await deep.toColourspace('grey16').png().toBuffer(),
    'cmyk.jpg': await picture().toColourspace('cmyk').jpeg().toBuffer(),
    'animated.gif': await frames.gif().toBuffer(),
    'avif.avif': await picture().avif().toBuffer(),
    'see-through.png': await picture().ensureAlpha(0.5).png().toBuffer(),
    'fünf 猫 🐈.jpg': jpeg,
    [LONG]: await picture().png().toBuffer(),
    'vanishes.jpg': jpeg,
    ...Object.fromEntries(
      await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(async (n) => [`turned ${n}.jpg`, await turned(n)])),
    ),
  };
  const bad: Record<string, Buffer> = {
    'truncated.jpg': jpeg.subarray(0, jpeg.length - 8),
    'empty.png': Buffer.alloc(0),
    'text.jpg': Buffer.from('This is no image.'),
    'tiff.jpg': Buffer.from('II*\0\x08\0\0\0'),
    'heic.jpg': Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic'),
    'svg.png': Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'),
    'twelve bits.jpg': ofTwelveBits(jpeg),
    'damaged.png': damagedPng(await picture().png().toBuffer()),
    'bomb.png': grayPng(50_000, 50_000, 1, Buffer.alloc(1_000_000)),
  };
  await Promise.all(['good', 'bad'].map((name) => mkdir(join(folder, name))));
  for (const [name, content] of Object.entries(good)) await writeFile(join(folder, 'good', name), content);
  for (const [name, content] of Object.entries(bad)) await writeFile(join(folder, 'bad', name), content);
  await writeFile(join(folder, 'bad', 'fine after all.jpg'), jpeg);
  await mkdir(join(folder, 'good', 'folder.jpg'));
  await writeFile(join(folder, 'good', 'folder.jpg', 'inside.jpg'), jpeg);
  await symlink(join(folder, 'good'), join(folder, 'good', 'loop'));
  await symlink(join(folder, 'nowhere.jpg'), join(folder, 'bad', 'dangling.jpg'));
  return imageFolder(folder, { classes: ['bad', 'good'] });
}

async function collect(batches: AsyncIterable<Batch>): Promise<Batch[]> {
  const all = [];
  for await (const batch of batches) all.push(batch);
  return all;
}

it('imageFolder() and loader() take a folder of nasty files, each as the README says', async () => {
  const photos = await nastyFolder();
  const index = (name: string) =>
    Array.from({ length: photos.length }, (_, i) => i).find((i) => photos.source(i).endsWith(name))!;
  const first = async (name: string) => {
    const { image } = await photos.get(index(name));
    return { size: [image.height, image.width], pixel: Array.from(image.data.subarray(0, 3)) };
  };

  expect(Object.fromEntries(photos.skipped.map(({ file, reason }) => [file.slice(folder.length + 5), reason]))).toEqual(
    {
      'damaged.png': "damaged PNG: it can't be decoded",
      'heic.jpg': 'not a JPEG, PNG, WebP, GIF or AVIF image, but HEIC',
      'svg.png': 'not a JPEG, PNG, WebP, GIF or AVIF image, but SVG or other XML',
      'tiff.jpg': 'not a JPEG, PNG, WebP, GIF or AVIF image, but TIFF',
      'twelve bits.jpg': 'JPEG of 12 bits a channel, which is not read',
      'bomb.png': '50000 x 50000 pixels, more than the limit of 50000000',
      'dangling.jpg': expect.stringMatching(/./),
      'empty.png': 'empty file',
      'text.jpg': 'not a JPEG, PNG, WebP, GIF or AVIF image',
      'truncated.jpg': 'damaged JPEG: it is cut off',
    },
  );
  expect(photos.length).toBe(20);

  expect(await first('sixteen bits.png')).toEqual({ size: [8, 8], pixel: [0, 0, 0] });
  expect((await photos.get(index('sixteen bits.png'))).image.data.at(-1)).toBe(252);
  expect(await first('animated.gif')).toEqual({ size: [1, 1], pixel: RED });
  expect((await first('cmyk.jpg')).size).toEqual([16, 32]);
  expect((await first('see-through.png')).pixel.every((v, i) => Math.abs(v - (RED[i]! + 255) / 2) <= 1)).toBe(true);
  expect(await first(LONG)).toEqual({ size: [16, 32], pixel: RED });
  for (const [orientation, left] of [true, false, false, true, true, true, false, false].entries()) {
    const { size, pixel } = await first(`turned ${orientation + 1}.jpg`);
    expect(size).toEqual(orientation < 4 ? [16, 32] : [32, 16]);
    const corner = left ? RED : BLUE;
    expect(pixel.every((v, i) => Math.abs(v - corner[i]!) <= 3)).toBe(true);
  }

  const options: LoaderOptions = {
    batchSize: 4,
    shuffle: true,
    seed: 1,
    augment: [randomResizedCrop(8, 8), horizontalFlip()],
    onError: 'skip',
  };
  await unlink(join(folder, 'good', 'vanishes.jpg'));
  await photos.get(index('vanishes.jpg')).catch(() => undefined); // was decoded before, for the check
  const [here, there] = [loader(photos, options), loader(photos, { ...options, workers: 2 })];
  const expected = await collect(here.epoch(0));
  expect(await collect(there.epoch(0))).toEqual(expected);
  expect(expected.flatMap(({ indices }) => Array.from(indices))).toHaveLength(19);
  for (const { skipped } of [here, there])
    expect(skipped).toEqual([
      {
        file: join(folder, 'good', 'vanishes.jpg'),
        reason: expect.stringMatching(/^it can't be read: ENOENT/),
        times: 1,
      },
    ]);
  await expect(collect(loader(photos, { ...options, onError: 'error' }))).rejects.toThrow(
    /^loader: could not read .*vanishes\.jpg: decodeImage: it can't be read: ENOENT/,
  );

  const partly = await imageFolder(folder, { classes: ['bad', 'good'], partial: true });
  expect(partly.skipped.map(({ file }) => file.slice(folder.length + 5))).not.toContain('truncated.jpg');
  expect(partly.length).toBe(20 + 2 - 1); // the cut and the damaged one more, the one that has vanished less
  await expect(imageFolder(folder, { onError: 'error' })).rejects.toThrow(/must be an image of a class/);
});

it.skipIf(process.platform === 'win32')('imageFolder() names what a file system can hold beside files', async () => {
  const place = join(folder, 'beside');
  await mkdir(join(place, 'any'), { recursive: true });
  await writeFile(join(place, 'any', 'plain.png'), await picture().png().toBuffer());
  const expected: Record<string, RegExp> = { 'pipe.jpg': /^no file, but a pipe/, 'device.jpg': /^no file, but a pipe/ };
  execFileSync('mkfifo', [join(place, 'any', 'pipe.jpg')]);
  await symlink('/dev/zero', join(place, 'any', 'device.jpg'));
  if (process.getuid!() !== 0) {
    await writeFile(join(place, 'any', 'closed.png'), await picture().png().toBuffer());
    await chmod(join(place, 'any', 'closed.png'), 0);
    expected['closed.png'] = /^it can't be read: EACCES/;
  }
  if (process.platform === 'linux') {
    await writeFile(Buffer.concat([Buffer.from(`${place}/any/`), Buffer.from([0xe9, 0x2e, 0x6a, 0x70, 0x67])]), 'x');
    expected['\ufffd.jpg'] = /^its name is not UTF-8: rename it$/;
  }
  const { length, skipped } = await imageFolder(place, { classes: ['any'] });
  expect(length).toBe(1);
  expect(Object.fromEntries(skipped.map(({ file, reason }) => [file.slice(place.length + 5), reason]))).toEqual(
    Object.fromEntries(Object.entries(expected).map(([name, reason]) => [name, expect.stringMatching(reason)])),
  );
});
