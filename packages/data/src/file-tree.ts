import type { Split } from './dataset.ts';
import { checkBytes, type DecodeOptions } from './decode.ts';
import { DecodeError } from './decode-error.ts';

/** A file somewhere in a tree of folders, one folder per class. */
export interface ImageFile {
  /** Where it is in the tree, `/` between names: `cats/tabby.jpg`. */
  readonly path: string;
  /** A browser's `File`, any `Blob`, or something like it that reads itself when asked. */
  readonly file: FileLike;
}

/** The part of a `Blob` that reading it takes. */
export interface FileLike {
  readonly size: number;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** As a folder lists it: a file, or a folder without any. */
export type ListedFile = ImageFile | { readonly path: string; readonly file?: undefined };

/** What folders say of a file that lies in them. */
export interface Place {
  readonly className: string;
  readonly split: Split | undefined;
}

/** Files of the system's own, which are no one's images. */
export const isHidden = (name: string): boolean =>
  name.startsWith('.') || ['__MACOSX', 'Thumbs.db', 'desktop.ini'].includes(name);

const collator = /* @__PURE__ */ new Intl.Collator('en', { numeric: true });

/** As people sort names: `2` before `10`. */
export const byNaturalOrder = (a: string, b: string): number => collator.compare(a, b) || (a < b ? -1 : Number(a > b));

/** Files and empty folders that are not hidden, as people sort them. */
export const visibleFiles = (listed: readonly ListedFile[]): ListedFile[] =>
  listed.filter(({ path }) => !path.split('/').some(isHidden)).sort((a, b) => byNaturalOrder(a.path, b.path));

/** A file's content. @throws {DecodeError} if it is empty, too large or can't be read. */
export async function readBytes(file: FileLike, options: DecodeOptions): Promise<Uint8Array> {
  checkBytes(file.size, options);
  const bytes = await file.arrayBuffer().catch((error) => {
    throw new DecodeError('unreadable', `it can't be read: ${error.message}`, { cause: error });
  });
  return new Uint8Array(bytes);
}

const SPLIT_FOLDERS: Readonly<Record<string, Split>> = {
  train: 'train',
  training: 'train',
  val: 'validation',
  valid: 'validation',
  validation: 'validation',
  test: 'test',
  testing: 'test',
};

/**
 * How to read a path: `class/…/file`, or `split/class/…/file` where all top folders name a split and one is for training.
 *
 * @returns A function that gives nothing for a path that is not below the folder of a class.
 */
export function placeIn(paths: readonly string[]): (path: string) => Place | undefined {
  const tops = new Set(paths.filter((path) => path.includes('/')).map((path) => path.split('/')[0]!.toLowerCase()));
  const bySplit =
    [...tops].every((top) => top in SPLIT_FOLDERS) && [...tops].some((top) => SPLIT_FOLDERS[top] === 'train');
  return (path) => {
    const folders = path.split('/').slice(0, -1);
    const split = bySplit ? SPLIT_FOLDERS[folders.shift()?.toLowerCase() ?? ''] : undefined;
    const [className] = folders;
    return className === undefined ? undefined : { className, split };
  };
}

/** All files under a folder that a browser's user has picked, as `listFolder` lists them. */
export async function listHandle(folder: FileSystemDirectoryHandle, prefix = ''): Promise<ListedFile[]> {
  const found: ListedFile[] = [];
  for await (const [name, entry] of folder.entries()) {
    if (isHidden(name)) continue;
    const path = `${prefix}${name}`;
    if (entry.kind === 'file') found.push({ path, file: await (entry as FileSystemFileHandle).getFile() });
    else found.push(...(await listHandle(entry as FileSystemDirectoryHandle, `${path}/`)));
  }
  return found.length === 0 && prefix !== '' ? [{ path: prefix.slice(0, -1) }] : found;
}
