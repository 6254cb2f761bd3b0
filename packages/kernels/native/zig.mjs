// Finds Zig, whose C++ compiler makes code for every platform, or fetches it.
import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Another version may compile the same source to other bytes. */
export const zigVersion = '0.15.2';

const environment = fileURLToPath(new URL('../../../.cache/zig', import.meta.url)); // a Python environment that git ignores
const python = join(environment, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');

/**
 * The command that starts Zig, as words: what IMGCLS_ZIG in the environment says, `zig` on PATH, or PyPI's ziglang in the system's
 * Python or in `.cache`.
 * @returns {Promise<string[] | undefined>} Nothing where there is none of this version.
 */
export async function findZig() {
  const said = process.env.IMGCLS_ZIG;
  const candidates = said
    ? [said.split(' ')]
    : [['zig'], ...[python, 'python3', 'python'].map((command) => [command, '-m', 'ziglang'])];
  for (const candidate of candidates) if ((await versionOf(candidate)) === zigVersion) return candidate;
  return undefined;
}

/** @param {string[]} words */
async function versionOf([command = '', ...args]) {
  try {
    return (await run(command, [...args, 'version'])).stdout.trim();
  } catch {
    return undefined;
  }
}

/** Fetches Zig from PyPI, some 90 MB, into `.cache` of the checkout. @throws {Error} if there is no Python, or no way to PyPI. */
export async function installZig() {
  console.log(`kernels: fetching Zig ${zigVersion} from PyPI …`);
  mkdirSync(environment, { recursive: true });
  await run(process.platform === 'win32' ? 'python' : 'python3', ['-m', 'venv', environment]);
  await run(python, ['-m', 'pip', 'install', '--quiet', `ziglang==${zigVersion}`]);
  return [python, '-m', 'ziglang'];
}
