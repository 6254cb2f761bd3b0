import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isHidden, type ListedFile } from './file-tree.ts';

/**
 * All files under a folder, with paths relative to it, `/` between names; an empty folder is listed itself, without a file.
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
  const entries = (await readdir(join(root, folder), { withFileTypes: true })).filter(({ name }) => !isHidden(name));
  if (entries.length === 0 && folder !== '') return [{ path: folder }];
  const found: ListedFile[] = [];
  for (const entry of entries) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    const full = join(root, path);
    const isFolder = entry.isSymbolicLink()
      ? await stat(full).then(
          (info) => info.isDirectory(),
          () => false,
        ) // a link that dangles: reading it will tell
      : entry.isDirectory();
    if (!isFolder) {
      found.push({ path, file: full });
      continue;
    }
    const real = await realpath(full);
    if (!parents.includes(real)) for (const one of await list(root, path, [...parents, real])) found.push(one);
  }
  return found;
}
