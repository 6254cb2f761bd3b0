import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { imgcls, resultOf, start, until } from '../test/cli.ts';
import { temporaryFolder, writePhotos } from '../test/photos.ts';

test('--workers changes neither weights nor scores, nor where a stopped run goes on', {
  timeout: 300_000,
}, async () => {
  const folder = await temporaryFolder(onTestFinished);
  await writePhotos(join(folder, 'photos'), 30);
  const model = ['--backend', 'wasm', '--model', 'simple_cnn', '--epochs', '3', '--batch-size', '4', '--json'];
  const args = (output: string, workers: string) =>
    ['train', 'photos', ...model, '--output', output, '--workers', workers] as const;
  const weightsOf = (output: string) => readFile(join(folder, output, 'weights.safetensors'));

  const alone = await imgcls(args('alone', '0'), folder);
  const helped = await imgcls(args('helped', '2'), folder);
  expect(resultOf(helped).test).toEqual(resultOf(alone).test);
  expect((await weightsOf('helped')).equals(await weightsOf('alone'))).toBe(true);

  const running = start(args('stopped', '2'), folder);
  await until(running, /epoch 1\/3/);
  running.child.kill('SIGINT');
  expect((await running.ended).code).not.toBe(0);
  const resumed = await imgcls([...args('stopped', '1'), '--resume'], folder);
  expect(resumed.stderr).toContain('going on after');
  expect((await weightsOf('stopped')).equals(await weightsOf('alone'))).toBe(true);
});
