import { copyFile, mkdir, mkdtemp, readFile, rename, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cachedInFile } from './cached-in-file.ts';
import { horizontalFlip } from './crop.ts';
import { type Dataset, mapped, subset } from './dataset.ts';
import { digits } from './digits.ts';
import { imageFolder } from './image-folder.ts';
import { type LoaderOptions, loader } from './loader.ts';
import { resize } from './resize.ts';

const COUNT = 6;
const SIZE = 64 + 10 * 12 * 3; // a record

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'imgcls-cache-'));
  file = join(folder, 'photos.cache');
  for (let i = 0; i < COUNT; i++) await put(i, 10 * i);
});
afterEach(() => rm(folder, { recursive: true }));

const path = (i: number) => join(folder, 'photos', i % 2 ? 'odd' : 'even', `${i}.png`);

async function put(i: number, level: number): Promise<void> {
  await mkdir(join(path(i), '..'), { recursive: true });
  await sharp({ create: { width: 20, height: 15, channels: 3, background: { r: level, g: 255 - level, b: 7 } } })
    .png()
    .toFile(path(i));
}

const photos = async (): Promise<Dataset> => mapped(await imageFolder(join(folder, 'photos')), resize(10, 12));

/** All pixels of an epoch. */
async function read(dataset: Dataset, options: Partial<LoaderOptions> = {}): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const { images } of loader(dataset, { batchSize: 4, seed: 1, ...options })) all.push(images as Uint8Array);
  return Buffer.concat(all);
}

/** An epoch through the cache, and how large its file is then. */
async function through(dataset: Dataset, options: Partial<LoaderOptions> & { maxBytes?: number } = {}) {
  const { maxBytes, ...rest } = options;
  const cached = await cachedInFile(dataset, file, maxBytes === undefined ? {} : { maxBytes });
  const pixels = await read(cached, rest);
  cached.close();
  return { pixels, bytes: (await stat(file)).size };
}

describe('cachedInFile()', () => {
  it.each([0, 2])('gives the same batches as without, from the first epoch on, with %i workers', async (workers) => {
    const augment = [horizontalFlip()];
    const expected = await read(await photos(), { augment });
    const first = await through(await photos(), { workers, augment });
    const second = await through(await photos(), { workers, augment });
    expect(first).toEqual({ pixels: expected, bytes: 16 + COUNT * SIZE });
    expect(second).toEqual(first);
  });

  it('really reads the cache: pixels that are put into it come out', async () => {
    await through(await photos());
    const cached = await cachedInFile(await photos(), file);
    const before = await read(cached);
    for (let i = 0; i < COUNT; i++) await writeFile(path(i), 'gone'); // the files are not needed any more
    expect(Buffer.compare(await read(cached), before)).toBe(0);
    expect(Buffer.compare(await read(cached, { workers: 1 }), before)).toBe(0);
    cached.close();
  });

  it('makes a file anew that has changed, at the same size and time too, and knows one that has moved', async () => {
    await through(await photos());
    const { atime, mtime } = await stat(path(2));
    await put(2, 200);
    await utimes(path(2), atime, mtime);
    const changed = await through(await photos());
    expect(changed).toEqual({ pixels: await read(await photos()), bytes: 16 + (COUNT + 1) * SIZE });
    await rename(path(3), join(folder, 'photos', 'odd', 'moved.png'));
    expect((await through(await photos())).bytes).toBe(changed.bytes);
  });

  it('makes images anew that are changed in another way', async () => {
    const larger = async () => mapped(await imageFolder(join(folder, 'photos')), resize(20, 12));
    await through(await photos());
    const { pixels } = await through(await larger());
    expect(Buffer.compare(pixels, await read(await larger()))).toBe(0);
  });

  it('goes on after a crash, wherever the file was cut off or not written', async () => {
    const whole = await through(await photos());
    for (const length of [0, 16, 16 + 40, 16 + 64, 16 + SIZE + 100, 16 + COUNT * SIZE - 1]) {
      if (length === 0) await rm(file);
      else await truncate(file, length);
      expect(await through(await photos())).toEqual(whole);
    }
    const bytes = await readFile(file);
    bytes.fill(0, 16 + 64, 16 + 100); // pixels that never reached the disk
    await writeFile(file, bytes);
    expect((await through(await photos())).pixels).toEqual(whole.pixels);
  });

  it('grows no further than it may', async () => {
    const { pixels, bytes } = await through(await photos(), { maxBytes: 16 + 3 * SIZE });
    expect(bytes).toBe(16 + 3 * SIZE);
    expect(Buffer.compare(pixels, await read(await photos()))).toBe(0);
  });

  it('drops what is not asked for any more, when that is more than half', async () => {
    await through(await photos());
    expect((await through(subset(await photos(), [0, 1, 2]))).bytes).toBe(16 + COUNT * SIZE);
    expect((await through(subset(await photos(), [0, 1]))).bytes).toBe(16 + 2 * SIZE);
  });

  it('is written by one at a time, and read by all', async () => {
    const owner = await cachedInFile(await photos(), file);
    const reader = await cachedInFile(await photos(), file); // of the same process: its lock holds
    await read(reader);
    expect((await stat(file)).size).toBe(16);
    await read(owner);
    expect((await stat(file)).size).toBe(16 + COUNT * SIZE);
    owner.close();
    reader.close();
    await writeFile(`${file}.lock`, '999999999'); // of a process that was killed
    await rm(file);
    expect((await through(await photos())).bytes).toBe(16 + COUNT * SIZE);
  });

  it('says what it needs', async () => {
    await expect(cachedInFile(await digits(), file)).rejects.toThrow('must be made of files');
    const strange = mapped(await photos(), (image) => image);
    await expect(cachedInFile(strange, file)).rejects.toThrow('a function that says nothing of itself');
    await copyFile(path(0), file);
    await expect(cachedInFile(await photos(), file)).rejects.toThrow('must be a cache or not there');
    await rm(file);
    expect((await through(await photos())).bytes).toBe(16 + COUNT * SIZE); // its lock is gone
  });
});
