import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BackendError, listBackends, useBackend } from './backend.ts';
import { checkCore } from './backend-core.ts';

const here = process.cwd();
const projects: string[] = [];

/** Makes a project whose `node_modules` hold these files, and goes there. */
function enterProject(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'imgcls-backend-'));
  projects.push(folder);
  for (const [name, text] of Object.entries(files)) {
    const file = join(folder, 'node_modules', name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  process.chdir(folder);
  return folder;
}

afterEach(() => {
  process.chdir(here);
  for (const folder of projects.splice(0)) rmSync(folder, { recursive: true });
});

/** An empty one: TensorFlow may be set up on this machine, and a backend that was opened once stays. */
let cache: string;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'imgcls-cache-'));
  projects.push(cache);
  vi.stubEnv('XDG_CACHE_HOME', cache);
});
afterEach(() => vi.unstubAllEnvs());

/** Something that only a working backend answers. */
const twice = (x: number) => tf.tidy(() => tf.add(tf.scalar(x), tf.scalar(x)).dataSync()[0]);

describe('useBackend()', () => {
  it.each(['cpu', 'native', 'wasm'] as const)('makes %s current and says what it runs on', async (name) => {
    const info = await useBackend(name);
    expect(info).toEqual({
      name,
      device: expect.stringMatching(/^CPU, /),
      version: expect.stringMatching(/^\d+\.\d+/),
    });
    expect(tf.getBackend()).toBe(name);
    expect(twice(21)).toBe(42);
  });

  it('takes the first usable one in the order of preference', async () => {
    const verdicts = await listBackends();
    const usable = new Set(verdicts.filter(({ usable, reason }) => usable && !reason).map(({ name }) => name));
    const { name } = await useBackend();
    expect(usable).toContain(name);
    expect(name).not.toBe('cpu'); // our kernels work wherever Node does, and are faster
  });

  it('does nothing where the backend is current already', async () => {
    await useBackend('wasm');
    const backend = tf.backend();
    await useBackend('wasm');
    expect(tf.backend()).toBe(backend);
  });

  it('takes calls at the same time in turn: the last one counts', async () => {
    const infos = await Promise.all([useBackend('wasm'), useBackend('cpu'), useBackend('wasm'), useBackend('cpu')]);
    expect(infos.map(({ name }) => name)).toEqual(['wasm', 'cpu', 'wasm', 'cpu']);
    expect(tf.getBackend()).toBe('cpu');
  });

  it('keeps the tensors of a backend that runs already, in tfjs or in another copy of this package', async () => {
    await useBackend('cpu');
    const x = tf.tensor1d([1, 2, 3]);
    vi.resetModules();
    const copy = await import('./backend.ts');
    await copy.useBackend('wasm');
    await copy.useBackend('cpu');
    expect(copy.useBackend).not.toBe(useBackend);
    expect([...x.dataSync()]).toEqual([1, 2, 3]);
    x.dispose();
  });

  it('opens a backend again that a reset of tfjs has disposed of', async () => {
    await useBackend('wasm');
    tf.engine().reset();
    await useBackend('wasm');
    expect(twice(4)).toBe(8);
    tf.engine().reset();
    await tf.setBackend('wasm'); // tfjs's own way goes on working
    expect(twice(5)).toBe(10);
  });

  it('says why a backend does not work, what to do, and leaves the current one', async () => {
    await useBackend('wasm');
    const error = await useBackend('webgl').catch((reason) => reason);
    expect(error).toBeInstanceOf(BackendError);
    expect(error).toMatchObject({ backend: 'webgl', reason: 'only browsers have WebGL' });
    expect(error.message).toBe(
      "useBackend: webgl does not work here: only browsers have WebGL; use 'webgpu' or 'wasm'",
    );
    expect(tf.getBackend()).toBe('wasm');
  });

  it('names the backends there are when it is given another name', async () => {
    const name = 'cuda' as 'cpu';
    await expect(useBackend(name)).rejects.toThrow(
      'there is no backend of this name; take one of tensorflow, webgpu, native, webgl, wasm, cpu',
    );
  });
});

describe('listBackends()', () => {
  it('has a verdict on each, with a reason and a next step where it is not usable', async () => {
    const verdicts = await listBackends();
    expect(verdicts.map(({ name }) => name)).toEqual(['tensorflow', 'webgpu', 'native', 'webgl', 'wasm', 'cpu']);
    for (const { usable, device, reason, nextStep } of verdicts) {
      if (usable) expect(device).toMatch(/\w/);
      else expect([reason, nextStep]).toEqual([expect.stringMatching(/\w/), expect.stringMatching(/\w/)]);
    }
  });

  it('does not change the current backend', async () => {
    await useBackend('cpu');
    await listBackends();
    expect(tf.getBackend()).toBe('cpu');
  });
});

