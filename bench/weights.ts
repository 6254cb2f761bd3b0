// How many milliseconds it takes to load the weights of a ResNet-50 from a file, and to write them, and how much memory at most, beside PyTorch.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeSafetensors, readWeights, writeTorchCheckpoint } from '@imgcls/io';
import { createModel } from '@imgcls/models';
import { loadStateDict, stateDict } from '@imgcls/nn';
import { useBackend } from '@imgcls/tensor';
import { type BenchCase, bench, buildPackages, fresh, peakMegabytes, python } from './harness/index.ts';

const folder = await mkdtemp(join(tmpdir(), 'imgcls-bench-'));
await buildPackages();
const missing = await fresh.missing();
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
  const network = quick ? 'resnet18' : 'resnet50';
  const model = createModel(network);
  const weights = await stateDict(model);
  const files = { 'zip.pth': writeTorchCheckpoint, 'weights.safetensors': encodeSafetensors };
  for (const [file, write] of Object.entries(files)) await writeFile(join(folder, file), write(weights));
  const load = (file: string): BenchCase => ({
    name: `load ${file}`,
    unit: 'ms',
    prepare: () => {
      const path = join(folder, file);
      const ours = () => milliseconds(async () => loadStateDict(model, (await readWeights(path)).stateDict));
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
  const peak = (file: string): BenchCase => ({
    name: `peak memory of a process that loads ${file}`,
    unit: 'MB',
    prepare: () => {
      const path = join(folder, file);
      return {
        ours: () => fresh.node(loading(network, path)),
        peer: missing ?? (() => fresh.python('weights.py', network, path)),
        peerName: 'PyTorch',
        repeats: 0,
      };
    },
  });
  return [...Object.keys(files).map(load), save, ...Object.keys(files).map(peak)];
});

await rm(folder, { recursive: true });
if (!('missing' in torch)) torch.close();

/** Loads a file, and nothing else; then the most that was ever resident. */
function loading(network: string, path: string): string {
  return `
import { readWeights } from '@imgcls/io';
import { createModel } from '@imgcls/models';
import { loadStateDict } from '@imgcls/nn';
import { useBackend } from '@imgcls/tensor';
await useBackend();
const model = createModel('${network}');
loadStateDict(model, (await readWeights(${JSON.stringify(path)})).stateDict);
${peakMegabytes}
`;
}
