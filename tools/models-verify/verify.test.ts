import { readdirSync, readFileSync } from 'node:fs';
import { memory, useBackend } from '@imgcls/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import { namedValues } from './values.ts';
import { type Reference, verify } from './verify.ts';

const fixtures = new URL('./fixtures/', import.meta.url);
const read = (file: string) => JSON.parse(readFileSync(new URL(file, fixtures), 'utf8')) as Reference;
const references = ['eval', 'train'].flatMap((kind) =>
  readdirSync(new URL(`${kind}/`, fixtures)).map((file) => `${kind}/${file}`),
);

beforeAll(() => useBackend('wasm'));

test.each(references)(
  '%s is what torchvision computes',
  async (file) => {
    const before = memory().numTensors;
    for (const { what, error, tolerance } of await verify(read(file)))
      expect(error, what).toBeLessThanOrEqual(tolerance);
    expect(memory().numTensors).toBe(before);
  },
  60_000,
);

describe('verify()', () => {
  const squeezenet = read('eval/squeezenet1_0.json');

  test('finds logits that depend less on the images', async () => {
    const [first] = squeezenet.logits!;
    const blind = { ...squeezenet, logits: [first!, first!] };
    expect((await verify(blind)).map(({ error, tolerance }) => error > tolerance)).toContain(true);
  });

  test('finds a tensor that is missing, of another shape, or in another place', async () => {
    const state: Reference['state'] = [
      ['fc.weight', [10, 512]],
      ['fc.bias', [10]],
    ];
    const [names, count] = await verify({ model: 'resnet18', parameters: 11_689_512, state });
    expect(names!.error).toBeGreaterThan(0);
    expect(names!.what).toContain('conv1.weight [64,3,7,7] instead of fc.weight [10,512]');
    expect(count).toEqual({ what: 'parameters', error: 0, tolerance: 0 });
  });
});

test('namedValues() has the values of the references', () => {
  // Computed by the definition in Python.
  expect(Array.from(namedValues('input', [2]).data as Float32Array)).toEqual([1.1961325407028198, 0.7406969666481018]);
  expect(Array.from(namedValues('conv1.weight', [1, 2, 1, 1]).data as Float32Array)).toEqual([
    1.5741530656814575, -0.34854409098625183,
  ]);
  expect(Array.from(namedValues('bn1.running_var', [2]).data as Float32Array)).toEqual([
    0.5538572669029236, 1.218284010887146,
  ]);
});
