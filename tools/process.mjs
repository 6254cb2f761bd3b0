import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the repository. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/** @param {string} path A JSON file, relative to the root. */
export const readJson = (path) => JSON.parse(readFileSync(join(root, path), 'utf8'));

/**
 * The files of the repository that match, relative to the root, with slashes: what git tracks or would, hence nothing that is made.
 * @param {RegExp} pattern
 * @returns {string[]}
 */
export const repositoryFiles = (pattern) =>
  execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
    .split('\0')
    .filter((file) => pattern.test(file) && existsSync(join(root, file)));

/**
 * The JavaScript file behind a command of a package in the root's node_modules. Started with `node`, it needs neither PATH
 * nor a shell, so it works the same on Windows.
 * @param {string} packageName
 * @param {string} [command] Where a package brings several.
 */
export function bin(packageName, command = packageName) {
  const folder = `node_modules/${packageName}`;
  const { bin } = readJson(`${folder}/package.json`);
  return join(root, folder, typeof bin === 'string' ? bin : bin[command]);
}

/**
 * Runs a program to its end. What it prints is shown, or with `quiet` only collected.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: Record<string, string | undefined>, quiet?: boolean, shell?: boolean, timeoutMs?: number }} [options]
 * @returns {Promise<{ code: number, output: string }>} The exit code, and with `quiet` standard output and error together.
 */
export function run(command, args, { cwd = root, env = {}, quiet = false, shell = false, timeoutMs } = {}) {
  return new Promise((resolve, reject) => {
    // Node deprecates arguments beside a shell: there they are part of the command.
    const [program, rest] = shell ? [[command, ...args].join(' '), []] : [command, args];
    const child = spawn(program, rest, {
      cwd,
      shell,
      ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
      env: { ...process.env, ...env },
      stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit',
    });
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk) => (output += chunk));
    child.stderr?.setEncoding('utf8').on('data', (chunk) => (output += chunk));
    child.on('error', reject);
    child.on('close', (code, signal) =>
      resolve(signal ? { code: 1, output: `${output}ended by ${signal}` } : { code: code ?? 1, output }),
    );
  });
}

/**
 * Runs a JavaScript file with this Node.
 * @param {readonly string[]} args The file and its arguments.
 * @param {Parameters<typeof run>[2]} [options]
 */
export const node = (args, options) => run(process.execPath, args, options);

/** What `node` needs to run TypeScript of this repository on its source, without a build. */
export const onSource = ['--conditions=@imgcls/source', '--import', 'tsx'];

/**
 * Runs pnpm in the version that package.json pins; npm, which comes with Node, fetches it.
 * @param {readonly string[]} args
 * @param {Parameters<typeof run>[2]} [options]
 */
export const pnpm = (args, options) => withPnpm(['pnpm', ...args], options);

/**
 * Runs a task of turbo.json in every package that has it; what has not changed comes from turbo's cache.
 * @param {readonly string[]} args
 * @param {Parameters<typeof run>[2]} [options]
 */
export const turbo = (args, options) =>
  withPnpm(['node', bin('turbo'), 'run', ...args, '--output-logs=errors-only', '--no-update-notifier'], {
    ...options,
    env: { TURBO_TELEMETRY_DISABLED: '1', ...options?.env },
  });

/**
 * Runs a command with pnpm on its PATH, where turbo looks for it.
 * @param {readonly string[]} command
 * @param {Parameters<typeof run>[2]} [options]
 */
function withPnpm(command, options) {
  const shell = process.platform === 'win32'; // npx is a .cmd file there
  const words = shell ? command.map((word) => `"${word}"`) : command;
  return run('npx', ['--yes', '--package', readJson('package.json').packageManager, '--', ...words], {
    ...options,
    shell,
  });
}
