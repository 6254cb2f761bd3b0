import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fixture } from '../test/formats.ts';
import { makeTar } from '../test/make-tar.ts';
import { makeZip } from '../test/make-zip.ts';
import { serveFiles } from '../test/serve.ts';
import type { Dataset } from './dataset.ts';
import { EMNIST, readEmnist } from './emnist.ts';
import { IMAGENET, imagenet } from './imagenet.ts';
import type { OfficialFiles } from './official.ts';
import {
  CALTECH_101,
  EUROSAT,
  FLOWERS_102,
  FOOD_101,
  IMAGENETTE,
  OXFORD_IIIT_PET,
  readPhotoSet,
} from './photo-sets.ts';
import { publishedDatasets } from './published.ts';
import { splitDataset } from './split.ts';
import { readStl10, STL10 } from './stl10.ts';
import { readSvhn, SVHN } from './svhn.ts';

const text = (content: string): Uint8Array => new TextEncoder().encode(content);

const dot = async (value: number): Promise<Uint8Array> =>
  sharp(Uint8Array.of(value, value, value), { raw: { width: 1, height: 1, channels: 3 } })
    .png()
    .toBuffer();

/** Archives of images: each path with its level, or other content. */
async function withDots(files: Readonly<Record<string, number | Uint8Array>>): Promise<Record<string, Uint8Array>> {
  const entries = Object.entries(files).map(async ([path, one]) => [
    path,
    typeof one === 'number' ? await dot(one) : one,
  ]);
  return Object.fromEntries(await Promise.all(entries));
}

