import { listFolder } from '#list-folder';
import { checkIndex, type Dataset, type Example, type Split } from './dataset.ts';
import { type DecodeOptions, decodeImage } from './decode.ts';
import { DecodeError } from './decode-error.ts';
import {
  byNaturalOrder,
  type ImageFile,
  type ListedFile,
  listHandle,
  type Place,
  placeIn,
  readBytes,
  visibleFiles,
} from './file-tree.ts';
import type { Image } from './image.ts';
import { limiter, readAhead } from './read-ahead.ts';

/** A file that is no example, and why. */
export interface SkippedFile {
  readonly file: string;
  readonly reason: string;
}

/** How image files become a data set. */
export interface ImageFolderOptions extends DecodeOptions {
  /** The classes and their order where they are fixed: a trained classifier's. Default: the folders' names in natural order. */
  classes?: readonly string[];
  /** What a file does that is damaged or no image: it is left out and listed in `skipped`, or it is an error. Default `skip`. */
  onError?: 'skip' | 'error';
  /** Called after each file that is read for the first time. */
  onProgress?: (checked: number, total: number) => void;
}

/** A data set of image files, which are read each time they are asked for. */
export interface ImageFolder extends Dataset {
  get(index: number): Promise<Example>;
  label(index: number): number;
  source(index: number): string;
  split(index: number): Split | undefined;
  /** The files that are left out. */
  readonly skipped: readonly SkippedFile[];
}

/**
 * A folder of images with one folder per class, at any depth below it.
 *
 * Where the top folders are `train` and `val` or `test` (or `training`, `valid`, `validation`, `testing`), the classes are the
 * folders in those, and `splitDataset` keeps to them. Hidden files are passed over. Each file is decoded once to see that it can be;
 * what came of it serves the first use, for as many images as fit into 256 MiB. Later uses decode again: `cached` saves that.
 *
 * @param folder A path in Node; what `showDirectoryPicker()` gives in a browser.
 * @throws {Error} if the folder is missing, has not at least two classes, or has others than `classes` (or its folder `train`).
 * With `onError: 'error'` also for the first file that is damaged or no image, naming it; its `cause` is a `DecodeError`.
 * @example
 * It needs a folder of photos, so it is not run here.
 * ```ts no-run
 * import { imageFolder, splitDataset } from '@imgcls/data';
 *
 * const photos = await imageFolder('photos'); // photos/cats/1.jpg, photos/dogs/1.jpg, …
 * for (const { file, reason } of photos.skipped) console.warn(`left out ${file}: ${reason}`);
 * const { train, validation, test } = splitDataset(photos);
 * ```
 */
export async function imageFolder(
  folder: string | FileSystemDirectoryHandle,
  options: ImageFolderOptions = {},
): Promise<ImageFolder> {
  const [root, files] =
    typeof folder === 'string'
      ? [folder.replace(/(?<=.)[\\/]+$/, ''), await listFolder(folder)]
      : [folder.name, await listHandle(folder)];
  return fromFiles(files, { where: `imageFolder: ${root}`, prefix: `${root}/` }, options);
}

/**
 * A list of image files as `imageFolder` reads them: those of an `<input type="file" webkitdirectory>`, or dropped on a page.
 *
 * @throws As `imageFolder` does.
 * @example
 * It needs a page with such an input, so it is not run here.
 * ```ts no-run
 * import { imageFiles } from '@imgcls/data';
 *
 * const input = document.querySelector('input')!;
 * const withoutRoot = (path: string): string => path.slice(path.indexOf('/') + 1);
 * const photos = await imageFiles(Array.from(input.files!, (file) => ({ path: withoutRoot(file.webkitRelativePath), file })));
 * ```
 */
export function imageFiles(files: readonly ImageFile[], options: ImageFolderOptions = {}): Promise<ImageFolder> {
  return fromFiles(files, { where: 'imageFiles: the list', prefix: '' }, options);
}

/** `where` opens error messages; `prefix` and a path name a file as the user finds it again. */
interface Naming {
  where: string;
  prefix: string;
}

interface Found extends ImageFile, Place {}

const READS_AT_ONCE = 8; // enough to keep decoders busy, few enough for photos of many megabytes
const FIRST_READ_BYTES = 2 ** 28;

