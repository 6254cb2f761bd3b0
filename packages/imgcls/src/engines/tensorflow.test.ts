import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tensorflowInstallations } from '@imgcls/tensor/tensorflow';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { start, until } from '../../test/cli.ts';
import { realPython, writeFakePrograms } from '../../test/fake-programs.ts';
import { temporaryFolder } from '../../test/photos.ts';
import { checkRoom, findPrograms } from './requirements.ts';
import { addTensorflow, removeTensorflow, updateTensorflow } from './tensorflow.ts';

const folder = await temporaryFolder(afterAll);
const cache = join(folder, 'cache');
const engines = join(cache, 'imgcls/engines/tensorflow');
const listed = () => (existsSync(engines) ? readdirSync(engines) : []);
const canRun = process.platform === 'linux' && process.arch === 'x64' && realPython !== undefined;
if (!canRun) console.log('setting up TensorFlow is not tested: it needs Linux on x64 and python3');

beforeEach(async () => {
  await rm(cache, { recursive: true, force: true });
  await writeFakePrograms(join(folder, 'bin'));
  vi.stubEnv('XDG_CACHE_HOME', cache);
  vi.stubEnv('PATH', join(folder, 'bin'));
  vi.stubEnv('CXX', undefined);
});
afterEach(() => vi.unstubAllEnvs());

describe.runIf(canRun)('addTensorflow()', { timeout: 120_000 }, () => {
  it('announces what it weighs first, and leaves one folder that useBackend() will find', async () => {
    const steps: string[] = [];
    const added = await addTensorflow({ onStep: (step) => steps.push(step) });
    expect(steps[0]).toBe(`TensorFlow 2.13.1: about 0.2 GB to download, 1.1 GB on the disk, in ${engines}`);
    expect(added).toEqual({ version: '2.13.1', gpu: false, existed: false, folder: expect.stringContaining(engines) });
    expect(tensorflowInstallations()).toMatchObject([{ folder: added.folder, version: '2.13.1', gpu: false }]);
    expect(listed()).toEqual([expect.stringMatching(/^2\.13\.1-cpu-\d+$/)]);
    expect(readdirSync(added.folder!).sort()).toEqual(['engine.json', 'node_modules', 'package.json', 'site-packages']);
    expect(readdirSync(join(added.folder!, 'site-packages/tensorflow'))).toEqual([
      'libtensorflow_cc.so.2',
      'libtensorflow_framework.so.2',
    ]);
  });

  it('does nothing where that version works already, and mends one that does not', async () => {
    const { folder: first } = await addTensorflow();
    expect(await addTensorflow()).toEqual({ version: '2.13.1', gpu: false, folder: first, existed: true });
    await rm(join(first!, 'site-packages'), { recursive: true });
    const mended = await addTensorflow();
    expect(mended).toMatchObject({ existed: false });
    expect(listed()).toHaveLength(1);
  });

  it('takes the wheels of NVIDIA that TensorFlow asks for, at its side', async () => {
    const { folder: made, gpu } = await addTensorflow({ gpu: true, version: '2.19.1' });
    expect(gpu).toBe(false); // none was found
    expect(readFileSync(join(made!, 'site-packages/nvidia/nvidia-cudnn-cu12/lib/lib.so.1'), 'utf8')).toBe('9.3.0.75');
    expect(tensorflowInstallations()).toMatchObject([{ gpu: true, version: '2.19.1' }]);
  });

  it('replaces another version; updateTensorflow() brings back the best, removeTensorflow() nothing', async () => {
    await addTensorflow({ version: '2.12.0' });
    expect(tensorflowInstallations()).toMatchObject([{ version: '2.12.0' }]);
    expect(await updateTensorflow()).toMatchObject({ version: '2.13.1', existed: false });
    expect(tensorflowInstallations()).toMatchObject([{ version: '2.13.1' }]);
    expect(await removeTensorflow()).toBeGreaterThan(10);
    expect(listed()).toEqual([]);
    expect(await removeTensorflow()).toBe(0);
    expect(() => updateTensorflow()).toThrow('got none; run "imgcls engines add tensorflow"');
  });

  it('takes turns with another: both get the same one, which is made once', async () => {
    const steps: string[] = [];
    const [one, other] = await Promise.all([addTensorflow(), addTensorflow({ onStep: (step) => steps.push(step) })]);
    expect([one.existed, other.existed].sort()).toEqual([false, true]);
    expect(one.folder).toBe(other.folder);
    expect(listed()).toHaveLength(1);
  });

  it.each([
    [
      { FAKE_PIP: 'offline' },
      'pip must reach its package index to download tensorflow-cpu==2.13.1, got no connection; ',
    ],
    [
      { FAKE_NPM: 'offline' },
      'npm must reach its registry to install @tensorflow/tfjs-node@4.22.0, got no connection; ',
    ],
    [{ FAKE_PIP: 'full' }, `the disk must have 1.1 GB free in ${engines}, got `],
    [{ FAKE_PIP: 'broken' }, 'must unpack to what its RECORD says, got "tensorflow/libtensorflow_cc.so.2: expected '],
    [{ FAKE_COMPILER: 'broken' }, 'c++ must compile the addon of tfjs-node, got "tfjs_binding.cc:1:10: fatal error: '],
  ] as const)('ends with a sentence and leaves nothing with %o', async (environment, message) => {
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    const error = await addTensorflow().catch((reason) => reason);
    expect(error.message).toContain(message);
    expect(error.message.split('\n')).toHaveLength(1);
    expect(error.message).toContain('; '); // and the next step
    expect(listed()).toEqual([]);
  });

  it('clears away what a killed one has left, and leaves nothing when it is stopped itself', async () => {
    vi.stubEnv('FAKE_PIP', 'hang');
    const killed = start(['engines', 'add', 'tensorflow'], folder);
    await until(killed, /downloading tensorflow-cpu/);
    killed.child.kill('SIGKILL');
    await killed.ended;
    expect(listed()).toEqual([expect.stringMatching(/^building-/)]);
    const stop = new AbortController();
    const stopped = addTensorflow({ signal: stop.signal, onStep: (step) => /^downloading/.test(step) && stop.abort() });
    await expect(stopped).rejects.toThrow(/aborted/);
    expect(listed()).toEqual([]);
    vi.stubEnv('FAKE_PIP', undefined);
    expect(await addTensorflow()).toMatchObject({ existed: false });
  });

  it('refuses a version that the addon does not fit, or that CUDA has no wheels for', async () => {
    await expect(addTensorflow({ version: '1.15.0' })).rejects.toThrow(
      new RangeError('the version of TensorFlow must be 2.12.0 to 2.21.x, as in 2.13.1, got "1.15.0"'),
    );
    await expect(addTensorflow({ gpu: true, version: '2.13.1' })).rejects.toThrow(
      'must be 2.15.0 to 2.21.x for GPUs, as in 2.19.1, got "2.13.1"',
    );
  });
});

