// How many milliseconds it takes to load the weights of a ResNet-50 from a file, and to write them, beside PyTorch.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeSafetensors, readWeights, writeTorchCheckpoint } from '@imgcls/io';
import { createModel } from '@imgcls/models';
import { loadStateDict, type StateDict, stateDict } from '@imgcls/nn';
import { useBackend } from '@imgcls/tensor';
import { type BenchCase, bench, python } from './harness/index.ts';

const folder = await mkdtemp(join(tmpdir(), 'imgcls-bench-'));
const torch = await python(new URL('./weights.py', import.meta.url));

const milliseconds = async (work: () => Promise<unknown>): Promise<number> => {
  const start = performance.now();
  await work();
  return performance.now() - start;
};

/** The same in PyTorch. */
const peer = (task: 'load' | 'save', path: string) =>
  'missing' in torch
    ? { peerName: 'PyTorch', peer: torch }
    : { peerName: torch.greeting, peer: () => torch.ask<number>({ task, path }) };

await bench('weights', async ({ quick }) => {
  const { name, device } = await useBackend();
  console.log(`ours on ${name}: ${device}`);
  const model = createModel(quick ? 'resnet18' : 'resnet50');
  const weights = await stateDict(model);
  const files = { 'zip.pth': writeTorchCheckpoint, 'weights.safetensors': encodeSafetensors };
  const load = (file: string, write: (weights: StateDict) => Uint8Array): BenchCase => ({
    name: `load ${file}`,
    unit: 'ms',
    prepare: async () => {
      const path = join(folder, file);
      await writeFile(path, write(weights));
      const ours = () =>
        milliseconds(async () => loadStateDict(model, (await readWeights(await readFile(path))).stateDict));
      return { ours, ...peer('load', path) };
    },
  });
  const save: BenchCase = {
    name: 'save zip.pth',
    unit: 'ms',
    prepare: () => {
      const path = join(folder, 'saved.pth');
      const ours = () => milliseconds(() => writeFile(path, writeTorchCheckpoint(weights)));
      return { ours, ...peer('save', path) };
    },
  };
  return [...Object.entries(files).map(([file, write]) => load(file, write)), save];
});

await rm(folder, { recursive: true });
if (!('missing' in torch)) torch.close();
