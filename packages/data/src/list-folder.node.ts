import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EMPTY_FOLDER, isHidden, type ListedFile } from './file-tree.ts';

/**
 * All files under a folder, with paths relative to it, `/` between names; what is no file, as an empty folder, with the reason.
 *
 * Links are followed, but not into a folder that holds them.
 */
export async function listFolder(folder: string): Promise<ListedFile[]> {
  const wrong = await stat(folder).then(
    (info) => (info.isDirectory() ? undefined : 'it is a file'),
    (error) => (error.code === 'ENOENT' ? 'there is no such folder' : error.message),
  );
  if (wrong) throw new Error(`imageFolder: needs a folder of images, got ${folder}: ${wrong}`);
  return list(folder, '', [await realpath(folder)]);
}

async function list(root: string, folder: string, parents: readonly string[]): Promise<ListedFile[]> {
  const entries = await readdir(join(root, folder), { withFileTypes: true }).catch((error: Error) => error);
  if (entries instanceof Error) return [{ path: folder, reason: `it can't be read: ${entries.message}` }];
  const visible = entries.filter(({ name }) => !isHidden(name));
  if (visible.length === 0 && folder !== '') return [{ path: folder, reason: EMPTY_FOLDER }];
  const found: ListedFile[] = [];
  for (const entry of visible) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    const full = join(root, path);
    if (entry.name.includes('\ufffd') && !(await exists(full))) {
      found.push({ path, reason: 'its name is not UTF-8: rename it' });
      continue;
    }
    const target = entry.isSymbolicLink() ? await stat(full).catch(() => undefined) : entry;
    if (!target || target.isFile())
      found.push({ path, file: full }); // of a link that dangles, reading will tell
    else if (!target.isDirectory()) found.push({ path, reason: 'no file, but a pipe, a socket or a device' });
    else {
      const real = await realpath(full);
      if (!parents.includes(real)) for (const one of await list(root, path, [...parents, real])) found.push(one);
    }
  }
  return found;
}

const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );
