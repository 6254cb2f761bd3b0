import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { makeManyFiles } from '../test/many-files.ts';
import type { ExaminedFile, FolderReport } from './examine.ts';

// IMGCLS_MANY_FILES=100000 pnpm test examine-many
const count = Number(process.env.IMGCLS_MANY_FILES ?? 2000);
const script = fileURLToPath(new URL('../test/examine.process.ts', import.meta.url));

it(`examineFolder() finds all that is planted among ${count} files, in less than 400 MB`, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'imgcls-many-'));
  onTestFinished(() => rm(folder, { recursive: true }), 600_000);
  const photos = join(folder, 'photos');
  const planted = await makeManyFiles(photos, count);
  const file = join(folder, 'outcome.json');
  execFileSync(process.execPath, ['--conditions=@imgcls/source', '--import', 'tsx', script, photos, file]);
  const { report, calls, peakBytes } = JSON.parse(await readFile(file, 'utf8')) as {
    report: FolderReport;
    calls: number;
    peakBytes: number;
  };

  const paths = (groups: readonly (readonly ExaminedFile[])[]): string[][] =>
    groups.map((group) => group.map((one) => relative(photos, one.file).replaceAll('\\', '/')).sort()).sort();
  expect([report.count, report.skipped, calls]).toEqual([count, [], count]);
  expect(paths(report.duplicates)).toEqual(planted.duplicates.sort());
  expect(paths(report.nearDuplicates)).toEqual(planted.nearDuplicates.sort());
  expect(paths(report.leaks)).toEqual(planted.leaks.sort());
  expect(paths(report.conflicts)).toEqual(planted.conflicts.sort());
  console.log(`${count} files: ${(peakBytes / 2 ** 20).toFixed(0)} MiB at the most`);
  expect(peakBytes).toBeLessThan(400e6);
}, 3_600_000);
