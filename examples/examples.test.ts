// Every tutorial in its quick form, as a reader would start it.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawCifar10, drawPhotos } from './drawn.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'imgcls-examples-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const run = async (program: string, ...args: string[]): Promise<string> => {
  const source = ['--conditions=@imgcls/source', '--import', import.meta.resolve('tsx')];
  const argv = [...source, join(import.meta.dirname, program), '--quick', ...args];
  return (await promisify(execFile)(process.execPath, argv, { cwd: folder })).stdout;
};

describe('the tutorials meet the target of their quick form', { timeout: 240_000 }, () => {
  it('01-first-classifier', async () => {
    expect(await run('01-first-classifier.ts')).toMatch(/was taken for a \d, with a probability/);
  });

  it('02-cifar10', async () => {
    await drawCifar10(join(folder, 'cifar'), 400);
    const output = await run('02-cifar10.ts', '--data-dir', join(folder, 'cifar'), '--epochs', '4');
    expect(output).toContain('356 images');
    expect(output).toContain('Most often confused');
  });

  it('03-your-own-photos, naming what is no photo', async () => {
    await drawPhotos(join(folder, 'photos'), ['roses', 'tulips', 'daisies'], 40);
    await writeFile(join(folder, 'photos/roses/notes.jpg'), 'not a photo');
    const output = await run('03-your-own-photos.ts', join(folder, 'photos'));
    expect(output).toMatch(/left out .*notes\.jpg/);
    expect(output).toContain('120 photos of daisies, roses, tulips');
  });

  it('05-fine-tune, with the source kept for the next time', async () => {
    await drawCifar10(join(folder, 'cifar'), 400);
    await drawPhotos(join(folder, 'few'), ['roses', 'tulips', 'daisies'], 40);
    const again = () => run('05-fine-tune.ts', join(folder, 'few'), '--data-dir', join(folder, 'cifar'));
    expect(await again()).toMatch(/source: [\d.]+ % .*fine-tuned: [\d.]+ % .*from scratch: [\d.]+ %/s);
    expect(await again()).not.toContain('source');
  });

  it('05-a-loop-by-hand', async () => {
    expect(await run('05-a-loop-by-hand.ts')).toMatch(/test accuracy \d/);
  });
});
