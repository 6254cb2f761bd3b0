import { createRequire } from 'node:module';
import { join } from 'node:path';
import util from 'node:util';
import { engine, findBackend, type KernelBackend, setBackend } from '@tensorflow/tfjs-core';
import { supportedCore } from './backend-core.ts';
import { BackendError, type Engine, messageOf } from './backend-engine.ts';

/** What tfjs-node's backend tells of itself. */
interface NodeBackend extends KernelBackend {
  isUsingGpuDevice: boolean;
  binding: { TF_Version: string };
}

/** TensorFlow's C library under `@tensorflow/tfjs-node-gpu`, else `@tensorflow/tfjs-node`. */
export const tensorflow: Engine = {
  name: 'tensorflow',
  async open() {
    const failures: string[] = [];
    for (const name of ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node']) {
      const failure = load(name);
      if (failure === undefined) return describe(findBackend('tensorflow') as NodeBackend);
      failures.push(failure);
    }
    const nextStep = `see "npm install @tensorflow/tfjs-node@${supportedCore}", or use 'wasm'`;
    throw new BackendError('tensorflow', failures.join('; '), nextStep);
  },
};

function describe(backend: NodeBackend) {
  const gpu = backend.isUsingGpuDevice;
  const device = `${gpu ? 'NVIDIA GPU' : 'CPU'}, TensorFlow ${backend.binding.TF_Version}`;
  return { backend, hardware: gpu ? ('gpu' as const) : ('cpu' as const), device, version: supportedCore };
}

/** Loads tfjs-node; says why where that fails. */
function load(name: string): string | undefined {
  const require = requireOf(`${name}/package.json`);
  if (!require) return `${name} is not installed`;
  const { version } = require(`${name}/package.json`);
  if (version !== supportedCore) return `${name} must be ${supportedCore}, got ${version}`;
  mend();
  const restore = keepCurrentBackend();
  try {
    require(name);
  } catch (error) {
    return `${name} does not load: ${messageOf(error)}`;
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
 * warn about (`isArray`), and TensorFlow tells its life on stderr unless asked not to.
 */
function mend(): void {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
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
