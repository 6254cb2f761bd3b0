import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { imageFolder, imageStatistics, subset } from '@imgcls/data';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryFolder, writePhotos } from '../test/photos.ts';
import { evaluationLoader, prepared, readAll } from './preparation.ts';

const framing = { height: 6, width: 8, channels: 3, resize: 'squash' } as const;

/** Photos of which one has gone since they were looked at, and the same without that one. */
async function photosOfWhichOneHasGone() {
  const folder = await temporaryFolder(onTestFinished);
  await writePhotos(folder, 3, ['red', 'blue']);
  const photos = await imageFolder(folder);
  for (let i = 0; i < photos.length; i++) await photos.get(i); // what the check has left in memory
  const gone = join(folder, 'blue', '2.jpg');
  await unlink(gone);
  const others = Array.from({ length: 6 }, (_, i) => i).filter((i) => photos.source(i) !== gone);
  return { photos: prepared(photos, framing), gone, others };
}

const skipped = (file: string) => [{ file, reason: expect.stringMatching(/^it can't be read: ENOENT/), times: 1 }];

test.each([0, 2])(
  'readAll() goes on without files that have gone, and names them, with %i workers',
  async (workers) => {
    const { photos, gone, others } = await photosOfWhichOneHasGone();
    const progress: number[] = [];
    const read = await readAll(photos, workers, (n) => progress.push(n));
    expect(read.skipped).toEqual(skipped(gone));
    expect(progress).toEqual([5]);
    expect(read.dataset.length).toBe(5);
    expect(read.statistics).toEqual(await imageStatistics(subset(photos, others)));
  },
);

test('evaluationLoader() leaves out files that have gone, and names them', async () => {
  const { photos, gone, others } = await photosOfWhichOneHasGone();
  const batches = evaluationLoader(photos, { ...framing, mean: [0, 0, 0], std: [1, 1, 1] }, 0);
  const seen = [];
  for await (const { indices } of batches) seen.push(...indices);
  expect(seen).toEqual(others);
  expect(batches.skipped).toEqual(skipped(gone));
});
