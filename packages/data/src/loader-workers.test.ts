import { copyFile, mkdir, mkdtemp, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { random } from '@imgcls/random';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { colorJitter } from './color.ts';
import { horizontalFlip, randomResizedCrop } from './crop.ts';
import { cached, type Dataset, mapped, subset } from './dataset.ts';
import { fromModule } from './from-module.ts';
import { imageFolder } from './image-folder.ts';
import { type Batch, loader, type Transform } from './loader.ts';
import { byRecipe } from './recipe.ts';
import { resize } from './resize.ts';

let folder: string;
let files: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'imgcls-workers-'));
  files = Array.from({ length: 13 }, (_, i) => join(folder, `${i}.png`));
  await Promise.all(
    files.map((file, i) => {
      const [height, width] = [20 + i, 30 - i];
      const draw = random(i);
      const data = Uint8Array.from({ length: 3 * height * width }, () => draw.int(256));
      return sharp(data, { raw: { height, width, channels: 3 } }).toFile(file);
    }),
  );
});
afterAll(() => rm(folder, { recursive: true }));

const photos = (): Dataset & { label(index: number): number } => {
  const label = (index: number) => index % 2;
  const get = byRecipe((index) => ({ file: files[index]! }), label);
  return { length: files.length, classes: ['a', 'b'], get, label, source: (index) => `photos/${index}.png` };
};

const augment: Transform[] = [randomResizedCrop(8, 9), horizontalFlip(), colorJitter({ brightness: 0.4, hue: 0.1 })];

async function collect(batches: AsyncIterable<Batch>): Promise<Batch[]> {
  const all = [];
  for await (const batch of batches) all.push(batch);
  return all;
}

describe('loader() with workers', () => {
  it('gives the same batches with 0, 1, 2 and 4 of them, and others for another seed', async () => {
    const options = { batchSize: 4, shuffle: true, seed: 5, augment };
    const [first, second] = await Promise.all([0, 1].map((epoch) => collect(loader(photos(), options).epoch(epoch))));
    expect(first).not.toEqual(second);
    for (const workers of [1, 2, 4]) {
      const batches = loader(photos(), { ...options, workers });
      expect(await collect(batches.epoch(0))).toEqual(first);
      expect(await collect(batches.epoch(1))).toEqual(second); // into memory that the first epoch has sized
    }
    expect(await collect(loader(photos(), { ...options, workers: 2, seed: 6 }))).not.toEqual(first);
  });

  it('reads a folder that was opened with functions among its options', async () => {
    const root = join(folder, 'sorted');
    await mkdir(join(root, 'any'), { recursive: true });
    for (const i of [0, 1, 2]) await copyFile(files[i]!, join(root, 'any', `${i}.png`));
    const open = () => imageFolder(root, { classes: ['any'], onProgress: () => undefined });
    const options = { batchSize: 3, augment };
    const [expected] = await collect(loader(await open(), options));
    const again = loader(await open(), { ...options, workers: 1 }); // what the check has left in memory is used first
    await collect(again);
    expect(await collect(again)).toEqual([expected]);
  });

  it('finds its workers, and has them write into memory that they share once the size is known', async () => {
    const warned = vi.spyOn(console, 'warn');
    const again = loader(mapped(photos(), resize(4, 4)), { batchSize: 2, workers: 1 });
    await collect(again.epoch(0));
    const [shared] = await collect(again.epoch(1));
    expect(shared!.images.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(warned).not.toHaveBeenCalled();
    warned.mockRestore();
  });

  it('goes on in the middle of an epoch with the very next image', async () => {
    const batches = loader(photos(), { batchSize: 3, shuffle: true, augment, workers: 2 });
    const whole = await collect(batches.epoch(3));
    expect(await collect(batches.epoch(3, 2))).toEqual(whole.slice(2));
  });

  it('serves subset, mapped and cached data sets, whose images are decoded once', async () => {
    const small = cached(mapped(subset(photos(), [3, 1, 4, 0]), resize(6, 7)));
    const options = { batchSize: 2, augment: [horizontalFlip()] };
    const expected = await collect(loader(mapped(subset(photos(), [3, 1, 4, 0]), resize(6, 7)), options).epoch(0));
    const batches = loader(small, { ...options, workers: 2 });
    expect(await collect(batches.epoch(0))).toEqual(expected);
    const moved = files.map((file) => file);
    files = files.map(() => join(folder, 'gone.png'));
    expect(await collect(batches.epoch(0))).toEqual(expected);
    files = moved;
  });

  it('applies transforms of a module, and functions in this thread', async () => {
    const file = join(folder, 'speckle.mjs');
    await writeFile(
      file,
      `export const speckle = (share) => (image, random) => ({
        ...image, data: image.data.map((v) => random.uniform() < share ? 0 : v) });`,
    );
    const speckle = await fromModule(new URL(`file://${file}`), 'speckle', 0.3);
    const mine: Transform = (image, random) => speckle(image, random);
    const options = { batchSize: 5, workers: 2 };
    const [there, here] = await Promise.all(
      [speckle, mine].map((one) => collect(loader(photos(), { ...options, augment: [resize(8, 8), one] }))),
    );
    expect(there).toEqual(here);
    await expect(fromModule(new URL(`file://${file}`), 'spots')).rejects.toThrow(
      new TypeError(`fromModule: file://${file} must export a function "spots", got speckle`),
    );
  });

  it('stops when the reader leaves, and is there for the next one', async () => {
    const batches = loader(photos(), { batchSize: 1, augment, workers: 2 });
    for await (const { indices } of batches) {
      expect(indices[0]).toBe(0);
      break;
    }
    expect(await collect(batches)).toHaveLength(13);
  });

  it.each([0, 2])('names a file that vanishes, or leaves it out and counts it, with %i workers', async (workers) => {
    const gone = join(folder, `gone-${workers}.png`);
    await sharp(files[0]!).toFile(gone);
    const [before, after] = [files.slice(), files.slice()];
    after[2] = gone;
    files = after;
    await unlink(gone);
    const options = { batchSize: 4, augment: [resize(4, 4)], workers };
    const error = await collect(loader(photos(), options)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      message: expect.stringMatching(/^loader: could not read photos\/2.png: decodeImage: it can't be read: ENOENT/),
      cause: { name: 'DecodeError', code: 'unreadable' },
    });
    const batches = loader(photos(), { ...options, onError: 'skip' });
    for (const epoch of [0, 1]) {
      const read = await collect(batches.epoch(epoch));
      expect(read.map(({ indices }) => Array.from(indices))).toEqual([[0, 1, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12]]);
      expect(read[0]!.shape).toEqual([3, 4, 4, 3]);
      expect(read[0]!.labels).toEqual(Int32Array.of(0, 1, 1));
      expect(read[0]!.images.length).toBe(3 * 48);
    }
    expect(batches.skipped).toEqual([
      { file: 'photos/2.png', reason: expect.stringMatching(/^it can't be read: ENOENT/), times: 2 },
    ]);
    files = before;
  });

  it('throws what a transform throws, with the name of the image', async () => {
    const batches = loader(photos(), { batchSize: 4, augment: [resize(4, 4), randomResizedCrop(2, 2)], workers: 1 });
    expect(await collect(batches)).toHaveLength(4);
    const narrow = await fromModule(new URL('./crop.ts', import.meta.url), 'centerCrop', 99, 99);
    await expect(
      collect(loader(photos(), { batchSize: 4, augment: [narrow], workers: 1, onError: 'skip' })),
    ).rejects.toThrow('loader: could not read photos/0.png: centerCrop: images must be at least 99x99, got 20x30');
  });
});
