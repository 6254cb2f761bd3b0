import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type FileLike, isHidden, type ListedFile } from './file-tree.ts';

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
  const names = (await readdir(join(root, folder))).filter((name) => !isHidden(name));
  if (names.length === 0 && folder !== '') return [{ path: folder }];
  const found: ListedFile[] = [];
  for (const name of names) {
    const path = folder === '' ? name : `${folder}/${name}`;
    const full = join(root, path);
    const info = await stat(full).catch(() => undefined); // a dangling link: reading it will tell
    if (!info?.isDirectory()) {
      found.push({ path, file: fileAt(full, info?.size ?? 0) });
      continue;
    }
    const real = await realpath(full);
    if (!parents.includes(real)) found.push(...(await list(root, path, [...parents, real])));
  }
  return found;
}

const fileAt = (path: string, size: number): FileLike => ({
  size,
  arrayBuffer: async () => {
    const { buffer, byteOffset, byteLength } = await readFile(path);
    return buffer.slice(byteOffset, byteOffset + byteLength);
  },
});
