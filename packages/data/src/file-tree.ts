import type { Split } from './dataset.ts';
import type { Image } from './image.ts';
import type { Recipe } from './recipe.ts';

/** A file somewhere in a tree of folders, one folder per class. */
export interface ImageFile {
  /** Where it is in the tree, `/` between names: `cats/tabby.jpg`. */
  readonly path: string;
  readonly file: FileSource;
}

/** Where a file's bytes are: a path (in Node), a part of a file there, a browser's `File` or any `Blob`, or the bytes. */
export type FileSource = Exclude<Recipe['file'], Image>;

/** As a folder lists it: a file, or something else, and why it is none. */
export type ListedFile = ImageFile | { readonly path: string; readonly reason: string };

/** A folder without any file. */
export const EMPTY_FOLDER = 'empty folder';

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

/** The part of a data set that a folder, a column or an archive of such a name holds. */
export const splitNamed = (name: string): Split | undefined => SPLITS[name.toLowerCase()];

const SPLITS: Readonly<Record<string, Split>> = {
  train: 'train',
  training: 'train',
  val: 'validation',
  valid: 'validation',
  validation: 'validation',
  test: 'test',
  testing: 'test',
};

/** The part that a word of a file's name stands for: `imagenet-train-000017.tar`. */
export function splitOfName(name: string): Split | undefined {
  const file = name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1);
  return file
    .split(/[^A-Za-z]+/)
    .map(splitNamed)
    .find(Boolean);
}

/**
 * How to read a path: `class/…/file`, or `split/class/…/file` where all top folders name a split and one is for training.
 *
 * @returns A function that gives nothing for a path that is not below the folder of a class.
 */
export function placeIn(paths: readonly string[]): (path: string) => Place | undefined {
  const tops = new Set(paths.filter((path) => path.includes('/')).map((path) => path.slice(0, path.indexOf('/'))));
  const splits = Array.from(tops, splitNamed);
  const bySplit = splits.every((split) => split !== undefined) && splits.includes('train');
  return (path) => {
    const folders = path.split('/').slice(0, -1);
    const split = bySplit ? splitNamed(folders.shift() ?? '') : undefined;
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
    if (entry.kind === 'file') found.push(await fileOf(entry as FileSystemFileHandle, path));
    else found.push(...(await listHandle(entry as FileSystemDirectoryHandle, `${path}/`)));
  }
  return found.length === 0 && prefix !== '' ? [{ path: prefix.slice(0, -1), reason: EMPTY_FOLDER }] : found;
}

const fileOf = (handle: FileSystemFileHandle, path: string): Promise<ListedFile> =>
  handle.getFile().then(
    (file) => ({ path, file }),
    (error: Error) => ({ path, reason: `it can't be read: ${error.message}` }), // it has gone since
  );