describe('the tensorflow backend', () => {
  const packageJson = (version: string) => JSON.stringify({ name: 'fake', main: 'index.js', version });

  /** A tfjs-node that computes as the `cpu` backend does. */
  function fakeTensorflow(fields: { isUsingGpuDevice: boolean }): Record<string, string> {
    const core = createRequire(import.meta.url).resolve('@tensorflow/tfjs-core');
    const cpu = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-cpu');
    const told = { ...fields, binding: { TF_Version: '2.13.1' }, firstUse: false };
    return {
      '@tensorflow/tfjs-node/package.json': packageJson('4.22.0'),
      '@tensorflow/tfjs-node/index.js': `
        const tf = require(${JSON.stringify(core)});
        const { MathBackendCPU } = require(${JSON.stringify(cpu)});
        if (!require('node:util').isNullOrUndefined(null)) throw new Error('not mended');
        tf.registerBackend('tensorflow', () => Object.assign(new MathBackendCPU(), ${JSON.stringify(told)}), 3);
        tf.setBackend('tensorflow');`,
    };
  }

  /** This package, on a machine with or without NVIDIA's driver. */
  function withDriver(isThere: boolean): Promise<typeof import('./backend.ts')> {
    vi.doMock('node:fs', async (original) => {
      const fs = await original<typeof import('node:fs')>();
      return { ...fs, existsSync: (path: string) => (/nvidiactl|dxg/.test(path) ? isThere : fs.existsSync(path)) };
    });
    vi.resetModules();
    return import('./backend.ts');
  }
  afterEach(() => {
    vi.doUnmock('node:fs');
  });

  it('is refused in another version than the supported one, by number', async () => {
    enterProject({ '@tensorflow/tfjs-node/package.json': packageJson('4.10.0') });
    await expect(useBackend('tensorflow')).rejects.toThrow('@tensorflow/tfjs-node must be 4.22.0, got 4.10.0');
  });

  it('breaks nothing where it is installed but does not load', async () => {
    enterProject({
      '@tensorflow/tfjs-node-gpu/package.json': packageJson('4.22.0'),
      '@tensorflow/tfjs-node-gpu/index.js': `throw new Error('libtensorflow.so.2: cannot open shared object file.\\nmore');`,
    });
    const [tensorflow, ...others] = await listBackends();
    expect(tensorflow).toMatchObject({
      usable: false,
      reason: expect.stringContaining(
        '@tensorflow/tfjs-node-gpu does not load: libtensorflow.so.2: cannot open shared object file; ',
      ),
    });
    expect(others.find(({ name }) => name === 'wasm')?.usable).toBe(true);
  });

  it('breaks nothing where it is not what it seems', async () => {
    enterProject({
      '@tensorflow/tfjs-node/package.json': packageJson('4.22.0'),
      '@tensorflow/tfjs-node/index.js': '', // registers no backend
    });
    const error = await useBackend('tensorflow').catch((reason) => reason);
    expect(error).toBeInstanceOf(BackendError);
    expect(error.cause).toBeInstanceOf(TypeError);
    expect((await useBackend()).name).not.toBe('tensorflow');
  });

  it('is looked for in the cache after the project, the newest first, and where it is named in the reason', async () => {
    enterProject({ '@tensorflow/tfjs-node/package.json': packageJson('4.10.0') });
    for (const [name, made] of Object.entries({ '2.13.1-cpu-a': '2030-01-01', '2.19.1-gpu-b': '2031-01-01' })) {
      const folder = join(cache, 'imgcls/engines/tensorflow', name);
      const module = join(folder, 'node_modules/@tensorflow/tfjs-node');
      mkdirSync(module, { recursive: true });
      writeFileSync(join(folder, 'engine.json'), JSON.stringify({ version: name.slice(0, 6), gpu: false, made }));
      writeFileSync(join(module, 'package.json'), packageJson('4.22.0'));
      writeFileSync(join(module, 'index.js'), `throw new Error('broken ${name}')`);
    }
    mkdirSync(join(cache, 'imgcls/engines/tensorflow/building-1')); // what is half made is not looked at
    await expect(useBackend('tensorflow')).rejects.toThrow(
      /tfjs-node must be 4\.22\.0, got 4\.10\.0; @tensorflow\/tfjs-node in \S+-b does not load: broken 2\.19\.1-gpu-b; .*broken 2\.13\.1-cpu-a; run "npx imgcls engines add tensorflow"/,
    );
  });

  it('is taken before all others where it has a GPU, and tells which', async () => {
    const folder = enterProject(fakeTensorflow({ isUsingGpuDevice: true }));
    writeFileSync(
      join(folder, 'nvidia-smi'),
      '#!/bin/sh\necho "NVIDIA T4, 15360"\necho "NVIDIA H100 80GB HBM3, 81559"',
      { mode: 0o755 },
    );
    vi.stubEnv('PATH', `${folder}:${process.env.PATH}`);
    const { useBackend } = await withDriver(true);
    const device = 'NVIDIA H100 80GB HBM3 with 79.6 GiB, TensorFlow 2.13.1';
    expect(await useBackend()).toEqual({ name: 'tensorflow', device, version: '4.22.0' });
    tf.removeBackend('tensorflow');
  });

  it('is not looked at for a GPU where there is no driver', async () => {
    enterProject(fakeTensorflow({ isUsingGpuDevice: true }));
    const { useBackend } = await withDriver(false);
    expect((await useBackend()).name).not.toBe('tensorflow');
  });

  it('is found in the project, mended for new Nodes before it loads, and made current only when used', async () => {
    enterProject(fakeTensorflow({ isUsingGpuDevice: false }));
    await useBackend('wasm');
    const device = expect.stringMatching(/^CPU, TensorFlow 2\.13\.1, \d+ threads?$/);
    expect((await listBackends())[0]).toEqual({ name: 'tensorflow', usable: true, device, version: '4.22.0' });
    expect(tf.getBackend()).toBe('wasm');
    expect(twice(1)).toBe(2);
    expect((await useBackend('tensorflow', { threads: 1 })).device).toEqual(device);
    expect(tf.getBackend()).toBe('tensorflow');
  });
});

