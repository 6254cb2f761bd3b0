import { existsSync, type FSWatcher, mkdirSync, watch } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { random } from '@imgcls/random';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { imgcls, resultOf, start, until } from '../test/cli.ts';
import { temporaryFolder } from '../test/photos.ts';

// The digits make epochs long enough for checkpoints within them.
const run = [
  'train',
  'digits',
  '--backend',
  'wasm',
  '--model',
  'simple_cnn',
  '--epochs',
  '2',
  '--batch-size',
  '16',
  '--json',
];
const folder = await temporaryFolder(afterAll);
const weightsOf = (output: string) => readFile(join(folder, output, 'weights.safetensors'));

beforeAll(async () => {
  const uninterrupted = await imgcls([...run, '--output', 'whole'], folder);
  expect(uninterrupted.code).toBe(0);
}, 120_000);

test('a run that is killed again and again ends with the same weights, byte for byte', {
  timeout: 300_000,
}, async () => {
  const chance = random(1, 'when');
  let killed = 0;
  for (;;) {
    const running = start([...run, '--output', 'killed', '--resume'], folder);
    const stopWatching =
      killed < 4
        ? killAfterChanges(join(folder, 'killed'), 1 + chance.int(8), chance.int(60), running.child)
        : () => undefined;
    const { code, stderr } = await running.ended;
    stopWatching();
    if (code === 0) break;
    expect([code, stderr]).toEqual(['SIGKILL', expect.not.stringContaining('imgcls train:')]);
    killed++;
  }
  expect(killed).toBeGreaterThanOrEqual(3);
  expect((await weightsOf('killed')).equals(await weightsOf('whole'))).toBe(true);
  expect((await readdir(join(folder, 'killed'))).sort()).toEqual((await readdir(join(folder, 'whole'))).sort());
});

/** Kills a process some milliseconds after the files of its run have changed so many times: in the midst of writing, too. */
function killAfterChanges(
  output: string,
  changes: number,
  delayMs: number,
  child: { kill(signal: 'SIGKILL'): boolean },
) {
  mkdirSync(output, { recursive: true });
  let seen = 0;
  const watcher: FSWatcher = watch(output, () => {
    if (++seen === changes) setTimeout(() => child.kill('SIGKILL'), delayMs);
  });
  return () => watcher.close();
}

// Windows has no Ctrl-C that one process could send to another.
test.skipIf(process.platform === 'win32')(
  'Ctrl-C saves a checkpoint within the epoch and says how to go on',
  { timeout: 120_000 },
  async () => {
    const running = start([...run, '--output', 'stopped'], folder);
    await until(running, /1,437 images to learn from/);
    await until(running, /parameters on images/);
    await new Promise((resolve) => setTimeout(resolve, 500)); // into the first epoch
    running.child.kill('SIGINT');
    const { code, stderr } = await running.ended;
    expect(code).toBe(130);
    expect(stderr).toContain('stopped; go on with: imgcls train digits --output stopped --resume');
    expect(existsSync(join(folder, 'stopped/checkpoint.safetensors'))).toBe(true);

    const resumed = await imgcls([...run, '--output', 'stopped', '--resume'], folder);
    expect(resumed.stderr).toMatch(/^going on after (epoch \d|\d+ batch(es)? of epoch \d)$/m);
    expect(resultOf(resumed).test.count).toBe(180);
    expect((await weightsOf('stopped')).equals(await weightsOf('whole'))).toBe(true);
  },
);
