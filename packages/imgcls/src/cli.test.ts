import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { random } from '@imgcls/random';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Ended, imgcls, inThisProcess, resultOf, start, until } from '../test/cli.ts';
import { photo, temporaryFolder, writePhotos } from '../test/photos.ts';

const quick = ['--backend', 'wasm', '--model', 'simple_cnn', '--image-size', '8'];
const folder = await temporaryFolder(afterAll);
let trained: Ended;

/** A classifier in `run`, of photos in `photos`, among which three files are none. */
beforeAll(async () => {
  await writePhotos(join(folder, 'photos'), 20);
  const whole = await readFile(join(folder, 'photos/red/1.jpg'));
  await writeFile(join(folder, 'photos/red/corrupt.jpg'), whole.subarray(0, whole.length / 2));
  await writeFile(join(folder, 'photos/green/notes.txt'), 'buy milk');
  await writeFile(join(folder, 'photos/blue/empty.png'), '');
  trained = await imgcls(['train', 'photos', '--output', 'run', '--epochs', '8', '--json', ...quick], folder);
}, 120_000);

describe('imgcls train', () => {
  test('learns from a folder of photos and tells how it went', () => {
    expect(trained.code).toBe(0);
    expect(resultOf(trained)).toMatchObject({
      output: 'run',
      settings: { model: 'simple_cnn', epochs: 8, imageSize: 8, backend: 'wasm', optimizer: 'adamw' },
      test: { count: 6, accuracy: 1 },
    });
    expect(trained.stdout.trimEnd().split('\n')).toHaveLength(1);
    expect(trained.stderr).toContain(
      'photos: 3 classes, 48 images to learn from, 6 to choose by, 6 to be judged by at the end',
    );
    expect(trained.stderr.match(/^epoch \d\/8 .* left$/gm)).toHaveLength(8);
    expect(trained.stderr).toContain('• training loss   ○ validation loss');
    expect(trained.stderr).toContain('What to try next:');
  });

  test('says which files it has left out', () => {
    expect(resultOf(trained).skipped).toEqual([
      { file: 'photos/blue/empty.png', reason: 'empty file' },
      { file: 'photos/green/notes.txt', reason: 'not a JPEG, PNG, WebP, GIF or AVIF image' },
      { file: 'photos/red/corrupt.jpg', reason: expect.stringContaining('JPEG') },
    ]);
    expect(trained.stderr).toContain('left out photos/blue/empty.png: empty file');
  });

  test('writes down how the classifier did and where it comes from', async () => {
    const { scores, provenance, labels } = JSON.parse(await readFile(join(folder, 'run/classifier.json'), 'utf8'));
    expect(labels).toEqual(['blue', 'green', 'red']);
    expect(scores.test).toMatchObject({ accuracy: 1, count: 6 });
    expect(provenance).toMatchObject({
      dataset: {
        name: 'photos',
        location: join(folder, 'photos'),
        count: 60,
        fingerprint: expect.stringMatching(/^\w{64}$/),
      },
      division: { seed: 0, fractions: [0.8, 0.1, 0.1] },
      settings: { model: 'simple_cnn', seed: 0 },
      versions: { node: process.versions.node },
    });
    const history = (await readFile(join(folder, 'run/history.jsonl'), 'utf8')).trimEnd().split('\n');
    expect(history.map((line) => JSON.parse(line).epoch)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('goes on with a run only as the one it is', async () => {
    const other = await inThisProcess(['train', 'photos', '--output', 'run', '--resume', '--epochs', '9'], folder);
    expect(other.code).toBe(1);
    expect(other.stderr).toBe(
      'imgcls train: --epochs is 8 in the run that run holds, got 9; leave the option out to go on, or begin another run with --output\n',
    );
    const otherImages = await inThisProcess(['train', 'digits', '--output', 'run', '--resume'], folder);
    expect(otherImages.code).toBe(1);
    expect(otherImages.stderr).toContain(
      `learns from other images (60 from ${join(folder, 'photos')}, now 1,797 from digits)`,
    );
  });

  test('ends at once where the run is complete already, with the same result', async () => {
    const again = await inThisProcess(['train', 'photos', '--output', 'run', '--resume', '--json'], folder);
    expect(again.code).toBe(0);
    expect(resultOf(again).test).toEqual(resultOf(trained).test);
    expect(again.stderr).not.toMatch(/^epoch /m);
  });
});

describe('imgcls evaluate', () => {
  test('measures on the test images of training', async () => {
    const ended = await inThisProcess(['evaluate', 'run', 'photos', '--json'], folder);
    expect(ended.code).toBe(0);
    const { loss, ...scores } = resultOf(ended);
    const { loss: told, ...others } = resultOf(trained).test;
    expect(scores).toEqual({ ...others, split: 'test' });
    expect(loss).toBeCloseTo(told, 6);
  });

  test('measures on all of other images, and lists and shows the mistakes', async () => {
    await writePhotos(join(folder, 'others'), 3, ['red', 'green']);
    await writeFile(join(folder, 'others/green/wrong.jpg'), await photo('red', random(1)));
    const ended = await inThisProcess(['evaluate', 'run', 'others', '--mistakes', '5', '--json'], folder);
    const result = resultOf(ended);
    expect(result).toMatchObject({ split: 'all', count: 7 });
    expect(result.accuracy).toBeCloseTo(6 / 7, 9);
    expect(result.perClass).toHaveLength(3);
    expect(result.mistakes).toEqual([
      { file: 'others/green/wrong.jpg', index: 3, label: 'green', predicted: 'red', probability: expect.any(Number) },
    ]);
    expect(ended.stderr).toContain('note: there are no images of blue, which the classifier knows, too');
    expect(await readFile(join(folder, 'run/mistakes.html'), 'utf8')).toMatch(/<img src="data:image\/png;base64,\w+/);
  });
});

describe('imgcls train with --split-file', () => {
  const train = (...options: string[]) =>
    inThisProcess(['train', 'photos', '--epochs', '1', '--json', ...options, ...quick], folder);

  test('learns from the same files as another run, and says which have changed', async () => {
    expect((await train('--output', 'again', '--split-file', 'run/split.json')).code).toBe(0);
    expect(await readFile(join(folder, 'again/split.json'))).toEqual(await readFile(join(folder, 'run/split.json')));
    const split = JSON.parse(await readFile(join(folder, 'run/split.json'), 'utf8'));
    expect(split.files).toHaveLength(60);
    expect(split.files[0]).toEqual({
      file: 'blue/1.jpg',
      class: 'blue',
      part: expect.any(String),
      sha256: createHash('sha256')
        .update(await readFile(join(folder, 'photos/blue/1.jpg')))
        .digest('hex'),
    });
    split.files[3].sha256 = '0'.repeat(64);
    await writeFile(join(folder, 'other.json'), JSON.stringify(split));
    const refused = await train('--output', 'refused', '--split-file', 'other.json');
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining(
        `files must be those of the split, got 1 changed: ${split.files[3].file}; put these back`,
      ),
    ]);
  });

  test('is left out where a run goes on', async () => {
    const { code, stderr } = await train('--output', 'again', '--resume', '--split-file', 'run/split.json');
    expect([code, stderr]).toEqual([2, expect.stringContaining('--split-file must be left out to go on with a run')]);
  });
});

describe('imgcls predict', () => {
  test('says what each file shows, goes on past those it cannot read, and fails in the end', async () => {
    await writeFile(join(folder, 'new.jpg'), await photo('blue', random(99)));
    const files = ['new.jpg', 'missing.jpg', 'photos/green'];
    const ended = await inThisProcess(['predict', 'run', ...files, '--json'], folder);
    const answers = resultOf(ended);
    expect(ended.code).toBe(1);
    expect(answers).toHaveLength(21);
    expect(answers[0]).toEqual({
      file: 'new.jpg',
      label: 'blue',
      probability: answers[0].top[0].probability,
      top: [{ label: 'blue', probability: expect.any(Number) }, expect.anything(), expect.anything()],
    });
    expect(ended.stderr).toContain(
      'imgcls predict: 2 of 23 files could not be read:\n  missing.jpg: there is no such file\n  photos/green/notes.txt: not a JPEG, PNG, WebP, GIF or AVIF image\n',
    );
  });

  test('prints label and probability', async () => {
    const { code, stdout } = await imgcls(['predict', 'run', 'photos/red/2.jpg'], folder);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^photos\/red\/2\.jpg {2}red {2}\d+\.\d %$/m)]);
  });
});

test('imgcls serve answers until it is told to stop', async () => {
  const serving = start(['serve', 'run', '--port', '0'], folder);
  const [, url] = await until(serving, /listening on (http:\/\/127\.0\.0\.1:\d+)/);
  const body = new Uint8Array(await photo('green', random(5)));
  const response = await fetch(url!, { method: 'POST', body });
  expect(await response.json()).toMatchObject({ label: 'green' });
  serving.child.kill('SIGINT');
  const { code } = await serving.ended;
  if (process.platform !== 'win32') expect(code).toBe(0); // there a signal ends a process unasked
});

test('imgcls doctor gives a verdict on each engine', async () => {
  const { code, stdout } = await inThisProcess(['doctor'], folder);
  expect(code).toBe(0);
  for (const engine of ['tensorflow', 'webgpu', 'webgl', 'wasm', 'cpu'])
    expect(stdout).toMatch(new RegExp(`[✓✗] ${engine}`));
  expect(stdout).toContain(`Node.js ${process.versions.node}`);
  expect(stdout).toMatch(/imgcls uses \w+ here/);
});
