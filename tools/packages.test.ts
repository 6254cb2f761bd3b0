import { expect, test } from 'vitest';
import { packages } from './packages.ts';
import { readJson } from './process.mjs';

test('every published package is linked to the versions of the others', () => {
  const [linked] = readJson('.changeset/config.json').linked;
  expect([...linked].sort()).toEqual(
    packages()
      .map(({ manifest }) => manifest.name)
      .sort(),
  );
});

test('every published package says what npm shows of it, and from where it is published', () => {
  for (const { folder } of packages())
    expect(readJson(`${folder}/package.json`)).toMatchObject({
      description: expect.stringMatching(/./),
      license: 'Apache-2.0',
      repository: { directory: folder },
      engines: readJson('package.json').engines,
      publishConfig: { access: 'public', provenance: true },
    });
});
