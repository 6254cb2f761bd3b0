import { expect, test } from 'vitest';
import { type Package, packages, platformPackages } from './packages.ts';
import { readJson } from './process.mjs';

const names = (some: Package[]) => some.map(({ manifest }) => manifest.name).sort();

test('every published package is linked to the versions of the others, and the kernels have one with their platforms', () => {
  const { fixed, linked } = readJson('.changeset/config.json');
  expect([...linked.flat(), '@imgcls/kernels'].sort()).toEqual(names(packages()));
  expect([...fixed.flat()].sort()).toEqual([...names(platformPackages()), '@imgcls/kernels'].sort());
});

test('the kernels bring the package of every platform, in their own version', () => {
  const { optionalDependencies } = readJson('packages/kernels/package.json');
  expect(Object.keys(optionalDependencies).sort()).toEqual(names(platformPackages()));
  expect(new Set(Object.values(optionalDependencies))).toEqual(new Set(['workspace:*']));
});

test('every published package says what npm shows of it, and from where it is published', () => {
  for (const { folder } of [...packages(), ...platformPackages()])
    expect(readJson(`${folder}/package.json`)).toMatchObject({
      description: expect.stringMatching(/./),
      license: 'Apache-2.0',
      repository: { directory: folder },
      engines: readJson('package.json').engines,
      publishConfig: { access: 'public', provenance: true },
    });
});
