import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { random } from '@imgcls/random';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { examineFolder } from './examine.ts';

const root = mkdtempSync(join(tmpdir(), 'imgcls-examine-'));
afterAll(() => rmSync(root, { recursive: true }));

/** A photo of nothing in particular: smooth, and different for each seed. */
function scene(seed: number, side = 64) {
  const draw = random(seed, 'scene');
  const uniform = (): number => draw.uniform();
  const waves = Array.from({ length: 6 }, () => [uniform(), uniform(), 6.28 * uniform()] as const);
  const data = Buffer.alloc(side * side * 3);
  for (let i = 0; i < data.length; i++) {
    const [y, x] = [Math.floor(i / (3 * side)) / side, (Math.floor(i / 3) % side) / side];
    const value = waves.reduce((sum, [a, b, c], k) => sum + Math.sin(12 * (a * x + b * y) + c + ((i % 3) * k) / 9), 0);
    data[i] = 128 + 20 * value;
  }
  return sharp(data, { raw: { width: side, height: side, channels: 3 } });
}

function write(path: string, bytes: Uint8Array) {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bytes);
}

const flat = (color: string, width = 40, height = 40) =>
  sharp({ create: { width, height, channels: 3, background: color } })
    .png()
    .toBuffer();

describe('examineFolder()', () => {
  it('finds what was planted, and nothing else', async () => {
    const a = await scene(1).png().toBuffer();
    for (let i = 10; i < 40; i++) write(`planted/train/cats/${i}.jpg`, await scene(i).jpeg().toBuffer());
    for (let i = 40; i < 60; i++) write(`planted/train/dogs/${i}.jpg`, await scene(i).jpeg().toBuffer());
    write('planted/train/cats/a.png', a);
    write('planted/test/cats/copy-of-a.png', a); // leaks, byte for byte
    write('planted/train/dogs/small-10.jpg', await scene(10).resize(40, 40).jpeg({ quality: 70 }).toBuffer()); // another label
    write('planted/test/dogs/brighter-41.webp', await scene(41).modulate({ brightness: 1.01 }).webp().toBuffer());
    write('planted/train/dogs/white.png', await flat('white'));
    write('planted/train/dogs/white-too.png', await flat('#fefefe'));
    write('planted/train/cats/night.png', await scene(90).linear(0.1, 0).png().toBuffer());
    write('planted/train/cats/strip.png', await scene(91).resize(64, 8, { fit: 'fill' }).png().toBuffer());
    write('planted/train/cats/gray.png', await scene(92).toColourspace('b-w').png().toBuffer());
    write(
      'planted/train/cats/turned.jpg',
      await scene(93).resize(60, 40, { fit: 'fill' }).jpeg().withMetadata({ orientation: 6 }).toBuffer(),
    );
    write('planted/train/cats/text.jpg', Buffer.from('no image'));
    write('planted/train/cats/cut.jpg', (await scene(94, 256).jpeg().toBuffer()).subarray(0, 1500));
    const progress: number[] = [];
    const report = await examineFolder(join(root, 'planted'), { onProgress: (done) => progress.push(done) });

    const names = (groups: readonly (readonly { file: string }[])[]) =>
      groups.map((group) => group.map(({ file }) => file.slice(file.indexOf('planted/') + 8)).sort()).sort();
    expect(names(report.duplicates)).toEqual([['test/cats/copy-of-a.png', 'train/cats/a.png']]);
    expect(names(report.nearDuplicates)).toEqual([
      ['test/dogs/brighter-41.webp', 'train/dogs/41.jpg'],
      ['train/cats/10.jpg', 'train/dogs/small-10.jpg'],
    ]);
    expect(names(report.leaks)).toEqual([
      ['test/cats/copy-of-a.png', 'train/cats/a.png'],
      ['test/dogs/brighter-41.webp', 'train/dogs/41.jpg'],
    ]);
    expect(names(report.conflicts)).toEqual([['train/cats/10.jpg', 'train/dogs/small-10.jpg']]);
    expect(names([report.blank])).toEqual([['train/dogs/white-too.png', 'train/dogs/white.png']]);
    expect(names([report.dark])).toEqual([['train/cats/night.png']]);
    expect(names([report.oddShapes])).toEqual([['train/cats/strip.png']]);
    expect(report.skipped.map(({ file }) => file.split('/').at(-1))).toEqual(['cut.jpg', 'text.jpg']);
    expect(report.classes).toEqual([
      { name: 'cats', count: 36, bySplit: { train: 35, test: 1 } },
      { name: 'dogs', count: 24, bySplit: { train: 23, test: 1 } },
    ]);
    expect(report.kinds).toMatchObject({ 'PNG, 1 channel': 1, 'WebP, 3 channels': 1, 'turned by EXIF': 1 });
    expect(report.sizes).toEqual({ smallest: [8, 64], median: [64, 64], largest: [64, 64] });
    expect([report.count, progress.at(-1)]).toEqual([60, 62]);
  });

  it('names files, asked for progress or not', async () => {
    for (const name of ['cats/1.png', 'dogs/2.png'])
      write(`named/${name}`, await flat(name.startsWith('c') ? 'red' : 'blue'));
    const { blank } = await examineFolder(join(root, 'named'));
    expect(blank.map(({ file, className }) => [file, className])).toEqual([
      [`${join(root, 'named')}/cats/1.png`, 'cats'],
      [`${join(root, 'named')}/dogs/2.png`, 'dogs'],
    ]);
  });

  it('says that there is nothing to look at', async () => {
    write('empty/cats/text.jpg', Buffer.from('no image'));
    await expect(examineFolder(join(root, 'empty'))).rejects.toThrow(
      `examineFolder: ${join(root, 'empty')} must hold images in folders of classes (cats/1.jpg), got none that can be read`,
    );
  });
});
