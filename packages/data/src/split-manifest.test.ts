import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Dataset } from './dataset.ts';
import { digits } from './digits.ts';
import { imageFolder } from './image-folder.ts';
import { splitDataset } from './split.ts';
import { splitByManifest, splitManifest } from './split-manifest.ts';

const dot = (value: number): Promise<Buffer> =>
  sharp(Uint8Array.of(value, value, value), { raw: { width: 1, height: 1, channels: 3 } })
    .png()
    .toBuffer();

/** Ten cats and ten dogs. */
async function photos(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'imgcls-manifest-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const name of ['cats', 'dogs']) {
    await mkdir(join(folder, name));
    for (let i = 0; i < 10; i++)
      await writeFile(join(folder, name, `${i}.png`), await dot(name === 'cats' ? i : 100 + i));
  }
  return folder;
}

const within = (folder: string, dataset: Dataset) => ({
  nameOf: (index: number) => relative(folder, dataset.source!(index)).replaceAll('\\', '/'),
});

const namesOf = ({ length, source }: Dataset, folder: string): string[] =>
  Array.from({ length }, (_, i) => relative(folder, source!(i)));

describe('splitManifest(), splitByManifest()', () => {
  it('write down the division, with hashes of the files', async () => {
    const folder = await photos();
    const dataset = await imageFolder(folder);
    const { files, classes } = await splitManifest(dataset, { seed: 3, ...within(folder, dataset) });
    expect([files.length, classes]).toEqual([20, ['cats', 'dogs']]);
    const { test } = splitDataset(dataset, { seed: 3 });
    expect(files.filter(({ part }) => part === 'test').map(({ file }) => file)).toEqual(namesOf(test, folder));
    expect(files[1]).toEqual({
      file: 'cats/1.png',
      class: 'cats',
      part: expect.any(String),
      sha256: createHash('sha256')
        .update(await dot(1))
        .digest('hex'),
    });
  });

  it('find the same parts in a copy with more files, elsewhere', async () => {
    const folder = await photos();
    const dataset = await imageFolder(folder);
    const parts = splitDataset(dataset, { seed: 3 });
    const manifest = JSON.parse(JSON.stringify(await splitManifest(dataset, { seed: 3, ...within(folder, dataset) })));
    const copy = await photos();
    await cp(folder, copy, { recursive: true });
    for (let i = 10; i < 15; i++) await writeFile(join(copy, 'cats', `${i}.png`), await dot(i));
    const larger = await imageFolder(copy);
    expect(larger.length).toBe(25);
    const found = await splitByManifest(larger, manifest, within(copy, larger));
    for (const part of ['train', 'validation', 'test'] as const)
      expect(namesOf(found[part], copy)).toEqual(namesOf(parts[part], folder));
  });

  it('name the files that have changed, or are missing', async () => {
    const folder = await photos();
    const before = await imageFolder(folder);
    const manifest = await splitManifest(before, within(folder, before));
    await writeFile(join(folder, 'cats', '3.png'), await dot(33));
    await rename(join(folder, 'dogs', '7.png'), join(folder, 'cats', '17.png'));
    const after = await imageFolder(folder);
    await expect(splitByManifest(after, manifest, within(folder, after))).rejects.toThrow(
      new Error(
        'splitByManifest: files must be those of the split, got 1 changed: cats/3.png; 1 missing: dogs/7.png; put these back, or make a new split',
      ),
    );
    const unverified = await splitByManifest(after, manifest, { ...within(folder, after), verify: false });
    const all = Object.values(unverified).reduce((sum, { length }) => sum + length, 0);
    expect(all).toBe(19);
  });

  it('refuse other classes, and what is no manifest', async () => {
    const dataset = await digits();
    const manifest = await splitManifest(dataset, { counts: { validation: 100, test: 97 } });
    expect((await splitByManifest(dataset, manifest)).train.length).toBe(1600);
    await expect(
      splitByManifest({ ...dataset, classes: ['a', ...dataset.classes.slice(1)] }, manifest),
    ).rejects.toThrow(/^splitByManifest: classes must be those of the split \(0, 1, 2, 3, 4 and 5 more\), got a, 1, 2/);
    await expect(splitByManifest(dataset, { ...manifest, files: [{} as never] })).rejects.toThrow(SyntaxError);
    await expect(splitManifest({ length: 0, classes: [], get: dataset.get })).rejects.toThrow(TypeError);
  });

  it('see that pixels are others where there are no files', async () => {
    const dataset = await digits();
    const manifest = await splitManifest(dataset);
    const inverted: Dataset = {
      length: dataset.length,
      classes: dataset.classes,
      label: dataset.label!,
      get: async (index) => {
        const { image, label } = await dataset.get(index);
        return { image: index === 5 ? { ...image, data: image.data.map((value) => 255 - value) } : image, label };
      },
    };
    await expect(splitByManifest(inverted, manifest)).rejects.toThrow('got 1 changed: example 5; put');
  });
});
