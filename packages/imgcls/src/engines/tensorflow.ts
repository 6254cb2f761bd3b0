import { readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  installationFile,
  installationsFolder,
  type TensorflowInstallation,
  tensorflowInstallations,
} from '@imgcls/tensor/tensorflow';
import { type Release, releaseOf } from './releases.ts';
import { checkRoom, findPrograms, freeBytes, fullDisk, gigabytes, type Programs } from './requirements.ts';
import { compileAddon, installTfjsNode, ownTfjsNode, selfTest } from './tfjs-node.ts';
import { inTurn, removeWhole } from './turn.ts';
import { NoSpace, openWheels } from './wheels.ts';

/** Which TensorFlow to set up, and who is told about it. */
export interface AddTensorflowOptions {
  /** One with CUDA and cuDNN, for NVIDIA's cards. Default: for CPUs. */
  gpu?: boolean;
  /** Of TensorFlow, 2.12.0 to 2.21.x. Default: the one that is tested best. */
  version?: string | undefined;
  /** Told each step, in a sentence. */
  onStep?: (step: string) => void;
  /** Told, several times a second, how many bytes have been downloaded and unpacked. */
  onProgress?: (progress: { step: string; bytes: number; totalBytes: number }) => void;
  /** Stops the set-up, and clears away what there is of it. */
  signal?: AbortSignal;
}

/** What `addTensorflow` has left. */
export interface AddedTensorflow {
  /** Version of TensorFlow. */
  readonly version: string;
  /** Whether it found a GPU to compute on. */
  readonly gpu: boolean;
  /** Where it is; undefined where the project's own tfjs-node works. */
  readonly folder?: string;
  /** Whether it was there before. */
  readonly existed: boolean;
}

/**
 * Sets up TensorFlow for all projects of this user: `useBackend('tensorflow')` finds it. Its library comes out of a wheel that pip downloads, tfjs-node
 * from npm, and the addon between them is compiled. Nothing is changed where that is done already, and nothing is left of a set-up that fails or
 * is stopped; two at once take turns.
 *
 * @throws {Error} if something is missing (a program, room on the disk, the network), with the next step.
 * @throws {RangeError} if there is no such version.
 */
export async function addTensorflow(options: AddTensorflowOptions = {}): Promise<AddedTensorflow> {
  const { gpu = false, onStep = () => undefined, signal } = options;
  const release = releaseOf(options);
  const own = options.version === undefined ? await ownTfjsNode(process.cwd()) : undefined;
  if (own && own.gpu >= gpu) return { version: own.version, gpu: own.gpu, existed: true };
  const existing = await workingInstallation(release, gpu);
  if (existing) return existing;
  const programs = await findPrograms();
  const within = installationsFolder();
  onStep(
    `TensorFlow ${release.version}${gpu ? ' with CUDA and cuDNN' : ''}: about ${gigabytes(release.downloadBytes)} to download, ${gigabytes(release.diskBytes)} on the disk, in ${within}`,
  );
  await checkRoom(within, release.diskBytes);
  const waiting = () => onStep('another imgcls is setting up an engine: waiting for it …');
  return inTurn(
    within,
    async (folder) => {
      const other = await workingInstallation(release, gpu);
      if (other) return other;
      try {
        const found = await build(folder, release, programs, options);
        return { ...found, ...(await publish(folder, release, gpu)), existed: false };
      } catch (error) {
        if (error instanceof NoSpace || (error as NodeJS.ErrnoException).code === 'ENOSPC')
          throw fullDisk(within, release.diskBytes, await freeBytes(within));
        throw error;
      }
    },
    { waiting, signal },
  );
}

/**
 * Sets up the version that is tested best in place of an older one, for GPUs if that was.
 *
 * @throws {Error} if nothing is set up, or as `addTensorflow` does.
 */
export function updateTensorflow(options: Omit<AddTensorflowOptions, 'gpu' | 'version'> = {}) {
  const [installed] = tensorflowInstallations();
  if (!installed) throw new Error('TensorFlow must have been set up, got none; run "imgcls engines add tensorflow"');
  const { gpu } = installed;
  return addTensorflow({ ...options, gpu, version: releaseOf({ gpu }).version });
}

