import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type HostTensor, type StateDict, stateDict } from '@imgcls/nn';
import { useBackend } from '@imgcls/tensor';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { network } from '../test/saving.ts';
import { loadCheckpoint } from './checkpoint.ts';
import { loadClassifier } from './classifier.ts';
import { folder } from './folder.node.ts';
import { readHistory } from './history.ts';

const KILLS = 12;
const temporary = mkdtempSync(join(tmpdir(), 'imgcls-kill-'));
const program = join(temporary, 'saving.mjs');

beforeAll(async () => {
  await useBackend('cpu');
  const saving = fileURLToPath(new URL('../test/saving.ts', import.meta.url));
  await build({
    stdin: {
      contents: `import { saveForever } from ${JSON.stringify(saving)}; await saveForever(process.argv[2]);`,
      resolveDir: temporary,
    },
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    conditions: ['@imgcls/source'],
    banner: {
      js: `import { createRequire as of } from 'node:module'; const require = of(import.meta.url); // for CommonJS inside`,
    },
    logLevel: 'error',
  });
});
afterAll(() => rmSync(temporary, { recursive: true }));

describe('a process that saves into a folder', () => {
  it('can be killed again and again: what is there can always be loaded, whole', async () => {
    const path = join(temporary, 'run');
    for (let kill = 0; kill < KILLS; kill++) {
      const child = spawn(process.execPath, [program, path], { stdio: ['ignore', 'pipe', 'inherit'] });
      await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
      expect(child.exitCode).toBeNull(); // it doesn't end by itself
      await sleep(7 * kill); // a save takes some 10 ms
      child.kill('SIGKILL');
      await once(child, 'exit');
      await expectWhole(path);
    }
    await folder(path).write('last', Uint8Array.of(1)); // and cleans up
    const files = readdirSync(path).filter((name) => !/^weights-[0-9a-f]{16}\.safetensors$/.test(name));
    expect(files.sort()).toEqual([
      'checkpoint.safetensors',
      'classifier.json',
      'history.jsonl',
      'last',
      'weights.safetensors',
    ]);
  });
});

async function expectWhole(path: string): Promise<void> {
  const { model, provenance } = await loadClassifier(path, { model: network() });
  expect(valuesOf(await stateDict(model))).toEqual([provenance?.value]);
  const checkpoint = (await loadCheckpoint<{ value: number; model: StateDict }>(path))!;
  expect(valuesOf(checkpoint.model)).toEqual([checkpoint.value]);
  const epochs = (await readHistory(path)).map(({ epoch }) => epoch);
  expect(epochs).toEqual(epochs.map((_, i) => i + 1));
}

const valuesOf = (dict: StateDict): unknown[] => [
  ...new Set([...dict.values()].flatMap(({ data }: HostTensor) => [...new Set<unknown>(data)])),
];
