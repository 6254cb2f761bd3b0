import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Missing } from './bench.ts';

const folder = fileURLToPath(new URL('..', import.meta.url));
const run = promisify(execFile);

/** Builds the packages, which processes of their own import as users do. */
export async function buildPackages(): Promise<void> {
  await run(process.execPath, ['tools/setup.mjs', '--build'], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
  });
}

/** A process of its own for a program: one line of JSON is what it gives. */
export const fresh = {
  /** A module of JavaScript, on the built packages. */
  async node(code: string): Promise<number> {
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', code], { cwd: folder });
    return JSON.parse(stdout);
  },

  /** A script beside the benches, with the Python of `IMGCLS_PYTHON`, else `python3`. */
  async python(script: string, ...args: string[]): Promise<number> {
    const { stdout } = await run(process.env.IMGCLS_PYTHON ?? 'python3', [script, ...args], { cwd: folder });
    return JSON.parse(stdout);
  },

  /** Why there is no such peer, if so. */
  async missing(): Promise<Missing | undefined> {
    try {
      await run(process.env.IMGCLS_PYTHON ?? 'python3', ['-c', 'import torch']);
      return undefined;
    } catch {
      return { missing: 'there is no PyTorch; set IMGCLS_PYTHON to a Python that has it' };
    }
  },
};

/**
 * The end of a program that gives the most memory, in MB, that its process has held. `maxRSS` may be that of the process which started it: Linux
 * counts it in.
 */
export const peakMegabytes = `
const { existsSync, readFileSync } = await import('node:fs');
const status = '/proc/self/status';
const [, peak] = existsSync(status) ? /VmHWM:\\s+(\\d+)/.exec(readFileSync(status, 'utf8')) : [0, process.resourceUsage().maxRSS];
console.log(peak / 1024);
`;
