import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it, onTestFinished } from 'vitest';
import { imageTable } from './image-table.ts';
import { shownClasses } from './label-sets.ts';
import { loader } from './loader.ts';
import { splitDataset } from './split.ts';

const dot = (value: number): Promise<Buffer> =>
  sharp(Uint8Array.of(value, value, value), { raw: { width: 1, height: 1, channels: 3 } })
    .png()
    .toBuffer();

async function folderOf(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'imgcls-table-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return folder;
}

const photos = async () => ({ 'a/1.png': await dot(1), 'a/größe 2.png': await dot(2), '3.png': await dot(3) });

describe('imageTable()', () => {
  it('reads CSV in its order, with paths from its folder', async () => {
    const table = 'path,label,split\n3.png,dog,test\na/1.png,cat,train\n"a/größe 2.png",dog,train\n';
    const folder = await folderOf({ ...(await photos()), 'list.csv': table });
    const dataset = await imageTable(join(folder, 'list.csv'));
    expect([dataset.length, dataset.classes]).toEqual([3, ['cat', 'dog']]);
    expect([0, 1, 2].map(dataset.label)).toEqual([1, 0, 1]);
    expect([0, 1, 2].map(dataset.source)).toEqual(
      ['3.png', 'a/1.png', 'a/größe 2.png'].map((path) => `${folder}/${path}`),
    );
    expect((await dataset.get(2)).image.data).toEqual(Uint8Array.of(2, 2, 2));
    expect(splitDataset(dataset).test.source!(0)).toBe(`${folder}/3.png`);
  });

  it('reads CSV without names of columns, and other names', async () => {
    const files = await photos();
    const folder = await folderOf({
      ...files,
      'bare.csv': '3.png,dog\na/1.png,cat\n',
      'named.tsv': 'Class_Name\tfile_name\ndog\t3.png\ncat\ta/1.png\n',
    });
    for (const table of ['bare.csv', 'named.tsv'])
      expect([0, 1].map((await imageTable(join(folder, table))).label)).toEqual([1, 0]);
  });

  it('reads lines of JSON, and absolute paths', async () => {
    const folder = await folderOf(await photos());
    const rows = [
      { file_name: `${folder}/3.png`, label: 7 },
      { file_name: 'a/1.png', label: 10 },
    ];
    await writeFile(join(folder, 'metadata.jsonl'), `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`);
    const dataset = await imageTable(join(folder, 'metadata.jsonl'));
    expect([dataset.classes, dataset.label(0), dataset.source(0)]).toEqual([['7', '10'], 0, `${folder}/3.png`]);
  });

  it.each([
    ['labels apart by semicolons', 'list.csv', 'path,labels\n3.png,dog;cat\na/1.png,\na/größe 2.png, cat ;cat\n'],
    ['labels apart by bars', 'list.csv', 'path;labels\n3.png;dog|cat\na/1.png;\na/größe 2.png;cat\n'],
    ['arrays in CSV', 'list.csv', 'path,tags\n3.png,"[""dog"",""cat""]"\na/1.png,[]\na/größe 2.png,"[""cat""]"\n'],
    ['a column for each class', 'list.csv', 'path,cat,dog\n3.png,1,1\na/1.png,0,0\na/größe 2.png,1,0\n'],
    [
      'arrays in lines of JSON',
      'list.jsonl',
      '{"path":"3.png","label":["dog","cat"]}\n{"path":"a/1.png","label":[]}\n{"path":"a/größe 2.png","label":["cat"]}\n',
    ],
    [
      'a member for each class',
      'list.jsonl',
      '{"path":"3.png","cat":true,"dog":true}\n{"path":"a/1.png","cat":false,"dog":false}\n{"path":"a/größe 2.png","cat":true,"dog":false}\n',
    ],
  ])('reads several labels an image, or none: %s', async (_, name, table) => {
    const folder = await folderOf({ ...(await photos()), [name]: table });
    const dataset = await imageTable(join(folder, name));
    expect(dataset.classes).toEqual(['cat', 'dog']);
    expect([0, 1, 2].map((i) => shownClasses(dataset, i))).toEqual([[0, 1], [], [0]]);
    for await (const { labels, multiLabel } of loader(dataset, { batchSize: 3, workers: 2 }))
      expect({ labels, multiLabel }).toEqual({ labels: Float32Array.of(1, 1, 0, 0, 1, 0), multiLabel: true });
  });

  it('keeps to given classes, and to those of its training part, of several labels too', async () => {
    const table = 'path,labels,split\n3.png,cat,train\na/1.png,cat;dog,val\n';
    const folder = await folderOf({ ...(await photos()), 'list.csv': table, 'none.csv': 'path,labels\n3.png,\n' });
    const open = (classes?: string[]) => imageTable(join(folder, 'list.csv'), classes && { classes });
    await expect(open()).rejects.toThrow('must have no class but those of its training folder (cat), got dog');
    expect(shownClasses(await open(['dog', 'fox', 'cat']), 1)).toEqual([2, 0]);
    await expect(imageTable(join(folder, 'none.csv'))).rejects.toThrow(
      'must name a class for at least one image, got 1 images without',
    );
  });

  it('takes the one label where there are tags besides', async () => {
    const folder = await folderOf({ ...(await photos()), 'list.csv': 'path,label,tags\n3.png,a,x;y\na/1.png,b,\n' });
    expect((await imageTable(join(folder, 'list.csv'))).labelSets).toBeUndefined();
  });

  it('leaves out rows without a file or a label, and says so', async () => {
    const table = 'path,label\n3.png,dog\na/1.png,cat\na/gone.png,cat\nround.png,cat\n3.png,\n,cat\n';
    const folder = await folderOf({ ...(await photos()), 'list.csv': table });
    await symlink('round.png', join(folder, 'round.png'));
    const { length, skipped } = await imageTable(join(folder, 'list.csv'));
    expect(length).toBe(2);
    expect(skipped.map(({ file, reason }) => [file.slice(folder.length + 1), reason.replace(/[,'].*$/, '')])).toEqual([
      ['a/gone.png', 'it can'],
      ['round.png', 'it can'],
      ['3.png', 'no label'],
      ['', 'no path'],
    ]);
    expect(skipped[0]!.reason).toMatch(/^it can't be read: ENOENT/);
    expect(skipped[1]!.reason).toMatch(/^it can't be read: ELOOP/);
  });

  it('takes files from where it is told to, as in a browser', async () => {
    const bytes = { 'x.png': await dot(5), 'y.png': await dot(6) };
    const dataset = await imageTable(new File(['image,category\ny.png,b\nx.png,a\n'], 'list.csv'), {
      fileAt: (path) => new Blob([new Uint8Array(bytes[path as keyof typeof bytes])]),
    });
    expect((await dataset.get(0)).image.data).toEqual(Uint8Array.of(6, 6, 6));
    expect(dataset.source(0)).toBe('y.png');
  });

  it.each([
    [
      'a,b\n1,2\n',
      'there must be columns "path" and "label" (or "labels", or one of 0 and 1 for each class), got a, b; name them in the first line',
    ],
    ['path,labels\na.png,[cat]\n', 'labels in brackets must be a JSON array of names, got [cat]'],
    ['', 'there must be a row for each image, got an empty file'],
    ['{"path": 1,\n', /^imageTable: list.csv: line 1 must be a JSON object: /],
  ])('refuses %j', async (text, message) => {
    const wrong = imageTable(new File([text], 'list.csv'));
    await expect(wrong).rejects.toThrow(SyntaxError);
    await expect(wrong).rejects.toThrow(message);
  });
});
