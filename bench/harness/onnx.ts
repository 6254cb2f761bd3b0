import { execFile } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Missing } from './bench.ts';

/** What the benches use of `onnxruntime-node`, which is no dependency: it weighs 288 MB. */
export interface OnnxRuntime {
  version: string;
  InferenceSession: { create(file: string): Promise<{ run(feeds: Record<string, unknown>): Promise<unknown> }> };
  Tensor: new (type: 'float32', data: Float32Array, dims: number[]) => unknown;
}

const version = '1.30.0';
const folder = fileURLToPath(new URL('../../.cache/bench', import.meta.url));

/** Loads it from the cache folder of the repository, where the first call puts it. */
export async function onnxRuntime(): Promise<OnnxRuntime | Missing> {
  try {
    if (!existsSync(join(folder, 'node_modules', 'onnxruntime-node'))) await install();
    const { InferenceSession, Tensor } = createRequire(join(folder, 'index.js'))('onnxruntime-node');
    return { version, InferenceSession, Tensor };
  } catch (error) {
    return { missing: `it could not be installed or loaded: ${(error as Error).message.split('\n', 1)[0]}` };
  }
}

async function install(): Promise<void> {
  console.error(`bench: installing onnxruntime-node ${version} (288 MB) into ${folder}, once`);
  mkdirSync(folder, { recursive: true });
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const options = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', folder];
  await promisify(execFile)(npm, ['install', ...options, `onnxruntime-node@${version}`]);
}
