import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { remote } from './read-only.ts';
import { checkName, isName, type ReadableStore, type Store } from './store.ts';

/**
 * A folder of the file system (Node, Deno, Bun). It is made when something is written first.
 *
 * A file is written beside the old one, forced to disk, then put in its place: neither a kill nor a power cut leaves half a file. What a
 * killed process left behind is removed by the next write.
 *
 * @example
 * ```ts
 * import { mkdtempSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { folder } from '@imgcls/io';
 *
 * const store = folder(join(mkdtempSync(join(tmpdir(), 'run-')), 'best'));
 * await store.write('notes.txt', new TextEncoder().encode('hello'));
 * console.log(await store.list()); // => [ 'notes.txt' ]
 * ```
 */
export function folder(path: string): Store {
  const root = resolve(path);
  return {
    read: (name) => readIfThere(join(root, checkName(name))),
    write: async (name, bytes) => {
      checkName(name);
      await makeFolder(root);
      await removeStale(root);
      await replace(root, name, bytes);
    },
    list: async () => {
      const entries = await entriesOf(root);
      return entries
        .filter((entry) => entry.isFile() && isName(entry.name))
        .map(({ name }) => name)
        .sort();
    },
    delete: async (name) => {
      await rm(join(root, checkName(name)), { force: true });
    },
  };
}

/** What a string means where something is loaded from: a URL or a folder. */
export function source(where: string): ReadableStore {
  return /^https?:\/\//.test(where) ? remote(where) : folder(where);
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  const bytes = await ifThere(readFile(path));
  return bytes && new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

async function replace(root: string, name: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(root, `.${name}.${process.pid}.${randomUUID()}.tmp`);
  try {
    await writeSynced(temporary, bytes);
    await rename(temporary, join(root, name));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(root);
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a folder and the ones above it, and forces the entry of each new one to disk. */
async function makeFolder(root: string): Promise<void> {
  const first = await mkdir(root, { recursive: true });
  if (first === undefined) return;
  for (let made = root; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

/** Forces the entries of a folder to disk. Windows has no such call: there it does nothing. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes the temporary files of processes that are no more. */
async function removeStale(root: string): Promise<void> {
  for (const { name } of await entriesOf(root)) {
    const pid = /^\..+\.(\d+)\.[\da-f-]{36}\.tmp$/.exec(name)?.[1];
    if (pid !== undefined && (await isStale(join(root, name), Number(pid))))
      await rm(join(root, name), { force: true });
  }
}

async function isStale(path: string, pid: number): Promise<boolean> {
  if (pid !== process.pid) return !isRunning(pid);
  const file = await ifThere(stat(path)); // ours, or of an earlier process that had our number
  return file !== undefined && file.mtimeMs < Date.now() - 1000 * process.uptime();
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0); // signal 0 only asks
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

const entriesOf = async (root: string) => (await ifThere(readdir(root, { withFileTypes: true }))) ?? [];

async function ifThere<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
