import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { temporaryFolder, writePhotos } from '../test/photos.ts';
import { createOutput } from './output.ts';
import { nameIn, nameOf, openSource } from './source.ts';

const folder = await temporaryFolder(afterAll);
const quiet = createOutput(
  {},
  { stdout: { write: () => true }, stderr: { write: () => true, isTTY: false, columns: 80 } },
);
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  await writePhotos(at('photos'), 2, ['red', 'green']);
  await writeFile(at('photos.csv'), 'path,label\nphotos/green/1.jpg,go\nphotos/red/1.jpg,stop\n');
});

/** A tar archive of one photo and its class. */
async function shard(name: string, level: string): Promise<void> {
  const block = (path: string, content: Buffer): Buffer => {
    const header = Buffer.alloc(512);
    header.write(path);
    header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
    header.write(`${' '.repeat(8)}0`, 148);
    header.write(
      header
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, '0'),
      148,
    );
    return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
  };
  const photo = await readFile(at('photos/red/1.jpg'));
  await writeFile(
    at(name),
    Buffer.concat([block('1.jpg', photo), block('1.cls', Buffer.from(level)), Buffer.alloc(1024)]),
  );
}

describe('openSource()', () => {
  test('opens a folder, a table and shards', async () => {
    await shard('a.tar', 'x');
    await shard('b.tar', 'y');
    const opened = [];
    for (const named of [[at('photos/')], [at('photos.csv')], [at('a.tar'), at('b.tar')]]) {
      const source = await openSource(named, quiet);
      opened.push([source.name, source.dataset.classes, nameIn(source)(1)]);
    }
    expect(opened).toEqual([
      ['photos', ['green', 'red'], 'green/2.jpg'],
      ['photos', ['go', 'stop'], 'photos/red/1.jpg'],
      ['a', ['x', 'y'], 'b.tar/1.jpg'],
    ]);
  });

  test('knows the same images in a copy elsewhere, and sees that a label is another', async () => {
    const copy = await temporaryFolder(onTestFinished);
    for (const name of ['red', 'green']) {
      await mkdir(join(copy, 'photos', name), { recursive: true });
      for (const i of [1, 2]) await copyFile(at(`photos/${name}/${i}.jpg`), join(copy, 'photos', name, `${i}.jpg`));
    }
    await copyFile(at('photos.csv'), join(copy, 'photos.csv'));
    const of = async (path: string) => (await openSource([path], quiet)).fingerprint;
    expect(await of(join(copy, 'photos'))).toBe(await of(at('photos')));
    expect(await of(join(copy, 'photos.csv'))).toBe(await of(at('photos.csv')));
    await writeFile(join(copy, 'photos.csv'), 'path,label\nphotos/green/1.jpg,stop\nphotos/red/1.jpg,go\n');
    expect(await of(join(copy, 'photos.csv'))).not.toBe(await of(at('photos.csv')));
  });

  test.each([
    [['photos', 'photos.csv'], 'several paths must be tar shards, or Parquet files, got'],
    [['notes.txt'], 'must be a folder, or a file that ends with .csv, .tsv, .jsonl, .tar or .parquet'],
    [['digits', 'mnist'], 'there is no file or folder "digits", and the data sets with a name are digits, mnist,'],
  ])('refuses %j', async (named, message) => {
    await writeFile(at('notes.txt'), 'buy milk');
    const paths = named.map((name) => (name.length > 6 ? at(name) : name));
    await expect(openSource(named[0] === 'photos' ? [at('photos'), ...paths.slice(1)] : paths, quiet)).rejects.toThrow(
      message,
    );
  });
});

test('nameOf() is the last part without its ending', () => {
  expect([['./data/photos/'], ['a/list.jsonl'], ['train-0.tar', 'train-1.tar'], ['digits']].map(nameOf)).toEqual([
    'photos',
    'list',
    'train-0',
    'digits',
  ]);
});
