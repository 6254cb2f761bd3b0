import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeTar } from '../test/make-tar.ts';
import { serveFiles } from '../test/serve.ts';
import { type CifarLabels, cifar10, cifar100, readCifar } from './cifar.ts';
import type { OfficialFiles } from './official.ts';
import { splitDataset } from './split.ts';

/** A record of CIFAR: its labels, then planes of red 1, green 2 and blue 3, the first pixel marked by 100, 101 and 102. */
const record = (...labels: number[]): Uint8Array => {
  const planes = [1, 2, 3].flatMap((value) => [99 + value, ...Array<number>(1023).fill(value)]);
  return Uint8Array.from([...labels, ...planes]);
};

const records = (...labels: number[]): Uint8Array => Buffer.concat(labels.map((label) => record(label)));

async function folderOf(files: Record<string, Uint8Array>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'imgcls-cifar-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

describe('cifar10() of a folder', () => {
  it('reads pixels and labels of as many files as there are, in their order, the test images last', async () => {
    const dataDir = await folderOf({
      'data_batch_10.bin': records(7),
      'data_batch_2.bin': records(3, 5),
      'test_batch.bin': records(9, 8),
      'batches.meta.txt': new Uint8Array(1),
    });
    const dataset = await cifar10({ dataDir });
    expect(Array.from(dataset.packed!.labels)).toEqual([3, 5, 7, 9, 8]);
    expect(dataset.classes[dataset.label!(0)]).toBe('cat');
    expect(Array.from({ length: 5 }, (_, i) => dataset.split?.(i))).toEqual([
      'train',
      'train',
      'train',
      'test',
      'test',
    ]);
    const { image } = await dataset.get(4);
    expect([image.height, image.width, image.channels]).toEqual([32, 32, 3]);
    expect(image.data).toEqual(Uint8Array.from({ length: 3072 }, (_, i) => (i < 3 ? 100 + i : 1 + (i % 3))));
  });

  it('gives the training or the test images alone', async () => {
    const dataDir = await folderOf({ 'data_batch_1.bin': records(1, 2, 3), 'test_batch.bin': records(4, 5) });
    expect((await cifar10({ dataDir, split: 'train' })).packed?.labels).toEqual(Int32Array.of(1, 2, 3));
    expect((await cifar10({ dataDir, split: 'test' })).packed?.labels).toEqual(Int32Array.of(4, 5));
  });

  it('without a test file holds out what splitDataset does', async () => {
    const dataDir = await folderOf({ 'data_batch_1.bin': records(...Array.from({ length: 40 }, (_, i) => i % 4)) });
    const whole = await cifar10({ dataDir });
    const [train, test] = [await cifar10({ dataDir, split: 'train' }), await cifar10({ dataDir, split: 'test' })];
    expect(test.packed?.rows).toEqual(splitDataset(whole).test.packed?.rows);
    expect([train.length, test.length]).toEqual([36, 4]);
    expect(new Set([...train.packed!.rows, ...test.packed!.rows]).size).toBe(40);
  });

  it('finds the files in the folder that the archive unpacks to, or in the archive itself', async () => {
    const files = {
      'cifar-10-batches-bin/data_batch_1.bin': records(1, 2),
      'cifar-10-batches-bin/test_batch.bin': records(3),
    };
    const unpacked = await folderOf(files);
    const archive = await folderOf({
      'cifar-10-binary.tar.gz': gzipSync(makeTar({ 'cifar-10-batches-bin/': new Uint8Array(0), ...files })),
    });
    for (const dataDir of [unpacked, archive])
      expect((await cifar10({ dataDir })).packed?.labels).toEqual(Int32Array.of(1, 2, 3));
  });

  it('refuses a folder without the files, and names what it holds', async () => {
    const dataDir = await folderOf({ 'notes.txt': new Uint8Array(1) });
    await expect(cifar10({ dataDir })).rejects.toThrow(
      new Error(
        `cifar-10: ${dataDir} must hold the official binary files (data_batch_1.bin or train.bin, …) or cifar-10-binary.tar.gz, got notes.txt`,
      ),
    );
    await expect(cifar10({ dataDir: join(dataDir, 'nope') })).rejects.toThrow(
      /^cifar-10: dataDir must be a folder that holds the official files, got .*nope: ENOENT/,
    );
  });

  it('refuses files that are not whole', async () => {
    const dataDir = await folderOf({ 'data_batch_1.bin': records(1, 2).subarray(1) });
    await expect(cifar10({ dataDir })).rejects.toThrow(
      new SyntaxError(
        'cifar-10: data_batch_1.bin must be whole records of 3073 bytes, got 6145 bytes; is it complete?',
      ),
    );
  });

  it('refuses labels that are none', async () => {
    const dataDir = await folderOf({ 'data_batch_1.bin': records(1, 10) });
    await expect(cifar10({ dataDir })).rejects.toThrow(RangeError);
  });
});

describe('cifar100() of a folder', () => {
  it('reads fine and coarse labels', async () => {
    const dataDir = await folderOf({ 'train.bin': record(14, 98), 'test.bin': record(0, 4) });
    const [fine, coarse] = [await cifar100({ dataDir }), await cifar100({ dataDir, labels: 'coarse' })];
    expect([fine.classes.length, coarse.classes.length]).toEqual([100, 20]);
    expect([0, 1].map((i) => fine.classes[fine.label!(i)])).toEqual(['woman', 'beaver']);
    expect([0, 1].map((i) => coarse.classes[coarse.label!(i)])).toEqual(['people', 'aquatic_mammals']);
    expect([fine.split?.(0), fine.split?.(1)]).toEqual(['train', 'test']);
    expect((await coarse.get(1)).image.data.subarray(0, 6)).toEqual(Uint8Array.of(100, 101, 102, 1, 2, 3));
  });
});

describe('downloaded', () => {
  const archive = gzipSync(
    makeTar({
      'small/data_batch_1.bin': records(0, 1),
      'small/test_batch.bin': records(1),
      'small/readme.html': Uint8Array.of(9),
    }),
  );
  const small: OfficialFiles & { origin: { name: string; url: string; license: string; attribution: string } } = {
    name: 'small',
    baseUrls: [],
    files: [
      {
        name: 'small.tar.gz',
        sizeBytes: archive.length,
        sha256: createHash('sha256').update(archive).digest('hex'),
      },
    ],
    origin: { name: 'Small', url: '', license: '', attribution: '' },
  };
  const labels: CifarLabels = { classes: ['a', 'b'], labelBytes: 1, labelAt: 0 };

  it('the archive is fetched once, kept in the cache folder, and read out of it', async () => {
    const server = await serveFiles({ 'mirror/small.tar.gz': archive });
    const cacheDir = await folderOf({});
    for (let run = 0; run < 2; run++) {
      const dataset = await readCifar(small, labels, { cacheDir, baseUrl: `${server.url}mirror` });
      expect(dataset.packed?.labels).toEqual(Int32Array.of(0, 1, 1));
      expect(dataset.origin?.name).toBe('Small');
    }
    expect(server.requests).toEqual([{ path: '/mirror/small.tar.gz', range: undefined }]);
    expect(await readdir(join(cacheDir, 'small'))).toEqual(['small.tar.gz']);
  });

  it('a mirror that has something else is refused', async () => {
    const server = await serveFiles({ 'cifar-10-binary.tar.gz': new Uint8Array(1000) });
    const cacheDir = await folderOf({});
    await expect(cifar10({ cacheDir, baseUrl: server.url })).rejects.toThrow(
      /could not get cifar-10-binary.tar.gz\n {2}from .+: the server said 416 .+\nPut the file into .+cifar-10 by other means/,
    );
  });

  it('is kept in the cache folder of the user', async () => {
    const server = await serveFiles({ 'small.tar.gz': archive });
    const cache = await folderOf({});
    const names = ['XDG_CACHE_HOME', 'LOCALAPPDATA'] as const;
    const before = names.map((name) => process.env[name]);
    for (const name of names) process.env[name] = cache;
    onTestFinished(() => {
      names.forEach((name, i) => {
        if (before[i] === undefined) delete process.env[name];
        else process.env[name] = before[i];
      });
    });
    await readCifar(small, labels, { baseUrl: server.url });
    const kept = process.platform === 'win32' ? 'imgcls/Cache/small' : 'imgcls/small';
    expect(existsSync(join(cache, kept, 'small.tar.gz'))).toBe(true);
  });
});