async function fromFiles(
  listed: readonly ListedFile[],
  naming: Naming,
  options: ImageFolderOptions,
): Promise<ImageFolder> {
  const limit = limiter(READS_AT_ONCE);
  const read = ({ file }: ImageFile): Promise<Image> => limit(() => readImage(file, options));
  const first = handover(FIRST_READ_BYTES);
  const { found, skipped } = await check(listed, naming, async (one) => first.put(one.path, await read(one)), options);
  const classes = classesOf(found, skipped, naming, options.classes);
  const labelOf = new Map(classes.map((name, label) => [name, label]));
  const labels = found.map(({ className }) => labelOf.get(className)!);
  const at = (index: number): Found => found[checkIndex(index, found.length)]!;
  return {
    length: found.length,
    classes,
    skipped,
    get: async (index) => ({ image: first.take(at(index).path) ?? (await read(at(index))), label: labels[index]! }),
    label: (index) => labels[checkIndex(index, labels.length)]!,
    source: (index) => naming.prefix + at(index).path,
    split: (index) => at(index).split,
  };
}

/** Holds images, by the path of their file, from their making to their first use, while they fit. */
function handover(maxBytes: number) {
  const held = new Map<string, Image>();
  let bytes = 0;
  return {
    put(path: string, image: Image): void {
      if (bytes + image.data.length > maxBytes) return;
      bytes += image.data.length;
      held.set(path, image);
    },
    take(path: string): Image | undefined {
      const image = held.get(path);
      if (image && held.delete(path)) bytes -= image.data.length;
      return image;
    },
  };
}

async function readImage(file: ImageFile['file'], options: DecodeOptions): Promise<Image> {
  return decodeImage(await readBytes(file, options), options);
}

/** Reads every file once: those that are examples, and those that are not. */
async function check(
  listed: readonly ListedFile[],
  { where, prefix }: Naming,
  read: (file: ImageFile) => Promise<unknown>,
  { onError = 'skip', onProgress }: ImageFolderOptions,
): Promise<{ found: Found[]; skipped: SkippedFile[] }> {
  const files = visibleFiles(listed);
  const place = placeIn(files.map(({ path }) => path));
  const examine = async ({ path, file }: ListedFile): Promise<Found | SkippedFile> => {
    const placed = place(path);
    const leaveOut = (reason: string, cause?: DecodeError): SkippedFile => {
      if (onError === 'skip') return { file: prefix + path, reason };
      throw new Error(
        `${where}: ${path} must be an image of a class, got: ${reason}; take it out or pass { onError: 'skip' }`,
        { cause },
      );
    };
    if (!file) return leaveOut('empty folder');
    if (!placed) return leaveOut('not in the folder of a class');
    try {
      await read({ path, file });
      return { path, file, ...placed };
    } catch (error) {
      if (error instanceof DecodeError) return leaveOut(error.reason, error);
      throw error;
    }
  };
  const found: Found[] = [];
  const skipped: SkippedFile[] = [];
  let checked = 0;
  for await (const result of readAhead((i) => examine(files[i]!), 0, files.length, READS_AT_ONCE)) {
    if ('reason' in result) skipped.push(result);
    else found.push(result);
    onProgress?.(++checked, files.length);
  }
  return { found, skipped };
}

/** The class names, once it is sure that they can be learned. */
function classesOf(
  found: readonly Found[],
  skipped: readonly SkippedFile[],
  { where }: Naming,
  fixed: readonly string[] | undefined,
): readonly string[] {
  const named = (files: readonly Found[]): string[] =>
    [...new Set(files.map(({ className }) => className))].sort(byNaturalOrder);
  const trained = named(found.filter(({ split }) => (split ?? 'train') === 'train'));
  const classes = fixed ?? trained;
  const strays = named(found).filter((name) => !classes.includes(name));
  if (strays.length > 0)
    throw new Error(
      `${where} must have no class but ${fixed ? 'the given' : 'those of its training folder'} (${list(classes)}), got ${list(strays)}; move or rename ${strays.length === 1 ? 'this folder' : 'these folders'}`,
    );
  if (found.length > 0 && (fixed || classes.length >= 2)) return classes;
  const got =
    classes.length === 1 && !fixed ? `one: ${classes[0]}` : `no image that can be read${firstSkipped(skipped)}`;
  throw new Error(
    `${where} must hold a folder of images for each of at least two classes (cats/1.jpg, dogs/1.jpg), got ${got}`,
  );
}

const firstSkipped = ([first, ...others]: readonly SkippedFile[]): string =>
  first ? ` (${first.file}: ${first.reason}${others.length > 0 ? `, and ${others.length} more` : ''})` : '';

const list = (names: readonly string[]): string =>
  names.length > 5 ? `${names.slice(0, 5).join(', ')}, … (${names.length} in all)` : names.join(', ');
