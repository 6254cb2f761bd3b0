// Sets up a fresh clone with nothing but Node and npm: `node tools/setup.mjs [--build]`. Does nothing where nothing changed.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { node, pnpm, readJson, root, turbo } from './process.mjs';

const stampPath = join(root, 'node_modules', '.imgcls-setup');

const problem = nodeIsTooOld() ?? (await install()) ?? (process.argv.includes('--build') ? await build() : undefined);
if (problem) {
  console.error(`\nsetup: ${problem}`);
  process.exitCode = 1;
} else {
  await compileKernels();
}

/** @returns {string | undefined} What is wrong, and the next step. */
function nodeIsTooOld() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return undefined;
  return `Node must be ${readJson('package.json').engines.node}, got ${process.versions.node}; get a current one from https://nodejs.org`;
}

async function install() {
  if (existsSync(stampPath) && readFileSync(stampPath, 'utf8') === stamp()) return undefined;
  console.log(`Installing what the project is made of with ${readJson('package.json').packageManager} …`);
  const { code } = await pnpm(['install', '--frozen-lockfile']);
  if (code !== 0)
    return 'the installation failed, see above; it needs the npm registry (`npm ping` tells whether it is reached; behind a proxy: `npm config set proxy URL`)';
  writeFileSync(stampPath, stamp());
  return undefined;
}

/** What an installation depends on: other contents, another Node or another platform need another one. */
function stamp() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch} ${process.versions.modules}`);
  for (const file of ['package.json', 'pnpm-workspace.yaml', 'pnpm-lock.yaml'])
    hash.update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

/** Compiles the kernels for this machine. Where that can't be, WebAssembly computes. */
async function compileKernels() {
  console.log('Compiling the kernels …');
  const { code, output } = await node(['packages/kernels/native/build.mjs'], { quiet: true });
  if (code !== 0) console.log(`${output.trim()}; until then WebAssembly computes, at about a third of the speed`);
}

async function build() {
  console.log('Building the packages …');
  const { code } = await turbo(['build']);
  return code === 0 ? undefined : 'the build failed, see above';
}
