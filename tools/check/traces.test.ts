import { expect, test } from 'vitest';
import { lockedHosts, machinePaths } from './traces.ts';

test('lockedHosts() tells of a resolution that names a host, and lets hashes pass', () => {
  const good = "resolution: {integrity: sha512-x==}\n  deprecated: 'see https://example.com'";
  expect(lockedHosts(good)).toEqual([]);
  expect(lockedHosts(`${good}\nresolution: {tarball: https://npm.example.com/a.tgz}`)).toEqual([
    'pnpm-lock.yaml:3 names a host to download from',
  ]);
});

test.each(['/'.concat('work/main/x'), "cd '/home".concat("/ada/imgcls'"), 'C:\\Users'.concat('\\ada')])(
  'machinePaths() tells of %s',
  (path) => {
    expect(machinePaths('a.md', `\n${path}`)).toEqual(['a.md:2 names a folder of one machine']);
  },
);

test.each([`https://example.com/${'work'}/a`, `./${'root'}/x`, `src/${'home'}/page/x`, '/usr/bin/chromium'])(
  'machinePaths() lets %s pass',
  (path) => {
    expect(machinePaths('a.md', path)).toEqual([]);
  },
);
