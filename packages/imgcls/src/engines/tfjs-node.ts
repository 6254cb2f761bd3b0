import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { command } from './command.ts';
import type { Programs } from './requirements.ts';
import { NoSpace, noNetwork, noSpace } from './wheels.ts';

/** The last release, and the one that everything here is tested with. */
const tfjsNode = '@tensorflow/tfjs-node@4.22.0';

/** Brings tfjs-node into `node_modules` of a folder, without running its installation, which would download an old TensorFlow. */
export async function installTfjsNode(folder: string, signal: AbortSignal | undefined): Promise<void> {
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true }));
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'];
  const quickFailure = ['--fetch-retries=1', '--fetch-retry-mintimeout=1000', '--fetch-timeout=60000'];
  const args = ['install', ...quiet, ...quickFailure, '--prefix', folder, tfjsNode, 'node-api-headers@1'];
  const { code, output } = await command('npm', args, { cwd: folder, signal });
  if (code === 0) return;
  if (noSpace.test(output)) throw new NoSpace();
  if (noNetwork.test(output))
    throw new Error(
      `npm must reach its registry to install ${tfjsNode}, got no connection; see "npm ping", behind a proxy run "npm config set proxy URL"`,
    );
  throw new Error(`npm must install ${tfjsNode}, got "${firstError(output)}"; see "npm ping" and its log`);
}

const firstError = (output: string): string =>
  output.split('\n').find((line) => /^npm (error|ERR!) (?!code)/.test(line)) ?? output.trim().split('\n')[0]!;

/**
 * Compiles tfjs-node's addon for the libraries of a folder. It is plain Node-API, so npm's headers are enough and one file serves every Node; it knows
 * TensorFlow by its C interface alone, so any compiler will do.
 */
export async function compileAddon(folder: string, { compiler }: Programs, signal: AbortSignal | undefined) {
  const tfjs = join(folder, 'node_modules', '@tensorflow', 'tfjs-node');
  await mkdir(join(tfjs, 'lib', 'napi-v8'), { recursive: true });
  const sources = (await readdir(join(tfjs, 'binding'))).filter((name) => name.endsWith('.cc'));
  const args = [
    ...['-std=c++17', '-O2', '-fPIC', '-shared', '-DNAPI_VERSION=8', '-DBUILDING_NODE_EXTENSION'],
    ...['-I', join(folder, 'node_modules', 'node-api-headers', 'include'), '-I', join(folder, 'include')],
    ...sources.map((name) => join('binding', name)),
    ...['-o', 'lib/napi-v8/tfjs_binding.node', '-L', join(folder, 'site-packages', 'tensorflow')],
    ...['-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2'],
    '-Wl,-rpath,$ORIGIN/../../../../../site-packages/tensorflow',
  ];
  const { code, output } = await command(compiler, args, { cwd: tfjs, signal, env: { TMPDIR: folder } });
  if (code === 0) return;
  if (noSpace.test(output)) throw new NoSpace();
  const error =
    output.split('\n').find((line) => /error:|cannot|undefined/i.test(line)) ?? output.trim().split('\n')[0];
  throw new Error(`${compiler} must compile the addon of tfjs-node, got "${error}"; name another compiler in CXX`);
}

/** What a TensorFlow that works says of itself. */
export interface Proof {
  readonly version: string;
  readonly gpu: boolean;
}

/**
 * Computes the gradient of a convolution, in a process of its own.
 *
 * @param from A file, whose `require` finds tfjs-node.
 * @throws {Error} if tfjs-node does not load, or computes something else.
 */
export async function selfTest(from: string, name = '@tensorflow/tfjs-node', signal?: AbortSignal): Promise<Proof> {
  const env = { TF_CPP_MIN_LOG_LEVEL: '2', NODE_OPTIONS: undefined };
  const { code, stdout, output } = await command(process.execPath, ['-e', proving, from, name], { env, signal });
  if (code === 0) return JSON.parse(stdout.trim().split('\n').at(-1)!);
  const said = output.split('\n').find((line) => /Error|error/.test(line)) ?? output.trim().split('\n')[0];
  throw new Error(`${name} must compute a gradient, got "${said}"`);
}

/** Each of 4 · 4 pixels gets as many ones as windows of 3 · 3 see it: 100 in all. */
const proving = `
const [from, name] = process.argv.slice(1);
Object.assign(require('node:util'), { isNullOrUndefined: (value) => value == null, isArray: Array.isArray });
const tf = require('node:module').createRequire(from)(name);
const [dx] = tf.grads((x, w) => tf.sum(tf.conv2d(x, w, 1, 'same')))([tf.ones([1, 4, 4, 1]), tf.ones([3, 3, 1, 1])]);
const sum = tf.sum(dx).dataSync()[0];
if (sum !== 100) throw new Error('the gradient must sum up to 100, got ' + sum);
const { binding, isUsingGpuDevice } = tf.backend();
console.log(JSON.stringify({ version: binding.TF_Version, gpu: isUsingGpuDevice }));
`;

/** The tfjs-node that a project has itself, if it works: its installation may have found its binary. */
export async function ownTfjsNode(project: string): Promise<(Proof & { name: string }) | undefined> {
  const from = join(project, 'package.json');
  for (const name of ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node']) {
    try {
      createRequire(from).resolve(name);
      return { name, ...(await selfTest(from, name)) };
    } catch {
      // absent, or without a binary that loads
    }
  }
  return undefined;
}
