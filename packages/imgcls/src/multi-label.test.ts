import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { random } from '@imgcls/random';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Ended, imgcls, inThisProcess, resultOf, start, until } from '../test/cli.ts';
import { temporaryFolder, writePhotos } from '../test/photos.ts';

const classes = ['blue', 'green', 'red'] as const;
const quick = ['--backend', 'wasm', '--model', 'simple_cnn', '--batch-size', '8', '--json'];
const train = (output: string, ...more: string[]) => [
  'train',
  'labels.csv',
  '--output',
  output,
  '--epochs',
  '10',
  ...quick,
  ...more,
];
const folder = await temporaryFolder(afterAll);
let trained: Ended;

/** 160 pictures of some lamps, each on or off, and a table of those that are on. */
beforeAll(async () => {
  await mkdir(join(folder, 'lamps'));
  const rows = ['path,labels'];
  for (let i = 0; i < 160; i++) {
    const noise = random(i, 'lamps');
    const on = classes.map(() => noise.int(2) === 1);
    await writeFile(join(folder, `lamps/${i}.png`), await lamps(on, () => noise.int(60)));
    rows.push(`lamps/${i}.png,${classes.filter((_, k) => on[k]).join(';')}`);
  }
  await writeFile(join(folder, 'labels.csv'), `${rows.join('\n')}\n`);
  trained = await imgcls(train('run'), folder);
}, 120_000);

/** A third of the picture for each lamp. */
function lamps(on: readonly boolean[], noise: () => number): Promise<Buffer> {
  const data = Uint8Array.from({ length: 9 * 9 * 3 }, (_, i) => {
    const row = Math.floor(i / 27);
    const lamp = Math.floor(row / 3);
    return (on[lamp] && i % 3 === 2 - lamp ? 190 : 0) + noise();
  });
  return sharp(data, { raw: { height: 9, width: 9, channels: 3 } })
    .png()
    .toBuffer();
}

describe('where images may show several classes', () => {
  test('imgcls train finds out by the table, and says how well each is told', async () => {
    expect([trained.code, trained.stderr]).toEqual([
      0,
      expect.stringContaining('labels: 3 classes, of which an image may show several, 128 images to learn from, 16 to'),
    ]);
    const { test, validation, bestEpoch } = resultOf(trained);
    expect(validation.meanAveragePrecision).toBeGreaterThan(0.95);
    expect(test).toMatchObject({ count: 16, threshold: 0.5 });
    expect(test.meanAveragePrecision).toBeGreaterThan(0.95);
    expect(test.perClass.map(({ label }: { label: string }) => label)).toEqual(classes);
    expect(trained.stderr).toMatch(/ samples avg {7}[01]\.\d\d/);
    expect(trained.stderr).toMatch(/^epoch 10\/10 .* right, mAP [01]\.\d{3} /m);
    const history = (await readFile(join(folder, 'run/history.jsonl'), 'utf8')).trim().split('\n');
    const precisions = history.map((line) => JSON.parse(line).validation.meanAveragePrecision);
    expect(precisions[bestEpoch - 1]).toBe(Math.max(...precisions));
    const saved = JSON.parse(await readFile(join(folder, 'run/classifier.json'), 'utf8'));
    expect(saved).toMatchObject({ labels: classes, multiLabel: { threshold: 0.5 } });
    expect(saved.scores.test.meanAveragePrecision).toBe(test.meanAveragePrecision);
  });

  test('a run that is stopped and goes on ends with the same weights, byte for byte', {
    timeout: 120_000,
  }, async () => {
    const running = start(train('stopped'), folder);
    await until(running, /^epoch +3\/10/m);
    running.child.kill('SIGKILL');
    expect((await running.ended).code).toBe('SIGKILL');
    const resumed = await imgcls(train('stopped', '--resume'), folder);
    expect(resumed.stderr).toContain('going on after');
    const weightsOf = (output: string) => readFile(join(folder, output, 'weights.safetensors'));
    expect((await weightsOf('stopped')).equals(await weightsOf('run'))).toBe(true);
    expect(resultOf(resumed).test).toEqual(resultOf(trained).test);
  });

  test('a run does not go on with other labels of the same images', async () => {
    const table = await readFile(join(folder, 'labels.csv'), 'utf8');
    await writeFile(join(folder, 'labels.csv'), table.replaceAll('blue;green', 'green;red'));
    const other = await inThisProcess(train('run', '--resume'), folder);
    await writeFile(join(folder, 'labels.csv'), table);
    expect(other.code).toBe(1);
    expect(other.stderr).toContain('learns from other images');
  });

  test('imgcls evaluate measures the same test images, and shows what is told wrongly', async () => {
    const again = await inThisProcess(['evaluate', 'run', 'labels.csv', '--backend', 'wasm', '--json'], folder);
    expect(resultOf(again)).toEqual({ ...resultOf(trained).test, split: 'test' });

    const asked = ['evaluate', 'run', 'wrong.csv', '--mistakes', '5', '--backend', 'wasm', '--json'];
    await writeFile(
      join(folder, 'wrong.csv'),
      'path,labels\nlamps/0.png,\nlamps/1.png,blue;green;red\nlamps/2.png,violet\n',
    );
    const { stderr, stdout } = await inThisProcess(asked, folder);
    expect(stderr).toContain("warning: labels that the classifier doesn't know are left out: violet");
    const { mistakes, accuracy, count } = JSON.parse(stdout);
    expect([count, mistakes.length]).toEqual([3, Math.round(3 * (1 - accuracy))]);
    expect(mistakes[0]).toMatchObject({ label: expect.any(String), predicted: expect.any(String) });
    expect(stderr).toMatch(/(blue|green|red|nothing).* taken for .*(blue|green|red|nothing), \d+\.\d % sure/);
  });

  test('imgcls predict tells all that an image shows', async () => {
    await writeFile(join(folder, 'all.png'), await lamps([true, true, true], () => 30));
    await writeFile(join(folder, 'none.png'), await lamps([false, false, false], () => 30));
    const said = await inThisProcess(['predict', 'run', 'all.png', 'none.png', '--backend', 'wasm', '--json'], folder);
    const [all, none] = resultOf(said);
    const names = (list: { label: string }[]) => list.map(({ label }) => label).sort();
    expect([names(all.labels), names(all.top), none.labels]).toEqual([classes, classes, []]);
    expect(said.stderr).toContain('none.png  nothing');
    expect(said.stderr).toMatch(/^all\.png {2}(red|green|blue) {2}\d+\.\d %, /m);
  });

  test('images of one class each are refused, and so are these by a classifier of one class', async () => {
    await writePhotos(join(folder, 'photos'), 12);
    await inThisProcess(['train', 'photos', '--output', 'single', '--epochs', '1', ...quick], folder);
    const evaluated = (...args: string[]) => inThisProcess(['evaluate', ...args, '--backend', 'wasm'], folder);
    expect(await evaluated('run', 'photos')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(
        'the classifier tells several labels an image, but these images have one class each',
      ),
    });
    expect(await evaluated('single', 'labels.csv')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('the classifier tells one class an image, but these images have several labels'),
    });
  });
});
