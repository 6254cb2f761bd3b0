import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { transformSync } from 'esbuild';
import { packages } from '../packages.ts';
import { bin, node, root, run } from '../process.mjs';

const names = (): string[] => packages().map(({ manifest }) => manifest.name);

/** A new project that has our packages from their tarballs, what they need as npm finds it, and our Vite to build pages with. */
export async function install(project: string, tarballs: ReadonlyMap<string, string>): Promise<string> {
  const dependencies = Object.fromEntries([...tarballs].map(([name, path]) => [name, `file:${path}`]));
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies }));
  await succeed(npm({ cwd: project }, 'install', '--no-audit', '--no-fund', '--prefer-offline'));
  symlinkSync(realpathSync(join(root, 'node_modules/vite')), join(project, 'node_modules/vite'), 'junction');
  return `${tarballs.size} packages`;
}

/** Loads the kernels with this machine's platform package, where that could be made, and without it. */
export async function carriers(project: string): Promise<string> {
  const load = () =>
    succeed(
      evaluate(
        project,
        "import('@imgcls/kernels').then(async (m) => console.log((await m.loadKernels()).carrier.name))",
      ),
    );
  const scope = join(project, 'node_modules/@imgcls');
  const platforms = () => readdirSync(scope).filter((name) => name.startsWith('kernels-'));
  const [platform] = platforms();
  if (platform && (await load()) !== 'native\n')
    throw new Error(`${platform} is installed and not used: ${await load()}`);
  for (const name of platforms()) renameSync(join(scope, name), join(scope, `.${name}`));
  const output = await load();
  for (const name of readdirSync(scope))
    if (name.startsWith('.')) renameSync(join(scope, name), join(scope, name.slice(1)));
  if (!fallback.test(output)) throw new Error(`without a platform package one line must say so, got ${output}`);
  return platform ? `native, without ${platform} wasm` : 'wasm';
}

/**
 * A project that asks for @imgcls/train and nothing else, on a system without compilers, trains on native code, on each of some Nodes; and on
 * WebAssembly, with one line, where there is no platform package.
 *
 * @param folder Is made. No folder around it may hold packages: they would be found too.
 */
export async function trainAlone(
  folder: string,
  tarballs: ReadonlyMap<string, string>,
  nodes: readonly string[],
): Promise<string> {
  mkdirSync(folder);
  const files = Object.fromEntries([...tarballs].map(([name, path]) => [name, `file:${path}`])); // in place of the registry's
  const { '@imgcls/train': train, ...overrides } = files;
  const manifest = { private: true, type: 'module', dependencies: { '@imgcls/train': train }, overrides };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  const path = bareTools(join(folder, 'bin'));
  await succeed(npm({ cwd: folder, env: { PATH: path } }, 'install', '--no-audit', '--no-fund', '--prefer-offline'));
  copyFileSync(join(import.meta.dirname, 'alone.mjs'), join(folder, 'alone.mjs'));
  const scope = join(folder, 'node_modules/@imgcls');
  const platforms = readdirSync(scope).filter((name) => name.startsWith('kernels-'));
  const cache = { XDG_CACHE_HOME: join(folder, 'cache') }; // no engine that was set up before
  const runOn = (version: string) =>
    version === 'this node'
      ? succeed(node(['alone.mjs'], { cwd: folder, quiet: true, env: { ...cache, PATH: path } }))
      : succeed(npm({ cwd: folder, env: cache }, 'exec', '--yes', `--package=${version}`, '--', 'node', 'alone.mjs'));
  const expected = platforms.length > 0 ? /^native\n$/ : fallback;
  for (const version of nodes) {
    const output = await runOn(version);
    if (!expected.test(output)) throw new Error(`on ${version} it must train as ${expected}, got ${output}`);
  }
  for (const name of platforms) rmSync(join(scope, name), { recursive: true });
  const output = await runOn('this node');
  if (!fallback.test(output)) throw new Error(`without a platform package one line must say so, got ${output}`);
  return platforms.length > 0 ? `native on ${nodes.join(', ')}; without ${platforms} wasm` : 'wasm';
}

/** A folder for PATH that has what npm needs, and no compiler. */
function bareTools(folder: string): string {
  mkdirSync(folder);
  const onPath = (process.env.PATH ?? '').split(delimiter);
  for (const tool of ['node', 'npm', 'sh']) {
    const found = onPath.map((each) => join(each, tool)).find((file) => existsSync(file));
    if (found) symlinkSync(realpathSync(found), join(folder, tool));
  }
  return process.platform === 'win32' ? process.env.PATH! : folder; // links to commands need rights there
}

/** One line that says why, and what computes. */
const fallback =
  /^(kernels: WebAssembly computes instead of native code|imgcls: wasm takes over from native): .*\nwasm\n$/;

/** Imports and requires every package in processes of their own. */
export async function exportsProblem(project: string): Promise<string> {
  const sorted =
    '(m) => console.log(JSON.stringify(Object.keys(m).filter((key) => !/^(default|module.exports|__esModule)$/.test(key)).sort()))';
  for (const name of names()) {
    const esm = await succeed(evaluate(project, `import('${name}').then(${sorted})`));
    const cjs = await succeed(evaluate(project, `(${sorted})(require('${name}'))`));
    if (esm !== cjs || esm.trim() === '[]') throw new Error(`${name}: import gives ${esm}require gives ${cjs}`);
  }
  return `${names().length} packages`;
}

