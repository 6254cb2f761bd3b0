import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeTar } from '../test/make-tar.ts';
import { imageShards } from './image-shards.ts';
import { shownClasses } from './label-sets.ts';
import { loader } from './loader.ts';
import { splitDataset } from './split.ts';

const dot = (value: number): Promise<Buffer> =>
  sharp(Uint8Array.of(value, value, value), { raw: { width: 1, height: 1, channels: 3 } })
    .png()
    .toBuffer();
const text = (content: string): Uint8Array => new TextEncoder().encode(content);

/** A shard of samples `[name, level, files beside it]`. */
async function shard(samples: [string, number, Record<string, string>][]): Promise<Uint8Array> {
  const files: Record<string, Uint8Array> = {};
  for (const [name, level, beside] of samples) {
    files[`${name}.png`] = await dot(level);
    for (const [extension, content] of Object.entries(beside)) files[`${name}.${extension}`] = text(content);
  }
  return makeTar(files);
}

const file = (bytes: Uint8Array, name: string): File => new File([new Uint8Array(bytes)], name);

describe('imageShards()', () => {
  it('gives samples in the order of shards and of their files, from files on disk', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'imgcls-shards-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const train = join(folder, 'photos-train-000000.tar');
    const test = join(folder, 'photos-test-000000.tar');
    await writeFile(
      train,
      await shard([
        ['000', 10, { cls: '2' }],
        ['001', 11, { cls: '10' }],
      ]),
    );
    await writeFile(test, await shard([['deep/000', 20, { cls: '2' }]]));
    const dataset = await imageShards([train, test]);
    expect([dataset.classes, [0, 1, 2].map(dataset.label)]).toEqual([
      ['2', '10'],
      [0, 1, 0],
    ]);
    expect(dataset.source(2)).toBe(`${test}/deep/000.png`);
    for await (const { images } of loader(dataset, { batchSize: 3 }))
      expect([...images]).toEqual([10, 10, 10, 11, 11, 11, 20, 20, 20]);
    expect(splitDataset(dataset).test.length).toBe(1);
  });

  it('takes several classes of an image from JSON, by name and by number', async () => {
    const shown = await shard([
      ['a', 1, { json: '{"labels": ["dog", "cat"]}' }],
      ['b', 2, { json: '{"labels": []}' }],
      ['c', 3, { json: '{"label": ["cat"]}' }],
    ]);
    const dataset = await imageShards([file(shown, 'x.tar')]);
    expect([dataset.classes, [0, 1, 2].map((i) => shownClasses(dataset, i))]).toEqual([
      ['cat', 'dog'],
      [[0, 1], [], [0]],
    ]);
    const numbers = await shard([['a', 1, { json: '{"labels": [1, 0]}' }]]);
    const given = await imageShards([file(numbers, 'x.tar')], { classes: ['cat', 'dog'] });
    expect(shownClasses(given, 0)).toEqual([0, 1]);
  });

  it('takes classes from JSON, and names for numbers', async () => {
    const named = await shard([
      ['a', 1, { json: '{"label": "cat"}' }],
      ['b.left', 2, { json: '{"class": "dog"}' }],
    ]);
    expect((await imageShards([file(named, 'x.tar')])).classes).toEqual(['cat', 'dog']);
    const numbers = await shard([
      ['a', 1, { cls: '1' }],
      ['b', 2, { cls: '0' }],
    ]);
    const { classes, label } = await imageShards([file(numbers, 'x.tar')], { classes: ['cat', 'dog'] });
    expect([classes, label(0), label(1)]).toEqual([['cat', 'dog'], 1, 0]);
  });

  it('reads an archive of an image folder', async () => {
    const archive = makeTar({
      './cats/2.png': await dot(2),
      './cats/10.png': await dot(10),
      './dogs/1.png': await dot(1),
    });
    const dataset = await imageShards([file(archive, 'pets.tar')]);
    expect([0, 1, 2].map(dataset.source)).toEqual([
      'pets.tar/cats/2.png',
      'pets.tar/cats/10.png',
      'pets.tar/dogs/1.png',
    ]);
  });

  it('leaves out what is damaged or has no label', async () => {
    const good = await shard([
      ['a', 1, { cls: 'x' }],
      ['b', 2, { cls: 'y' }],
      ['c', 3, {}],
    ]);
    const bad = makeTar({ 'd.jpg': text('no image'), 'd.cls': text('x') });
    expect((await imageShards([file(good, '1.tar'), file(bad, '2.tar')])).skipped).toEqual([
      { file: '1.tar/c.png', reason: 'no label beside it (.cls or .json)' },
      { file: '2.tar/d.jpg', reason: 'not a JPEG, PNG, WebP, GIF or AVIF image' },
    ]);
  });

  it('refuses what is no archive, and one that is cut off', async () => {
    await expect(imageShards([file(text('x'.repeat(2000)), 'x.tar')])).rejects.toThrow(
      new SyntaxError('imageShards: x.tar: the checksum of a header does not fit; is this a tar archive?'),
    );
    const whole = await shard([['a', 1, { cls: 'x' }]]);
    await expect(imageShards([file(whole.subarray(0, 600), 'x.tar')])).rejects.toThrow(
      /^imageShards: x.tar: the archive must not end here, \d+ bytes are missing$/,
    );
    const wrong = await shard([['a', 1, { json: '{' }]]);
    await expect(imageShards([file(wrong, 'x.tar')])).rejects.toThrow(/^imageShards: a.json in x.tar must be JSON: /);
  });
});
