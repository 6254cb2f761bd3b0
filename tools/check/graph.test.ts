import { expect, test } from 'vitest';
import { packages } from '../packages.ts';
import { graph, imports, undrawnDependencies, undrawnImports } from './graph.ts';

const manifest = (name: string, ...dependencies: string[]) => ({
  name,
  version: '0.0.0',
  dependencies: Object.fromEntries(dependencies.map((dependency) => [dependency, 'workspace:^'])),
});
const train = manifest('@imgcls/train', '@imgcls/data', '@imgcls/tensor');
const io = manifest('@imgcls/io', '@imgcls/models');
const file = 'packages/x/src/fit.ts';

test('the graph draws every package, and nothing else', () => {
  expect(Object.keys(graph).sort()).toEqual(
    packages()
      .map(({ manifest }) => manifest.name)
      .sort(),
  );
});

test('the graph has no cycle: it can be taken apart leaf by leaf', () => {
  let rest = Object.entries(graph);
  while (rest.length > 0) {
    const names = new Set(rest.map(([name]) => name));
    const inner = rest.filter(([, uses]) => Object.keys(uses).some((used) => names.has(used)));
    expect(inner.length).toBeLessThan(rest.length);
    rest = inner;
  }
});

test('undrawnDependencies() tells of a dependency that the graph does not have', () => {
  expect(undrawnDependencies(manifest('@imgcls/data', '@imgcls/random', '@imgcls/tensor'))).toEqual([
    '@imgcls/data depends on @imgcls/tensor, an edge that the graph does not have',
  ]);
});

test('undrawnDependencies() tells of a package that the graph does not know', () => {
  expect(undrawnDependencies(manifest('@imgcls/new'))).toEqual(['@imgcls/new is missing in tools/check/graph.ts']);
});

test('undrawnImports() lets a drawn edge pass', () => {
  const source = "import { useBackend } from '@imgcls/tensor';\nimport type { Batch } from '@imgcls/data';";
  expect(undrawnImports(file, source, train)).toEqual([]);
});

test.each([
  ["import { Batch } from '@imgcls/data';", train, 'must import @imgcls/data with "import type"'],
  ["export * from '@imgcls/data';", train, 'must import @imgcls/data with "import type"'],
  ["await import('@imgcls/data');", train, 'must import @imgcls/data with "import type"'],
  ["import { resnet9 } from '@imgcls/models';", io, 'must load @imgcls/models with "await import()"'],
  ["import { nn } from '@imgcls/nn';", train, 'imports @imgcls/nn, which its package.json does not name'],
  [
    "import '@imgcls/io';",
    manifest('@imgcls/train', '@imgcls/io'),
    'imports @imgcls/io, an edge that the graph does not have',
  ],
  ["import { x } from '../../data/src/x.ts';", train, 'reaches into another package: ../../data/src/x.ts'],
])('undrawnImports() refuses %s', (source, manifest, problem) => {
  expect(undrawnImports(file, `\n${source}`, manifest)).toEqual([`${file}:2 ${problem}`]);
});

test('undrawnImports() lets what is loaded when needed be loaded so, and its types be imported', () => {
  const source =
    "import type { Model } from '@imgcls/models';\nconst { createModel } = await import('@imgcls/models');";
  expect(undrawnImports(file, source, io)).toEqual([]);
});

test('imports() does not see what stands in comments, and sees types named in place', () => {
  expect(imports("/** import { a } from 'a'; */\nlet b: import('b').B;")).toEqual([
    { from: 'b', use: 'type', line: 2 },
  ]);
});
