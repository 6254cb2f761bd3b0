import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { serveFiles } from '../test/serve.ts';
import { fashionMnist, mnist, readMnist } from './mnist.ts';
import { splitDataset } from './split.ts';

const idx = (shape: number[], data: number[]): Uint8Array =>
  Uint8Array.from([0, 0, 8, shape.length, ...shape.flatMap((n) => [0, 0, n >> 8, n & 255]), ...data]);

const files = {
  'train-images-idx3-ubyte': idx([3, 1, 2], [1, 2, 3, 4, 5, 6]),
  'train-labels-idx1-ubyte': idx([3], [0, 1, 9]),
  't10k-images-idx3-ubyte': idx([1, 1, 2], [7, 8]),
  't10k-labels-idx1-ubyte': idx([1], [5]),
};
const gzipped = Object.fromEntries(
  Object.entries(files).map(([name, content]) => [`${name}.gz`, new Uint8Array(gzipSync(content))]),
);

async function folderOf(content: Record<string, Uint8Array>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'imgcls-mnist-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [name, bytes] of Object.entries(content)) await writeFile(join(folder, name), bytes);
  return folder;
}

describe('mnist() of a folder', () => {
  it.each([
    ['plain', files],
    ['gzipped', gzipped],
  ])('reads %s files, the training images first', async (_, content) => {
    const dataset = await mnist({ dataDir: await folderOf(content) });
    expect(Array.from(dataset.packed!.labels)).toEqual([0, 1, 9, 5]);
    expect(await dataset.get(2)).toEqual({
      label: 9,
      image: { data: Uint8Array.of(5, 6), height: 1, width: 2, channels: 1 },
    });
    expect([dataset.split?.(2), dataset.split?.(3)]).toEqual(['train', 'test']);
  });

  it('gives the training or the test images alone', async () => {
    const dataDir = await folderOf(files);
    expect((await mnist({ dataDir, split: 'train' })).packed?.labels).toEqual(Int32Array.of(0, 1, 9));
    expect((await mnist({ dataDir, split: 'test' })).packed?.labels).toEqual(Int32Array.of(5));
  });

  it('without test files leaves it to splitDataset to hold some out', async () => {
    const n = 20;
    const dataDir = await folderOf({
      'train-images-idx3-ubyte': idx([n, 1, 1], Array<number>(n).fill(1)),
      'train-labels-idx1-ubyte': idx(
        [n],
        Array.from({ length: n }, (_, i) => i % 2),
      ),
    });
    const { train, validation, test } = splitDataset(await mnist({ dataDir }));
    expect([train.length, validation.length, test.length]).toEqual([16, 2, 2]);
  });

  it('refuses a folder that lacks a file', async () => {
    const { 't10k-labels-idx1-ubyte': _, ...incomplete } = files;
    const dataDir = await folderOf(incomplete);
    await expect(mnist({ dataDir })).rejects.toThrow(
      new RegExp(
        `^mnist: ${dataDir} must hold t10k-labels-idx1-ubyte or t10k-labels-idx1-ubyte.gz, got t10k-images-idx3-ubyte, train-`,
      ),
    );
  });

  it('refuses images and labels that do not belong together', async () => {
    const dataDir = await folderOf({ ...files, 'train-labels-idx1-ubyte': idx([2], [0, 1]) });
    await expect(mnist({ dataDir })).rejects.toThrow(
      new SyntaxError('mnist: the train files must hold n images and n labels, got shapes [3,1,2] and [2]'),
    );
  });

  it('names a file that is damaged', async () => {
    const dataDir = await folderOf({
      ...files,
      'train-images-idx3-ubyte': files['train-images-idx3-ubyte'].subarray(0, 20),
    });
    await expect(mnist({ dataDir })).rejects.toThrow(
      new SyntaxError(
        'mnist: train-images-idx3-ubyte: must hold 3 x 1 x 2 = 6 bytes as its header says, got 4; is it complete?',
      ),
    );
  });
});

it('fashionMnist() names its classes', async () => {
  const dataset = await fashionMnist({ dataDir: await folderOf(files) });
  expect([0, 3].map((i) => dataset.classes[dataset.label!(i)])).toEqual(['T-shirt/top', 'Sandal']);
  expect(dataset.origin?.license).toBe('MIT');
});

it('all files are downloaded, and only those that are missing', async () => {
  const server = await serveFiles(gzipped);
  const cacheDir = await folderOf({});
  const official = {
    name: '.',
    baseUrls: [server.url],
    files: Object.entries(gzipped).map(([name, content]) => ({
      name,
      sizeBytes: content.length,
      sha256: createHash('sha256').update(content).digest('hex'),
    })),
    classes: Array.from({ length: 10 }, (_, i) => `${i}`),
    origin: { name: 'Small', url: '', license: '', attribution: '' },
  };
  expect((await readMnist(official, { cacheDir })).length).toBe(4);
  await rm(join(cacheDir, 't10k-labels-idx1-ubyte.gz'));
  expect((await readMnist(official, { cacheDir, split: 'test' })).length).toBe(1);
  expect(server.requests.map(({ path }) => path)).toEqual(
    [...Object.keys(gzipped), 't10k-labels-idx1-ubyte.gz'].map((name) => `/${name}`),
  );
});