/**
 * Deletes what `addTensorflow` has set up.
 *
 * @returns The bytes that are free now.
 */
export async function removeTensorflow(): Promise<number> {
  let bytes = 0;
  for (const { folder } of tensorflowInstallations()) {
    bytes += await sizeOf(folder);
    await removeWhole(folder);
  }
  return bytes;
}

/** The installation of this release, if it still works. */
async function workingInstallation({ version }: Release, gpu: boolean): Promise<AddedTensorflow | undefined> {
  const [installed] = tensorflowInstallations();
  if (installed?.version !== version || installed.gpu !== gpu) return undefined;
  const { folder } = installed;
  const proof = await selfTest(join(folder, 'package.json')).catch(() => undefined);
  return proof && { version, gpu: proof.gpu, folder, existed: true };
}

/** Makes an installation in a folder, down to a gradient that it computes. */
async function build(
  folder: string,
  release: Release,
  programs: Programs,
  { gpu = false, onStep = () => undefined, onProgress, signal: outer }: AddTensorflowOptions,
): Promise<{ version: string; gpu: boolean }> {
  const failed = new AbortController(); // what fails ends the others
  const signal = AbortSignal.any([failed.signal, ...(outer ? [outer] : [])]);
  let step = 'starting';
  const next = (words: string): void => {
    step = words;
    onStep(words);
  };
  const { diskBytes: totalBytes } = release;
  const watch = setInterval(async () => onProgress?.({ step, bytes: await sizeOf(folder), totalBytes }), 500);
  try {
    next(`downloading ${release.wheel} ${release.version} with pip, tfjs-node with npm …`);
    const libraries = (async () => {
      const wheels = await openWheels(folder, programs, signal);
      const nvidia = await wheels.unpack(`${release.wheel}==${release.version}`);
      for (const wheel of gpu ? nvidia : []) {
        next(`downloading ${wheel.replace('==', ' ')} …`);
        await wheels.unpack(wheel);
      }
    })();
    await together([libraries, installTfjsNode(folder, signal)], failed);
    next('compiling the addon between them …');
    await compileAddon(folder, programs, signal);
    for (const used of ['include', 'wheels', 'venv', 'node_modules/node-api-headers'])
      await rm(join(folder, used), { recursive: true, force: true });
    next('computing a gradient with it …');
    const proof = await selfTest(join(folder, 'package.json'), undefined, signal);
    if (proof.version !== release.version)
      throw new Error(`TensorFlow must be ${release.version}, got ${proof.version}`);
    return proof;
  } finally {
    clearInterval(watch);
  }
}

/** Waits for all to end, whatever becomes of them, so that nothing writes any more; then throws the first failure. */
async function together(tasks: readonly Promise<unknown>[], failed: AbortController): Promise<void> {
  let first: unknown;
  await Promise.all(
    tasks.map((task) =>
      task.catch((error) => {
        first ??= error;
        failed.abort();
      }),
    ),
  );
  if (first) throw first;
}

/** Gives an installation its name, which makes it one; those before it are deleted. */
async function publish(folder: string, { version }: Release, gpu: boolean): Promise<{ folder: string }> {
  const made = new Date().toISOString();
  const description: Omit<TensorflowInstallation, 'folder'> = { version, gpu, made };
  await writeFile(join(folder, installationFile), JSON.stringify(description));
  const target = join(folder, '..', `${version}-${gpu ? 'gpu' : 'cpu'}-${basename(folder).split('-')[1]}`);
  await rename(folder, target);
  for (const before of tensorflowInstallations()) if (before.made < made) await removeWhole(before.folder);
  return { folder: target };
}

/** The bytes of all files under a folder, as far as they can be told while others write there. */
async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      stat(join(entry.parentPath, entry.name)).then(
        ({ size }) => size,
        () => 0,
      ),
    );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
