import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { temporaryFolder, writePhotos } from '../test/photos.ts';
import { main } from './main.ts';

let said: string[];
beforeEach(() => {
  said = [];
  vi.spyOn(console, 'error').mockImplementation((text) => void said.push(text));
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, 'write').mockImplementation((text) => said.push(String(text)) > 0);
});
afterEach(() => vi.restoreAllMocks());

/** Runs a command line in this process: its exit code, and the first line it says. */
const run = async (...args: string[]) => [await main(args), said[0]?.split('\n')[0]];

describe('main() refuses a wrong command line with exit code 2', () => {
  test.each([
    [
      'train ./photos --learning-rte 1',
      'imgcls train: unknown option "--learning-rte", did you mean "--learning-rate"?',
    ],
    ['trian ./photos', 'imgcls: unknown command "trian", did you mean "train"?'],
    ['train', 'imgcls train: missing required argument "dataset"'],
    ['predict runs/x', 'imgcls predict: missing required argument "images"'],
    ['evaluate a', 'imgcls evaluate: missing required argument "dataset"'],
    ['train digits --epochs 0', 'imgcls train: --epochs must be a whole number of at least 1, got "0"'],
    ['train digits --learning-rate fast', 'imgcls train: --learning-rate must be a number above 0, got "fast"'],
    ['train digits --optimizer lion', 'imgcls train: --optimizer must be one of sgd, adam, adamw, rmsprop, got "lion"'],
    ['engines add cuda', 'imgcls engines: the engine must be one of tensorflow, got "cuda"'],
    ['engines add tensorflow --gpus', 'imgcls engines: unknown option "--gpus", did you mean "--gpu"?'],
    ['train digits --epochs', 'imgcls train: option "--epochs <n>" argument missing'],
    [
      'evaluate runs/x digits --split half',
      'imgcls evaluate: --split must be one of train, validation, test, all, got "half"',
    ],
    [
      'train nowhere',
      expect.stringMatching(
        /^imgcls train: there is no file or folder "nowhere", .* digits, mnist, fashion-mnist, .*, imagenet; give/,
      ),
    ],
  ])('%s', async (line, message) => {
    expect(await run(...line.split(' '))).toEqual([2, message]);
  });

  test('and says where help is', async () => {
    await run('train', '--epoch', '3');
    expect(said.at(-1)).toBe('Run "imgcls train --help" to see what it takes.');
  });
});

test('main() gives help and the version that were asked for with exit code 0', async () => {
  expect(await run('train', '--help')).toEqual([0, 'Usage: imgcls train [options] <dataset...>']);
  expect(said.join('')).toContain('--resume');
  said = [];
  expect(await run('--version')).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+/)]);
});

test('main() shows the help where nothing is asked for, and fails', async () => {
  expect(await run()).toEqual([2, 'Usage: imgcls [options] [command]']);
});

describe('main() fails with exit code 1', () => {
  test('where an engine has no such version: --version is that of the engine', async () => {
    expect(await run('engines', 'add', 'tensorflow', '--version', '3.0')).toEqual([
      1,
      'imgcls engines: the version of TensorFlow must be 2.12.0 to 2.21.x, as in 2.13.1, got "3.0"',
    ]);
  });

  test('where there is no classifier', async () => {
    const folder = await temporaryFolder(onTestFinished);
    const [code] = await run('evaluate', folder, 'digits', '--backend', 'cpu');
    expect(code).toBe(1);
    expect(said.at(-1)).toMatch(/^imgcls evaluate: .*must hold a classifier, got no classifier.json/);
  });

  test('where an engine does not work here', async () => {
    const [code] = await run(
      'train',
      'digits',
      '--backend',
      'webgl',
      '--output',
      join(await temporaryFolder(onTestFinished), 'run'),
    );
    expect(code).toBe(1);
    expect(said.at(-1)).toMatch(/^imgcls train: .*webgl/);
  });

  test('where the output folder holds a run or a classifier', async () => {
    const folder = await temporaryFolder(onTestFinished);
    await writeFile(join(folder, 'classifier.json'), '{}');
    expect(await run('train', 'digits', '--output', folder)).toEqual([
      1,
      `imgcls train: ${folder} holds a classifier already; choose another --output, or delete it`,
    ]);
    said = [];
    await writeFile(join(folder, 'run.json'), '{ "formatVersion": 1 }');
    expect(await run('train', 'digits', '--output', folder)).toEqual([
      1,
      `imgcls train: ${folder} holds a run already; go on with it by --resume, choose another --output, or delete it`,
    ]);
  });

  test('where the run is of another format version', async () => {
    const folder = await temporaryFolder(onTestFinished);
    await writeFile(join(folder, 'run.json'), '{ "formatVersion": 2 }');
    expect(await run('train', 'digits', '--output', folder, '--resume')).toEqual([
      1,
      `imgcls train: ${folder}/run.json must have format version 1, got 2; go on with the version of imgcls that began this run`,
    ]);
  });

  test('where there are too few images', async () => {
    const folder = await temporaryFolder(onTestFinished);
    await writePhotos(join(folder, 'photos'), 1);
    const [code] = await run('train', join(folder, 'photos'), '--output', join(folder, 'run'), '--backend', 'cpu');
    expect(code).toBe(1);
    expect(said.at(-1)).toBe(
      'imgcls train: there must be images to learn from, to choose by and to judge by, but 3 images leave none for validation; ten for each class are the least',
    );
  });

  test('where a folder holds no classes', async () => {
    const folder = await temporaryFolder(onTestFinished);
    await mkdir(join(folder, 'empty'));
    const [code] = await run('train', join(folder, 'empty'));
    expect(code).toBe(1);
    expect(said.at(-1)).toContain('at least two classes');
  });
});
