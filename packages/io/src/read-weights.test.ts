import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { linear, loadStateDict, type StateDict, sequential, stateDict } from '@imgcls/nn';
import { useBackend } from '@imgcls/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fileBytes } from './file.node.ts';
import { readNpz } from './npz.ts';
import { readWeights } from './read-weights.ts';
import { encodeSafetensors } from './safetensors.ts';
import { readTorchCheckpoint } from './torch-checkpoint.ts';
import { writeTorchCheckpoint } from './torch-writer.ts';

const folder = mkdtempSync(join(tmpdir(), 'imgcls-weights-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Written by PyTorch and NumPy (fixtures/make-torch.py). */
const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/torch/${name}`, import.meta.url));

const network = () =>
  sequential(linear({ inFeatures: 300, outFeatures: 200 }), linear({ inFeatures: 200, outFeatures: 9 }));

describe('readWeights()', () => {
  beforeAll(() => useBackend('cpu'));

  /** A file of its own of a network's weights. */
  const written = async (name: string, write: (weights: StateDict) => Uint8Array): Promise<string> => {
    const path = join(folder, name);
    writeFileSync(path, write(await stateDict(network())));
    return path;
  };

  it.each(['zip.pt', 'stream.pt', 'tar.pt', 'big-endian.pt'])('reads of the path of %s what its bytes hold', (name) => {
    const [ofPath, ofBytes] = [fileBytes(fixture(name)), new Uint8Array(readFileSync(fixture(name)))].map((bytes) =>
      readTorchCheckpoint(bytes),
    );
    expect(ofPath!.tensors.size).toBeGreaterThan(3);
    expect(ofPath).toEqual(ofBytes);
  });

  it('reads of the path of safetensors what its bytes hold', async () => {
    const path = await written('a.safetensors', encodeSafetensors);
    const [ofPath, ofBytes] = [await readWeights(path), await readWeights(new Uint8Array(readFileSync(path)))];
    expect(ofPath.format).toBe('safetensors');
    expect(ofPath.stateDict.size).toBe(4);
    expect(ofPath).toEqual(ofBytes);
  });

  it.each(['plain.npz', 'compressed.npz'])('reads of the path of %s what its bytes hold', async (name) => {
    const ofPath = await readNpz(fileBytes(fixture(name)));
    expect(ofPath.size).toBeGreaterThan(3);
    expect(ofPath).toEqual(await readNpz(new Uint8Array(readFileSync(fixture(name)))));
  });

  it.each([
    ['a zip archive', 'loaded.pth', writeTorchCheckpoint],
    ['safetensors', 'loaded.safetensors', encodeSafetensors],
  ] as const)(
    'has no tensor of %s in memory when it is loaded, only the one that is being read',
    async (_, name, write) => {
      const path = await written(name, write);
      const { stateDict: weights } = await readWeights(path);
      const model = network();
      const asked: string[] = [];
      for (const [name, tensor] of weights) Object.defineProperty(tensor, 'data', { get: () => asked.push(name) }); // which would be kept
      loadStateDict(model, weights);
      expect(asked).toEqual([]);
      const buffers = [...weights.values()].map((tensor) => tensor.read!().buffer);
      expect(new Set(buffers.slice(1)).size).toBe(1); // one memory for all that come after the largest
      expect(await stateDict(model)).toEqual((await readWeights(new Uint8Array(readFileSync(path)))).stateDict);
    },
  );

  it('keeps what was asked for, as if it had been in memory', async () => {
    const { stateDict: weights } = await readWeights(await written('kept.pth', writeTorchCheckpoint));
    const bias = weights.get('1.bias')!;
    (bias.data as Float32Array)[0] = 7;
    expect((bias.data as Float32Array)[0]).toBe(7);
    expect((bias.read!() as Float32Array)[0]).toBe(7);
  });

  it('copies no tensor of bytes where it can be seen in them, and elsewhere only when it is asked for', () => {
    const bytes = new Uint8Array(readFileSync(fixture('stream.pt')));
    const unaligned = new Uint8Array(new ArrayBuffer(bytes.length + 1), 1);
    unaligned.set(bytes);
    const tensors = [...readTorchCheckpoint(unaligned).tensors.values()];
    const lazy = tensors.filter((tensor) => tensor.read);
    expect(lazy.length).toBeGreaterThan(0);
    expect(tensors).toEqual([...readTorchCheckpoint(bytes).tensors.values()]);
  });

  it('refuses a file that has changed since', async () => {
    const path = await written('changed.pth', writeTorchCheckpoint);
    const { stateDict: weights } = await readWeights(path);
    appendFileSync(path, 'more');
    expect(() => loadStateDict(network(), weights)).toThrow(
      new Error(`${path}: the file must stay as it is while weights are read from it, got another one`),
    );
  });

  it('refuses a path where there is nothing', async () => {
    await expect(readWeights(join(folder, 'none.pth'))).rejects.toThrow('ENOENT');
  });
});