describe('the webgpu backend in Node', () => {
  // Chromium brings a Vulkan loader and a driver that computes on the CPU.
  const chromium = '/usr/lib/chromium';
  const driver = join(chromium, 'vk_swiftshader_icd.json');

  it.skipIf(!existsSync(driver))('computes, is not chosen on a software driver, and lets Node exit', () => {
    const source = `
      import { useBackend } from ${JSON.stringify(fileURLToPath(new URL('./backend.ts', import.meta.url)))};
      import { matMul, ones } from '@tensorflow/tfjs-core';
      const automatic = await useBackend();
      const { name, device } = await useBackend('webgpu');
      const [value] = await matMul(ones([8, 8]), ones([8, 8])).data();
      console.log(JSON.stringify({ automatic: automatic.name, name, device, value }));`;
    const args = ['--conditions=@imgcls/source', '--import', 'tsx', '--input-type=module', '--eval', source];
    const cwd = fileURLToPath(new URL('..', import.meta.url));
    const env = { ...process.env, LD_LIBRARY_PATH: chromium, VK_ICD_FILENAMES: driver };
    const output = execFileSync(process.execPath, args, { cwd, env, encoding: 'utf8', timeout: 30_000 });
    const { automatic, ...found } = JSON.parse(output);
    expect(found).toEqual({ name: 'webgpu', device: expect.stringContaining('SwiftShader'), value: 8 });
    expect(automatic).not.toBe('webgpu');
  });
});

describe('checkCore()', () => {
  it('is content with any number of copies of the supported version', () => {
    expect(() => checkCore(new Map(Object.entries({ a: '4.22.0', b: '4.22.0' })))).not.toThrow();
  });

  it('names two versions in one process, and where each is', async () => {
    const file = '@tensorflow/tfjs-core/dist/tf-core.node.js';
    const folder = enterProject({ [file]: `exports.version_core = '4.10.0';` });
    const require = createRequire(import.meta.url);
    const old = require.resolve(join(folder, 'node_modules', file));
    require(old);
    try {
      expect(checkCore).toThrow('must be 4.22.0, got 4.22.0 (imported by @imgcls/tensor) and ');
      expect(checkCore).toThrow(`4.10.0 (${old}); see "npm ls @tensorflow/tfjs-core"`);
      await expect(useBackend('cpu')).rejects.toThrow('4.10.0');
    } finally {
      delete require.cache[old];
    }
    await useBackend('cpu');
  });
});
