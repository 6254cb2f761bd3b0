import type { FolderReport } from '@imgcls/data';
import { expect, test } from 'vitest';
import { findingsOf, findingText } from './findings.ts';

const file = (path: string) => ({
  file: `photos/${path}`,
  className: path.split('/')[0]!,
  split: undefined,
  height: 8,
  width: 8,
});

const report: FolderReport = {
  folder: 'photos',
  count: 60,
  bytes: 0,
  classes: [
    { name: 'cats', count: 30, bySplit: {} },
    { name: 'dogs', count: 30, bySplit: {} },
  ],
  skipped: [{ file: 'photos/cats/half.jpg', reason: 'damaged JPEG: it is cut off' }],
  sizes: { smallest: [8, 8], median: [8, 8], largest: [8, 8] },
  kinds: {},
  duplicates: [],
  nearDuplicates: [],
  leaks: [],
  conflicts: [['cats/1.png', 'cats/2.png', 'cats/3.png', 'dogs/4.png', 'dogs/5.png'].map(file)],
  blank: [file('dogs/white.png')],
  dark: [],
  oddShapes: [],
};

test('findingsOf() says what is wrong, the worst first, with paths below the folder', () => {
  expect(findingsOf(report).map(findingText)).toEqual([
    '✗ 1 image with several labels: cats/1.png = dogs/4.png = cats/2.png and 2 more\n  → keep each in the class it shows',
    "✗ 1 file that can't be used: cats/half.jpg (damaged JPEG: it is cut off)\n  → repair or delete them; training leaves them out",
    '! 1 image of one colour all over: dogs/white.png\n  → delete them, unless they are meant',
  ]);
});

test('findingsOf() puts one image of each class first in a group, so that the first show why they are one', () => {
  const [conflicts] = findingsOf(report);
  expect(conflicts!.groups[0]!.map(({ className }) => className)).toEqual(['cats', 'dogs', 'cats', 'dogs', 'cats']);
});

test('findingsOf() has nothing to say of a folder in order', () => {
  expect(findingsOf({ ...report, skipped: [], conflicts: [], blank: [] })).toEqual([]);
});
