import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { stateShapes } from '@imgcls/nn';
import { useBackend } from '@imgcls/tensor';
import { beforeAll, expect, test } from 'vitest';
import { createModel, listModels } from './catalogue.ts';

/** What fixtures/state.py wrote of each classifier of torchvision. */
const states = JSON.parse(readFileSync(new URL('../fixtures/state.json', import.meta.url), 'utf8')) as Record<
  string,
  { entries: number; sha256: string }
>;

beforeAll(() => useBackend('wasm'));

test('the catalogue has all 80 classifiers of torchvision', () => {
  const names = listModels().map(({ name }) => name as string);
  expect(Object.keys(states)).toHaveLength(80);
  expect(Object.keys(states).filter((name) => !names.includes(name))).toEqual([]);
});

test.each(Object.entries(states))(
  '%s has the state dict of torchvision: names, types, shapes and their order',
  (name, state) => {
    const lines = [...stateShapes(createModel(name))].map(([key, { dtype, shape }]) => `${key} ${dtype} [${shape}]`);
    const sha256 = createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 16);
    expect({ entries: lines.length, sha256 }).toEqual(state);
  },
);