/** Compiles an import of every package as Node's ESM, as CommonJS and for a bundler. Types that don't resolve would be `any`. */
export async function typesProblem(project: string): Promise<string> {
  const source = names()
    .map(
      (name, i) => `import * as m${i} from '${name}';\n// @ts-expect-error: no such export\nm${i}.thisDoesNotExist;\n`,
    )
    .join('');
  const settings = { mts: ['node16', 'node16'], cts: ['node16', 'node16'], ts: ['esnext', 'bundler'] } as const;
  for (const [extension, [module, moduleResolution]] of Object.entries(settings)) {
    const file = join(project, `types.${extension}`);
    writeFileSync(file, source);
    const flags = '--noEmit --strict --skipLibCheck --target es2022 --lib es2023,dom'.split(' ');
    await succeed(tsc(project, [...flags, '--module', module, '--moduleResolution', moduleResolution, file]));
  }
  return 'Node ESM, Node CommonJS, bundler';
}

/** Runs the first tutorial, whose types are taken off as any bundler does. */
export async function firstClassifier(project: string): Promise<string> {
  const source = readFileSync(join(root, 'examples/01-first-classifier.ts'), 'utf8');
  writeFileSync(join(project, 'first.js'), transformSync(source, { loader: 'ts', format: 'esm' }).code);
  return lastLine(await succeed(node(['first.js', '--quick'], { cwd: project, quiet: true })));
}

/** Runs smoke.mjs under a JavaScript that npm brings. */
export const smoke =
  (command: readonly string[]) =>
  async (project: string): Promise<string> => {
    copyFileSync(join(import.meta.dirname, 'smoke.mjs'), join(project, 'smoke.mjs'));
    return lastLine(await succeed(npm({ cwd: project }, 'exec', '--yes', ...withSeparator(command), 'smoke.mjs')));
  };

/**
 * Sets up TensorFlow under a Node, in a cache that is empty at first, and trains on it and on WebAssembly: both must learn the same.
 * Skipped where Python is missing.
 */
export const tensorflow =
  (command: readonly string[]) =>
  async (project: string): Promise<string> => {
    if (!(await hasPython())) return 'skipped: python3 with pip is needed';
    const imgcls = async (...args: string[]) => {
      const line = [...withSeparator(command), 'node_modules/imgcls/dist/cli.js', ...args];
      return succeed(npm({ cwd: project, env: { XDG_CACHE_HOME: join(project, 'cache') } }, 'exec', '--yes', ...line));
    };
    const start = performance.now();
    await imgcls('engines', 'add', 'tensorflow');
    const seconds = ((performance.now() - start) / 1000).toFixed(0);
    const train = ['train', 'digits', '--epochs', '4', '--json', '--output'];
    const accuracies = [];
    for (const backend of ['tensorflow', 'wasm']) {
      const output = await imgcls(...train, join('runs', backend), '--backend', backend);
      accuracies.push(JSON.parse(lastLine(output)).test.accuracy as number);
    }
    const [ours, reference] = accuracies as [number, number];
    if (!(ours > reference - 0.02)) throw new Error(`tensorflow must learn as wasm does, ${reference}, got ${ours}`);
    for (const made of ['cache', 'runs/tensorflow', 'runs/wasm']) rmSync(join(project, made), { recursive: true });
    return `set up in ${seconds} s; accuracy ${ours.toFixed(3)}, on wasm ${reference.toFixed(3)}`;
  };

const hasPython = () =>
  run('python3', ['-m', 'pip', '--version'], { quiet: true }).then(
    ({ code }) => code === 0,
    () => false,
  );

/** `npm exec` takes options for itself up to `--`; a package is either its option or the command. */
const withSeparator = ([first, ...rest]: readonly string[]): string[] =>
  first!.startsWith('--') ? [first!, '--', ...rest] : ['--', first!, ...rest];

const npm = ({ cwd, env }: { cwd: string; env?: Record<string, string> }, ...args: string[]) =>
  run('npm', args, { cwd, quiet: true, shell: process.platform === 'win32', env: { ...cleanEnvironment(), ...env } });

/** Without what npm and pnpm tell the scripts that they start, which would steer an npm inside of them. */
const cleanEnvironment = () =>
  Object.fromEntries(
    Object.keys(process.env)
      .filter((key) => /^p?npm_/i.test(key))
      .map((key) => [key, undefined]),
  );

const tsc = (cwd: string, args: string[]) => node([bin('typescript', 'tsc'), ...args], { cwd, quiet: true });

const evaluate = (cwd: string, code: string) => node(['--input-type=commonjs', '--eval', code], { cwd, quiet: true });

/** What a program printed. Throws it if the program failed. */
export async function succeed(running: Promise<{ code: number; output: string }>): Promise<string> {
  const { code, output } = await running;
  if (code !== 0) throw new Error(output.trim());
  return output;
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';