async function temporary(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'imgcls-published-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

/** Small files in place of the official ones, on a server of this machine. */
async function published<Set extends OfficialFiles>(set: Set, files: Readonly<Record<string, Uint8Array>>) {
  const server = await serveFiles(files);
  const small: Set = {
    ...set,
    baseUrls: [server.url],
    files: Object.entries(files).map(([name, content]) => ({
      name,
      sizeBytes: content.length,
      sha256: createHash('sha256').update(content).digest('hex'),
    })),
  };
  return { small, server, cacheDir: await temporary() };
}

/** Of each example: its first level, its class and its part. */
async function contentsOf(dataset: Dataset): Promise<[number, string, string | undefined][]> {
  const contents: [number, string, string | undefined][] = [];
  for (let i = 0; i < dataset.length; i++) {
    const { image, label } = await dataset.get(i);
    expect(label).toBe(dataset.label!(i));
    contents.push([image.data[0]!, dataset.classes[label]!, dataset.split?.(i)]);
  }
  return contents;
}

/** Reads a set twice: downloaded, and from the cache. */
async function read<Set extends OfficialFiles>(
  set: Set,
  files: Readonly<Record<string, Uint8Array>>,
  open: (set: Set, options: { cacheDir: string }) => Promise<Dataset>,
): Promise<Dataset> {
  const { small, server, cacheDir } = await published(set, files);
  const first = await contentsOf(await open(small, { cacheDir }));
  const again = await open(small, { cacheDir });
  expect(await contentsOf(again)).toEqual(first);
  expect(server.requests.map(({ path }) => path)).toEqual(Object.keys(files).map((name) => `/${name}`));
  return again;
}

describe('sets of photos', () => {
  it('imagenette() has folders of parts and WordNet numbers', async () => {
    const archive = await withDots({
      'imagenette2-320/train/n01440764/a_1.JPEG': 1,
      'imagenette2-320/train/n03888257/b_2.JPEG': 2,
      'imagenette2-320/val/n03888257/b_3.JPEG': 3,
      'imagenette2-320/noisy_imagenette.csv': text('path,labels'),
    });
    const files = { 'imagenette2-320.tgz': gzipSync(makeTar(archive)) };
    const dataset = await read(IMAGENETTE[320], files, readPhotoSet);
    expect(await contentsOf(dataset)).toEqual([
      [1, 'tench', 'train'],
      [2, 'parachute', 'train'],
      [3, 'parachute', 'test'],
    ]);
    expect([dataset.classes.length, dataset.source!(0)]).toEqual([
      10,
      'imagenette2-320/imagenette2-320/train/n01440764/a_1.JPEG',
    ]);
    expect(splitDataset(dataset).test.length).toBe(1);
  });

  it('oxfordIiitPet() has lists in another archive', async () => {
    const images = await withDots({
      'images/Abyssinian_100.jpg': 1,
      'images/great_dane_2.jpg': 2,
      'images/x.mat': text(''),
    });
    const lists = {
      'annotations/trainval.txt': text('Abyssinian_100 1 1 1\n'),
      'annotations/test.txt': text('great_dane_2 2 2 1\nmissing_7 3 1 1\n'),
    };
    const files = { 'images.tar.gz': gzipSync(makeTar(images)), 'annotations.tar.gz': gzipSync(makeTar(lists)) };
    expect(await contentsOf(await read(OXFORD_IIIT_PET, files, readPhotoSet))).toEqual([
      [1, 'Abyssinian', 'train'],
      [2, 'great dane', 'test'],
    ]);
  });

  it('flowers102() has its labels and parts in MATLAB files', async () => {
    const images = await withDots(Object.fromEntries([1, 2, 3, 4, 5, 6].map((id) => [`jpg/image_0000${id}.jpg`, id])));
    const files = {
      '102flowers.tgz': gzipSync(makeTar(images)),
      'imagelabels.mat': fixture('flower-labels.mat'),
      'setid.mat': fixture('flower-parts.mat'),
    };
    expect(await contentsOf(await read(FLOWERS_102, files, readPhotoSet))).toEqual([
      [1, 'blackberry lily', 'train'],
      [2, 'pink primrose', 'validation'],
      [3, 'pink primrose', 'train'],
      [4, 'blackberry lily', 'test'],
      [5, 'hard-leaved pocket orchid', 'test'],
      [6, 'hard-leaved pocket orchid', 'test'],
    ]);
    expect(new Set(FLOWERS_102.classes).size).toBe(102);
  });

  it('food101() has a list of test images', async () => {
    const archive = await withDots({
      'food-101/images/apple_pie/11.jpg': 1,
      'food-101/images/apple_pie/12.jpg': 2,
      'food-101/images/waffles/11.jpg': 3,
      'food-101/meta/test.txt': text('apple_pie/12\n'),
    });
    const files = { 'food-101.tar.gz': gzipSync(makeTar(archive)) };
    expect(await contentsOf(await read(FOOD_101, files, readPhotoSet))).toEqual([
      [1, 'apple pie', 'train'],
      [2, 'apple pie', 'test'],
      [3, 'waffles', 'train'],
    ]);
  });

  it('caltech101() has an archive in an archive, and a folder that is no class', async () => {
    const inner = await withDots({
      '101_ObjectCategories/BACKGROUND_Google/image_0001.jpg': 9,
      '101_ObjectCategories/ant/image_0001.jpg': 1,
      '101_ObjectCategories/bass/image_0001.jpg': 2,
    });
    const files = {
      'caltech-101.zip': makeZip({
        'caltech-101/Annotations.tar': text('x'),
        'caltech-101/101_ObjectCategories.tar.gz': gzipSync(makeTar(inner)),
      }),
    };
    expect(await contentsOf(await read(CALTECH_101, files, readPhotoSet))).toEqual([
      [1, 'ant', undefined],
      [2, 'bass', undefined],
    ]);
  });

  it('euroSat() is a ZIP archive of folders', async () => {
    const archive = await withDots({
      '2750/Forest/Forest_2.jpg': 2,
      '2750/Forest/Forest_10.jpg': 10,
      '2750/River/River_1.jpg': 1,
    });
    expect(await contentsOf(await read(EUROSAT, { 'EuroSAT.zip': makeZip(archive) }, readPhotoSet))).toEqual([
      [2, 'Forest', undefined],
      [10, 'Forest', undefined],
      [1, 'River', undefined],
    ]);
  });

  it('are read from where they are unpacked, too, and say what is missing', async () => {
    const dataDir = await temporary();
    await expect(readPhotoSet(EUROSAT, { dataDir })).rejects.toThrow(
      `eurosat: ${dataDir} must hold EuroSAT.zip, or what they unpack to, got an empty folder`,
    );
    const unpacked = await withDots({ 'eurosat/2750/Forest/Forest_2.jpg': 2, 'eurosat/2750/River/River_1.jpg': 1 });
    for (const [path, content] of Object.entries(unpacked)) {
      await mkdir(dirname(join(dataDir, path)), { recursive: true });
      await writeFile(join(dataDir, path), content);
    }
    expect((await contentsOf(await readPhotoSet(EUROSAT, { dataDir }))).map(([level]) => level)).toEqual([2, 1]);
    await expect(readPhotoSet(FOOD_101, { dataDir })).rejects.toThrow('food-101: there must be a file meta/test.txt');
  });

  it('leave nothing in a folder that is the user’s', async () => {
    const [dataDir, cacheDir] = [await temporary(), await temporary()];
    await writeFile(join(dataDir, 'EuroSAT.zip'), makeZip(await withDots({ '2750/Forest/Forest_2.jpg': 2 })));
    await readPhotoSet(EUROSAT, { dataDir, cacheDir });
    expect(await readdir(dataDir)).toEqual(['EuroSAT.zip']);
    expect(await readdir(join(cacheDir, 'eurosat'))).toEqual([expect.stringMatching(/^EuroSAT-\d+\.bin$/)]);
  });
});

describe('svhn()', () => {
  it('reads the MATLAB files, upright, with 0 for 10', async () => {
    const files = { 'train_32x32.mat': fixture('svhn-train.mat'), 'test_32x32.mat': fixture('svhn-test.mat') };
    const dataset = await read(SVHN, files, readSvhn);
    expect(await contentsOf(dataset)).toEqual([
      [0, '1', 'train'],
      [1, '2', 'train'],
      [2, '3', 'train'],
      [3, '4', 'train'],
      [4, '5', 'train'],
      [5, '6', 'test'],
      [6, '7', 'test'],
    ]);
    const { data, height, width } = (await dataset.get(6)).image;
    const at = (row: number, column: number, channel: number) => data[3 * (width * row + column) + channel];
    expect([height, at(3, 0, 0), at(0, 3, 0), at(0, 0, 2), at(31, 31, 2)]).toEqual([32, 9, 12, 106, 199]);
  });
});

describe('stl10()', () => {
  it('reads planes of columns', async () => {
    const image = (start: number) =>
      Uint8Array.from({ length: 3 * 96 * 96 }, (_, i) => start + (i % 96) + 50 * Math.floor(i / 9216));
    const files = {
      'stl10_binary/test_X.bin': image(7),
      'stl10_binary/test_y.bin': Uint8Array.of(10),
      'stl10_binary/train_X.bin': Buffer.concat([image(0), image(3)]),
      'stl10_binary/train_y.bin': Uint8Array.of(1, 4),
      'stl10_binary/unlabeled_X.bin': image(0),
    };
    const dataset = await read(STL10, { 'stl10_binary.tar.gz': gzipSync(makeTar(files)) }, readStl10);
    expect(await contentsOf(dataset)).toEqual([
      [0, 'airplane', 'train'],
      [3, 'cat', 'train'],
      [7, 'truck', 'test'],
    ]);
    const { data } = (await dataset.get(2)).image;
    expect([data[3 * 5], data[3 * 96 * 5], data[3 * 96 * 5 + 1]]).toEqual([7, 12, 62]); // across nothing changes
  });
});

describe('emnist()', () => {
  const idx = (shape: number[], data: ArrayLike<number>): Uint8Array =>
    gzipSync(Uint8Array.from([0, 0, 8, shape.length, ...shape.flatMap((n) => [0, 0, 0, n]), ...Array.from(data)]));
  const images = (count: number) =>
    idx(
      [count, 28, 28],
      Array.from({ length: 784 * count }, (_, i) => i % 28),
    );
  const files = {
    'gzip.zip': makeZip({
      'gzip/emnist-letters-train-images-idx3-ubyte.gz': images(2),
      'gzip/emnist-letters-train-labels-idx1-ubyte.gz': idx([2], [1, 26]),
      'gzip/emnist-letters-test-images-idx3-ubyte.gz': images(1),
      'gzip/emnist-letters-test-labels-idx1-ubyte.gz': idx([1], [2]),
    }),
  };

  it('reads a set out of the archive, upright', async () => {
    const dataset = await read(EMNIST, files, (set, options) => readEmnist(set, { set: 'letters', ...options }));
    expect((await contentsOf(dataset)).map(([, name, part]) => [name, part])).toEqual([
      ['a', 'train'],
      ['z', 'train'],
      ['b', 'test'],
    ]);
    const { data } = (await dataset.get(0)).image;
    expect([data[0], data[1], data[28], data[28 * 27]]).toEqual([0, 0, 1, 27]);
  });

  it('says what is missing', async () => {
    const { small, cacheDir } = await published(EMNIST, files);
    await expect(readEmnist(small, { cacheDir })).rejects.toThrow(
      /must hold emnist-balanced-train-images-idx3-ubyte.gz, or gzip.zip with it, got gzip.zip$/,
    );
  });
});

describe('imagenet()', () => {
  const devkit = {
    'ILSVRC2012_devkit_t12/data/meta.mat': fixture('synsets.mat'),
    'ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt': text('3\n1\n'),
  };

  it('reads images out of archives in archives', async () => {
    const dataDir = await temporary();
    const train = {
      'n03126707.tar': makeTar(await withDots({ 'n03126707_5.JPEG': 5 })),
      'n02119789.tar': makeTar(await withDots({ 'n02119789_1.JPEG': 1, 'n02119789_2.JPEG': 2 })),
    };
    const val = await withDots({ 'ILSVRC2012_val_00000001.JPEG': 8, 'ILSVRC2012_val_00000002.JPEG': 9 });
    await writeFile(join(dataDir, 'ILSVRC2012_img_train.tar'), makeTar(train));
    await writeFile(join(dataDir, 'ILSVRC2012_img_val.tar'), makeTar(val));
    await writeFile(join(dataDir, 'ILSVRC2012_devkit_t12.tar.gz'), gzipSync(makeTar(devkit)));
    const options = { dataDir, cacheDir: await temporary() };
    const dataset = await imagenet(options);
    expect(dataset.classes).toEqual(['crane (n02012849)', 'kit fox, Vulpes macrotis', 'crane (n03126707)']);
    expect(await contentsOf(dataset)).toEqual([
      [5, 'crane (n03126707)', 'train'],
      [1, 'kit fox, Vulpes macrotis', 'train'],
      [2, 'kit fox, Vulpes macrotis', 'train'],
      [8, 'crane (n03126707)', 'test'],
      [9, 'kit fox, Vulpes macrotis', 'test'],
    ]);
    expect((await publishedDatasets.imagenet!({ ...options, split: 'test' })).length).toBe(2);
  });

  it('says where its archives come from', async () => {
    const dataDir = await temporary();
    await expect(imagenet({ dataDir })).rejects.toThrow(
      `imagenet: ${dataDir} must hold ILSVRC2012_devkit_t12.tar.gz, and ILSVRC2012_img_train.tar or ILSVRC2012_img_val.tar or both, got an empty folder; get them from https://www.image-net.org/download`,
    );
    expect(() => publishedDatasets.imagenet!()).toThrow('pass their folder as dataDir');
    expect(IMAGENET.files.every(({ md5 }) => md5)).toBe(true);
  });
});
