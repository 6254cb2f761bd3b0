import { expect, test } from 'vitest';
import { installScriptProblems, ownProblems } from './install-scripts.ts';

const manifest = { name: 'a', version: '1.0.0' };

test('ownProblems() tells of a script that runs at installation, and of a binding.gyp', () => {
  expect(ownProblems({ ...manifest, scripts: { build: 'x', postinstall: 'x' } }, true)).toEqual([
    'has a script "postinstall"',
    'has a binding.gyp, which npm compiles',
  ]);
  expect(ownProblems({ ...manifest, scripts: { build: 'x' } }, false)).toEqual([]);
});

test('installScriptProblems() follows dependencies and tells the way', () => {
  const esbuildUser = { folder: 'node_modules/tsx', manifest: { ...manifest, name: 'tsx' } }; // esbuild has a postinstall script
  expect(installScriptProblems([esbuildUser])).toEqual(['tsx > esbuild has a script "postinstall"']);
});
