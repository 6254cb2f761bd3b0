import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { cached, mapped } from './dataset.ts';
import { DecodeError } from './decode-error.ts';
import { imageFiles, imageFolder } from './image-folder.ts';
import { loader } from './loader.ts';
import { resize } from './resize.ts';
import { splitDataset } from './split.ts';

/** A PNG of one gray pixel. */
const dot = (value: number): Promise<Buffer> =>
  sharp(Uint8Array.of(value), { raw: { width: 1, height: 1, channels: 1 } })
    .png()
    .toBuffer();

const folders: string[] = [];
afterEach(() => Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true }))));

/** A new folder with these files; a number is a dot of that gray. */
async function folderOf(files: Record<string, number | string | Uint8Array>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'imgcls-folder-'));
  folders.push(folder);
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), typeof content === 'number' ? await dot(content) : content);
  }
  return folder;
}

describe('imageFolder()', () => {
  it('takes folders for classes and files for examples, in natural order', async () => {
    const folder = await folderOf({ '10/a.png': 1, '9/10.png': 2, '9/9.png': 3, '9/deep/er/b.png': 4 });
    const dataset = await imageFolder(folder);
    expect(dataset.classes).toEqual(['9', '10']);
    expect(Array.from({ length: dataset.length }, (_, i) => dataset.source(i))).toEqual(
      ['9/9.png', '9/10.png', '9/deep/er/b.png', '10/a.png'].map((path) => `${folder}/${path}`),
    );
    expect(await dataset.get(0)).toEqual({
      label: 0,
      image: { data: Uint8Array.of(3, 3, 3), height: 1, width: 1, channels: 3 },
    });
    expect([dataset.label(3), (await dataset.get(3)).label, dataset.skipped]).toEqual([1, 1, []]);
  });

  it('leaves out what is no image and says why, whatever it is called', async () => {
    const png = await dot(5);
    const folder = await folderOf({
      'cats/1.png': 1,
      'cats/actually-a-png.jpg': 2,
      'cats/broken.png': png.subarray(0, 50),
      'cats/empty.jpg': '',
      'cats/notes.png': 'meow',
      'dogs/1.png': 3,
      'readme.txt': 'pictures',
      '.DS_Store': 'hidden',
      'dogs/.hidden.png': 'hidden',
      '.git/objects/x': 'hidden',
    });
    await mkdir(join(folder, 'fish'));
    const { length, classes, skipped } = await imageFolder(`${folder}/`);
    expect([length, classes]).toEqual([3, ['cats', 'dogs']]);
    expect(skipped).toEqual([
      { file: `${folder}/cats/broken.png`, reason: expect.stringMatching(/^damaged PNG: ./) },
      { file: `${folder}/cats/empty.jpg`, reason: 'empty file' },
      { file: `${folder}/cats/notes.png`, reason: 'not a JPEG, PNG, WebP, GIF or AVIF image' },
      { file: `${folder}/fish`, reason: 'empty folder' },
      { file: `${folder}/readme.txt`, reason: 'not in the folder of a class' },
    ]);
  });

  it('refuses the first such file on demand', async () => {
    const folder = await folderOf({ 'cats/1.png': 1, 'cats/2.png': '', 'dogs/1.png': 3 });
    const error = await imageFolder(folder, { onError: 'error' }).catch((thrown: unknown) => thrown as Error);
    expect(error).toMatchObject({
      message: `imageFolder: ${folder}: cats/2.png must be an image of a class, got: empty file; take it out or pass { onError: 'skip' }`,
    });
    expect((error as Error).cause).toBeInstanceOf(DecodeError);
  });

  it('keeps to folders train, val and test', async () => {
    const folder = await folderOf({
      'train/cats/1.png': 1,
      'train/cats/2.png': 2,
      'train/dogs/1.png': 3,
      'Val/dogs/1.png': 4,
      'test/cats/1.png': 5,
    });
    const dataset = await imageFolder(folder);
    expect(dataset.classes).toEqual(['cats', 'dogs']);
    const { train, validation, test } = splitDataset(dataset);
    expect([train.length, validation.length, test.length]).toEqual([3, 1, 1]);
    expect([validation.source?.(0), validation.label?.(0)]).toEqual([`${folder}/Val/dogs/1.png`, 1]);
  });

  it('takes "train" for a class where other folders are classes', async () => {
    const folder = await folderOf({ 'train/1.png': 1, 'plane/1.png': 2 });
    expect((await imageFolder(folder)).classes).toEqual(['plane', 'train']);
  });

  it('keeps the order of given classes, though one has no image', async () => {
    const folder = await folderOf({ 'cats/1.png': 1 });
    const dataset = await imageFolder(folder, { classes: ['dogs', 'cats'] });
    expect([dataset.classes, dataset.label(0)]).toEqual([['dogs', 'cats'], 1]);
  });

  it('reads gray images on demand, and tells progress', async () => {
    const folder = await folderOf({ 'a/1.png': 7, 'b/1.png': 8, 'b/2.png': '' });
    const onProgress = vi.fn();
    const dataset = await imageFolder(folder, { channels: 1, onProgress });
    expect((await dataset.get(0)).image).toEqual({ data: Uint8Array.of(7), height: 1, width: 1, channels: 1 });
    expect(onProgress.mock.calls).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
    ]);
  });

  it('follows links, but not in circles', async () => {
    const folder = await folderOf({ 'cats/1.png': 1, 'dogs/1.png': 2 });
    await symlink(folder, join(folder, 'cats', 'loop'));
    await symlink(join(folder, 'dogs'), join(folder, 'wolves'));
    await symlink(join(folder, 'nowhere'), join(folder, 'dogs', 'lost.png'));
    const { classes, length, skipped } = await imageFolder(folder);
    expect([classes, length]).toEqual([['cats', 'dogs', 'wolves'], 3]);
    expect(skipped.map(({ file }) => file)).toEqual([`${folder}/dogs/lost.png`, `${folder}/wolves/lost.png`]);
  });

  it('takes what a disk may hold: any names, links to themselves, sockets', async () => {
    const folder = await folderOf({ 'cats/1.png': 1, 'dogs/1.png': 2 });
    const odd = ['x'.repeat(251), '猫 (1)\n"quoted"', 'Größe', 'e\u0301', '%2F', '..png', ' '];
    for (const name of odd) await writeFile(join(folder, 'cats', `${name}.png`), await dot(3));
    await symlink('round.png', join(folder, 'cats', 'round.png'));
    await symlink('.', join(folder, 'cats', 'here'));
    const server = createServer().listen(join(folder, 'dogs', 'socket.png'));
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const dataset = await imageFolder(folder);
    const names = Array.from({ length: dataset.length }, (_, i) => dataset.source(i).slice(folder.length + 1));
    const visible = odd.filter((name) => !name.startsWith('.')).map((name) => `cats/${name}.png`);
    expect(names.sort()).toEqual(['cats/1.png', 'dogs/1.png', ...visible].sort());
    expect(dataset.skipped.map(({ file, reason }) => [file.slice(folder.length + 1), reason])).toEqual([
      ['cats/round.png', expect.stringMatching(/^it can't be read: ELOOP/)],
      ['dogs/socket.png', 'no file, but a pipe, a socket or a device'],
    ]);
    for (let i = 0; i < dataset.length; i++) await dataset.get(i);
  });

  it('leaves out a file that goes while others are read', async () => {
    const folder = await folderOf({ 'cats/1.png': 1, 'cats/9.png': 9, 'dogs/1.png': 2, 'dogs/2.png': 2 });
    for (let i = 2; i <= 40; i++) await writeFile(join(folder, 'cats', `${i}.png`), await dot(i));
    const gone = join(folder, 'dogs', '2.png');
    const dataset = await imageFolder(folder, { onProgress: (checked) => checked === 1 && rmSync(gone) });
    expect(dataset.length).toBe(41);
    expect(dataset.skipped).toEqual([{ file: gone, reason: expect.stringMatching(/^it can't be read: ENOENT/) }]);
  });

  it('lets the loader name a file that has gone since', async () => {
    const folder = await folderOf({ 'cats/1.png': 1, 'dogs/1.png': 2 });
    const dataset = await imageFolder(folder);
    await dataset.get(1); // what the check has decoded
    await rm(join(folder, 'dogs/1.png'));
    const batches = loader(dataset, { batchSize: 2 }).epoch(0)[Symbol.asyncIterator]();
    await expect(batches.next()).rejects.toThrow(
      new RegExp(`^loader: could not read ${folder}/dogs/1.png: decodeImage: it can't be read: ENOENT`),
    );
  });

  it.each<[string, Record<string, number | string>, string]>([
    [
      'no class',
      { '1.png': 1, '2.png': 2 },
      'no image that can be read (FOLDER/1.png: not in the folder of a class, and 1 more)',
    ],
    ['one class', { 'cats/1.png': 1, 'dogs/1.png': '' }, 'one: cats'],
    ['nothing', {}, 'no image that can be read'],
    [
      'no images',
      { 'cats/1.png': 'x' },
      'no image that can be read (FOLDER/cats/1.png: not a JPEG, PNG, WebP, GIF or AVIF image)',
    ],
  ])('refuses a folder with %s', async (_, files, got) => {
    const folder = await folderOf(files);
    await expect(imageFolder(folder)).rejects.toThrow(
      new Error(
        `imageFolder: ${folder} must hold a folder of images for each of at least two classes (cats/1.jpg, dogs/1.jpg), got ${got.replace('FOLDER', folder)}`,
      ),
    );
  });

  it('refuses classes that are not among the given, or not among those of the training folder', async () => {
    const folder = await folderOf({
      'train/cats/1.png': 1,
      'train/dogs/1.png': 1,
      'val/fish/1.png': 1,
      'val/cows/1.png': 1,
    });
    await expect(imageFolder(folder)).rejects.toThrow(
      new Error(
        `imageFolder: ${folder} must have no class but those of its training folder (cats, dogs), got cows, fish; move or rename these folders`,
      ),
    );
    await expect(imageFolder(folder, { classes: ['cats', 'cows', 'dogs'] })).rejects.toThrow(
      new Error(
        `imageFolder: ${folder} must have no class but the given (cats, cows, dogs), got fish; move or rename this folder`,
      ),
    );
  });

  it('refuses a path that is no folder', async () => {
    const folder = await folderOf({ 'cats/1.png': 1 });
    await expect(imageFolder(join(folder, 'nope'))).rejects.toThrow(
      new Error(`imageFolder: needs a folder of images, got ${folder}/nope: there is no such folder`),
    );
    await expect(imageFolder(join(folder, 'cats/1.png'))).rejects.toThrow(
      new Error(`imageFolder: needs a folder of images, got ${folder}/cats/1.png: it is a file`),
    );
  });

  it.skipIf(process.getuid?.() === 0)('leaves out a file that may not be read (root may read all)', async () => {
    const folder = await folderOf({ 'cats/1.png': 1, 'cats/2.png': 1, 'dogs/1.png': 2 });
    await chmod(join(folder, 'cats/2.png'), 0);
    expect((await imageFolder(folder)).skipped).toEqual([
      { file: `${folder}/cats/2.png`, reason: expect.stringMatching(/^it can't be read: EACCES/) },
    ]);
  });
});

describe('imageFiles()', () => {
  /** Two files; `arrayBuffer` counts how often the first is read. */
  async function counted() {
    const bytes = new Uint8Array(await dot(7));
    const file = new Blob([bytes]);
    const arrayBuffer = vi.spyOn(file, 'arrayBuffer');
    const dataset = await imageFiles([
      { path: 'cats/1.png', file },
      { path: 'dogs/1.png', file: new Blob([bytes]) },
    ]);
    return { dataset, arrayBuffer };
  }

  it('decodes a file once for the check and the first use, and again for each later one', async () => {
    const { dataset, arrayBuffer } = await counted();
    const first = await dataset.get(0);
    expect(arrayBuffer).toHaveBeenCalledTimes(1);
    expect(await dataset.get(0)).toEqual(first);
    expect(arrayBuffer).toHaveBeenCalledTimes(2);
  });

  it('decodes a file once for the check and all uses, behind a cache', async () => {
    const { dataset, arrayBuffer } = await counted();
    const small = cached(mapped(dataset, resize(2, 2)));
    const first = await small.get(0);
    expect(first.image).toMatchObject({ height: 2, width: 2 });
    expect(await small.get(0)).toEqual(first);
    expect(arrayBuffer).toHaveBeenCalledTimes(1);
  });

  it('reads Blobs as imageFolder() reads files', async () => {
    const file = async (value: number): Promise<Blob> => new Blob([new Uint8Array(await dot(value))]);
    const dataset = await imageFiles([
      { path: 'dogs/x.png', file: await file(9) },
      { path: 'cats/10.png', file: await file(10) },
      { path: 'cats/2.png', file: await file(2) },
      { path: 'cats/empty.png', file: new Blob([]) },
    ]);
    expect(dataset.classes).toEqual(['cats', 'dogs']);
    expect([0, 1, 2].map(dataset.source)).toEqual(['cats/2.png', 'cats/10.png', 'dogs/x.png']);
    expect((await dataset.get(1)).image.data).toEqual(Uint8Array.of(10, 10, 10));
    expect(dataset.skipped).toEqual([{ file: 'cats/empty.png', reason: 'empty file' }]);
  });

  it('does not read files that are too large', async () => {
    const huge = Object.defineProperty(new Blob(), 'size', { value: 1e9 });
    const read = vi.spyOn(huge, 'arrayBuffer');
    const small = { path: 'dogs/1.png', file: new Blob([new Uint8Array(await dot(1))]) };
    const { skipped } = await imageFiles([small, { ...small, path: 'cats/1.png' }, { path: 'cats/2.png', file: huge }]);
    expect(skipped).toEqual([{ file: 'cats/2.png', reason: '1000000000 bytes, more than the limit of 67108864' }]);
    expect(read).not.toHaveBeenCalled();
  });
});

it('imageFolder() reads the folder that a browser gives', async () => {
  const png = new Blob([new Uint8Array(await dot(6))]);
  const directory = (name: string, entries: Record<string, unknown>): unknown => ({
    kind: 'directory',
    name,
    entries: async function* () {
      yield* Object.entries(entries);
    },
  });
  const file = { kind: 'file', getFile: async () => png };
  const picked = directory('pets', {
    dogs: directory('dogs', { '1.png': file }),
    cats: directory('cats', { '1.png': file, '.hidden': file, old: directory('old', { '2.png': file }) }),
    fish: directory('fish', {}),
  });
  const dataset = await imageFolder(picked as FileSystemDirectoryHandle);
  expect([0, 1, 2].map(dataset.source)).toEqual(['pets/cats/1.png', 'pets/cats/old/2.png', 'pets/dogs/1.png']);
  expect(dataset.skipped).toEqual([{ file: 'pets/fish', reason: 'empty folder' }]);
});
