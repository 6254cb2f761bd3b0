import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium, noChromium, runInPage } from '@imgcls/browser';
import type { HostTensor } from '@imgcls/nn';
import { useBackend } from '@imgcls/tensor';
import { describe, expect, it } from 'vitest';
import { type Outcome, tensorsIn, testImage } from '../test/browser.page.ts';
import { storeContract } from '../test/store-contract.ts';
import { saveCheckpoint } from './checkpoint.ts';
import { loadClassifier } from './classifier.ts';
import { classify } from './classify.ts';
import { memory } from './store.ts';

const fixture = (name: string): Buffer => readFileSync(new URL(`../fixtures/torch/${name}`, import.meta.url));
const page = fileURLToPath(new URL('../test/browser.page.ts', import.meta.url));
if (!chromium) console.warn(`stores in a browser: ${noChromium}`);

describe.skipIf(!chromium)('in a browser', async () => {
  const store = memory();
  const weight: HostTensor = {
    dtype: 'float32',
    shape: [2, 3],
    data: Float32Array.of(0.1, -0, Number.NaN, 1e-40, 5, 6),
  };
  const state = { epoch: 2, loss: 0.1 + 0.2, seen: 2n ** 60n, model: new Map([['fc.weight', weight]]) };
  await saveCheckpoint(store, state);
  const checkpoint = Buffer.from((await store.read('checkpoint.safetensors'))!).toString('base64');
  const names = ['network.pt', 'network-stream.pt', 'tar.pt', 'plain.npz', 'compressed.npz'];
  const weights = Object.fromEntries(names.map((name) => [name, fixture(name).toString('base64')]));
  const outcome = chromium ? await runInPage<Outcome>(page, { argument: { checkpoint, weights } }) : undefined;

  describe.each(['opfs', 'indexedDb'])('%s()', (name) => {
    it.each(Object.keys(storeContract))('%s', (promise) => expect(outcome?.contract[name]?.[promise]).toBe('kept'));

    it('takes a checkpoint from Node to the page and back, byte for byte', () => {
      expect(outcome?.checkpoints[name]).toBe(checkpoint);
    });
  });

  it('opfs() has nothing of a file whose first write broke off', () => {
    expect(outcome?.interrupted).toEqual([[], ['a']]);
  });

  it.each(names)('reads %s as Node does', async (name) => {
    expect(outcome?.tensors[name]).toBe((await tensorsIn(name, fixture(name))).size);
  });

  it('saves a classifier as downloads, which load in the page and in Node and say the same', async () => {
    await useBackend('cpu');
    const downloaded = memory();
    for (const [name, content] of Object.entries(outcome?.downloaded ?? {}))
      await downloaded.write(name, new Uint8Array(Buffer.from(content, 'base64')));
    expect(await downloaded.list()).toEqual(['classifier.json', 'weights.safetensors']);
    const [classification] = await classify(await loadClassifier(downloaded), [testImage]);
    expect(outcome?.classification).toEqual(classification);
  });
});
