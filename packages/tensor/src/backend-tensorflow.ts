import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import util from 'node:util';
import { engine, findBackend, setBackend } from '@tensorflow/tfjs-core';
import { supportedCore } from './backend-core.ts';
import { BackendError, type Engine, messageOf, type OpenBackend } from './backend-engine.ts';
import { provideKernels } from './kernel.ts';
import { offerBf16 } from './precision.ts';
import { computesBf16 } from './tensorflow/bf16.ts';
import { tensorflowInstallations } from './tensorflow/installation.ts';
import { tensorflowKernels } from './tensorflow/kernels.ts';
import type { TensorflowBackend } from './tensorflow/op.ts';

/**
 * TensorFlow's C library under tfjs-node: the project's own `@tensorflow/tfjs-node-gpu` or `@tensorflow/tfjs-node` where one of them loads, else
 * what `imgcls engines add tensorflow` has set up.
 */
export const tensorflow: Engine = {
  name: 'tensorflow',
  mayHave: (hardware) => hardware !== 'gpu' || hasNvidiaDriver(),
  async open({ threads }, running) {
    if (threads !== undefined && !running) process.env.TF_NUM_INTRAOP_THREADS = String(threads);
    const backend = (running ?? findTensorflow()) as TensorflowBackend;
    provideKernels('tensorflow', tensorflowKernels);
    if (computesBf16(backend)) offerBf16('tensorflow');
    return describe(backend);
  },
};

function describe(backend: TensorflowBackend): OpenBackend {
  const library = `TensorFlow ${backend.binding.TF_Version}`;
  if (backend.isUsingGpuDevice)
    return { backend, hardware: 'gpu', device: `${gpuName()}, ${library}`, version: supportedCore };
  const threads = Number(process.env.TF_NUM_INTRAOP_THREADS) || availableParallelism();
  const device = `CPU, ${library}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
  return { backend, hardware: 'cpu', device, version: supportedCore };
}

/** As in `NVIDIA H100 80GB HBM3 with 79.6 GiB`. TensorFlow computes on the last that it lists. */
function gpuName(): string {
  try {
    const query = ['--query-gpu=name,memory.total', '--format=csv,noheader,nounits'];
    const listed = execFileSync('nvidia-smi', query, { encoding: 'utf8', timeout: 10_000, stdio: 'pipe' }).trim();
    const [name, mebibytes] = listed.split('\n').at(-1)!.split(', ');
    return `${name} with ${(Number(mebibytes) / 1024).toFixed(1)} GiB`;
  } catch {
    return 'NVIDIA GPU';
  }
}

/** Whether it can be worth a second to load TensorFlow for a GPU: Linux shows the driver as a device, also under Windows. */
const hasNvidiaDriver = (): boolean =>
  process.platform !== 'linux' || existsSync('/dev/nvidiactl') || existsSync('/dev/dxg');

/** Loads the first tfjs-node that works. */
function findTensorflow(): TensorflowBackend {
  const failures: string[] = [];
  for (const { name, where, require } of candidates()) {
    const failure = require ? load(name, require) : 'is not installed';
    if (failure === undefined) return findBackend('tensorflow') as TensorflowBackend;
    failures.push(`${name}${where} ${failure}`);
  }
  const nextStep = `run "npx imgcls engines add tensorflow", or use 'native'`;
  throw new BackendError('tensorflow', failures.join('; '), nextStep);
}

interface Candidate {
  name: string;
  /** In words, behind the name. */
  where: string;
  require: NodeJS.Require | undefined;
}

function* candidates(): Generator<Candidate> {
  for (const name of ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'])
    yield { name, where: '', require: requireOf(`${name}/package.json`) };
  for (const { folder } of tensorflowInstallations())
    yield {
      name: '@tensorflow/tfjs-node',
      where: ` in ${folder}`,
      require: createRequire(join(folder, 'package.json')),
    };
}

/** Loads tfjs-node; says why where that fails. */
function load(name: string, require: NodeJS.Require): string | undefined {
  const { version } = require(`${name}/package.json`);
  if (version !== supportedCore) return `must be ${supportedCore}, got ${version}`;
  mend();
  const restore = keepCurrentBackend();
  try {
    require(name);
  } catch (error) {
    return `does not load: ${messageOf(error)}`;
  } finally {
    restore();
  }
  return undefined;
}

/** How the project that we are in sees a module, else how this package does; undefined where neither has it. */
function requireOf(module: string): NodeJS.Require | undefined {
  const candidates = [join(process.cwd(), 'package.json'), import.meta.url].map((from) => createRequire(from));
  return candidates.find((require) => {
    try {
      return require.resolve(module);
    } catch {
      return false;
    }
  });
}

/**
 * Prepares Node for tfjs-node 4.22: it calls two functions of `node:util` that newer Nodes lack (`isNullOrUndefined`, from 23 on) or
 * warn about (`isArray`), and TensorFlow tells its life on stderr unless asked not to. oneDNN, which it leaves out on CPUs without AVX512-VNNI unless
 * asked for it, is twice as fast, and more.
 */
function mend(): void {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  process.env.TF_ENABLE_ONEDNN_OPTS ??= '1';
  Object.assign(util, { isNullOrUndefined: (value: unknown) => value == null, isArray: Array.isArray });
}

/** tfjs-node makes itself current as it loads. Returns what undoes that. */
function keepCurrentBackend(): () => void {
  const { backendName } = engine();
  return () => {
    if (backendName) void setBackend(backendName);
    else Object.assign(engine(), { backendName, backendInstance: null });
  };
}