describe.runIf(canRun)('findPrograms()', () => {
  it('names all that is missing at once, and how to get it', async () => {
    await mkdir(join(folder, 'nothing'), { recursive: true });
    vi.stubEnv('PATH', join(folder, 'nothing'));
    await expect(findPrograms()).rejects.toThrow(
      'Python 3.8 or newer with pip and a C++ compiler and npm must be installed to set up TensorFlow, got none; on Debian and Ubuntu: apt-get install python3-pip g++, ',
    );
  });

  it('says which Python it found where that is too old', async () => {
    const old = `#!/bin/sh\ncase "$*" in *zipfile*) exit 1;; *) echo 3.6;; esac\n`;
    await writeFile(join(folder, 'bin/python3'), old);
    await expect(findPrograms()).rejects.toThrow(
      'Python 3.8 or newer with pip (python3 is 3.6) must be installed to set up TensorFlow, got none; ',
    );
  });

  it('names pip alone where Python has neither that nor virtual environments', async () => {
    const bare = `#!/bin/sh\ncase "$*" in *pip*) exit 1;; esac\n`;
    await writeFile(join(folder, 'bin/python3'), bare);
    await expect(findPrograms()).rejects.toThrow('pip for python3 must be installed to set up TensorFlow, got none; ');
  });

  it('names the compiler alone where only that is missing', async () => {
    await rm(join(folder, 'bin/c++'));
    await expect(findPrograms()).rejects.toThrow('a C++ compiler must be installed to set up TensorFlow, got none; ');
  });
});

describe('checkRoom()', () => {
  it('refuses a disk that is too small before anything is downloaded', async () => {
    await expect(checkRoom(folder, 1e18)).rejects.toThrow(
      /^the disk must have 1000000000\.0 GB free in .*, got \d+\.\d GB; free some, or name another folder in XDG_CACHE_HOME$/,
    );
  });
});
