import { checkIndex, type Dataset, type Example, type Split } from './dataset.ts';
import type { DecodeOptions } from './decode.ts';
import { DecodeError } from './decode-error.ts';
import { byNaturalOrder, type FileSource, type Place } from './file-tree.ts';
import type { Image } from './image.ts';
import { labelled, type Named } from './label-sets.ts';
import { limiter, readAhead } from './read-ahead.ts';
import { byRecipe, bytesOf, follow, type Recipe } from './recipe.ts';

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
  bytes(index: number): Promise<Uint8Array>;
  /** The files that are left out. */
  readonly skipped: readonly SkippedFile[];
}

/** A file of a class. */
export interface LabelledFile extends Place, Named {
  /** What it is called, after the `prefix` of a `Naming`. */
  readonly path: string;
  readonly file: FileSource;
}

/** A file that may be an example, or why it is none. */
export type Candidate = LabelledFile | { readonly path: string; readonly reason: string };

/** `where` opens error messages; `prefix` and a path name a file as the user finds it again. */
export interface Naming {
  where: string;
  prefix: string;
}

const READS_AT_ONCE = 8; // enough to keep decoders busy, few enough for photos of many megabytes
const FIRST_READ_BYTES = 2 ** 28;

/** The data set of these files, in this order. Each is decoded once to see that it can be. */
export async function labelledFiles(
  candidates: readonly Candidate[],
  naming: Naming,
  options: ImageFolderOptions,
): Promise<ImageFolder> {
  const decode = decodeOptions(options);
  const limit = limiter(READS_AT_ONCE);
  const first = handover(FIRST_READ_BYTES);
  const { found, skipped } = await check(
    candidates,
    naming,
    async (one) => first.put(one.path, await limit(() => follow({ file: one.file, decode }))),
    options,
  );
  const classes = classesOf(found, skipped, naming, options.classes);
  return ofFiles(found, { classes, skipped, ...naming }, ({ path, file }) => ({
    file: first.take(path) ?? file,
    decode,
  }));
}

const DECODE_OPTIONS = [
  'channels',
  'maxBytes',
  'maxPixels',
  'background',
  'partial',
] as const satisfies readonly (keyof DecodeOptions)[];

/** Those of the options that say how files are decoded, which are plain data: recipes hold them, and cross to workers. */
const decodeOptions = (options: DecodeOptions): DecodeOptions =>
  Object.fromEntries(DECODE_OPTIONS.filter((name) => name in options).map((name) => [name, options[name]]));

/** A data set of files that are known to be images. */
export function ofFiles(
  files: readonly LabelledFile[],
  {
    classes,
    skipped = [],
    prefix,
  }: Pick<Naming, 'prefix'> & Pick<Dataset, 'classes'> & Partial<Pick<ImageFolder, 'skipped'>>,
  recipe: (file: LabelledFile) => Recipe = ({ file }) => ({ file }),
): ImageFolder {
  const { labels, labelSets } = labelled(files, classes);
  const at = (index: number): LabelledFile => files[checkIndex(index, files.length)]!;
  const label = (index: number): number => labels[checkIndex(index, labels.length)]!;
  return {
    length: files.length,
    classes,
    ...(labelSets && { labelSets }),
    skipped,
    get: byRecipe((index) => recipe(at(index)), label),
    label,
    source: (index) => prefix + at(index).path,
    split: (index) => at(index).split,
    bytes: (index) => bytesOf(at(index).file, { maxBytes: Number.POSITIVE_INFINITY }),
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

/** Reads every file once: those that are examples, and those that are not. */
async function check(
  candidates: readonly Candidate[],
  { where, prefix }: Naming,
  read: (file: LabelledFile) => Promise<unknown>,
  { onError = 'skip', onProgress }: ImageFolderOptions,
): Promise<{ found: LabelledFile[]; skipped: SkippedFile[] }> {
  const leaveOut = (path: string, reason: string, cause?: DecodeError): SkippedFile => {
    if (onError === 'skip') return { file: prefix + path, reason };
    throw new Error(
      `${where}: ${path} must be an image of a class, got: ${reason}; take it out or pass { onError: 'skip' }`,
      { cause },
    );
  };
  const examine = async (one: Candidate): Promise<LabelledFile | SkippedFile> => {
    if ('reason' in one) return leaveOut(one.path, one.reason);
    try {
      await read(one);
      return one;
    } catch (error) {
      if (error instanceof DecodeError) return leaveOut(one.path, error.reason, error);
      throw error;
    }
  };
  const found: LabelledFile[] = [];
  const skipped: SkippedFile[] = [];
  let checked = 0;
  for await (const result of readAhead((i) => examine(candidates[i]!), 0, candidates.length, READS_AT_ONCE)) {
    if ('reason' in result) skipped.push(result);
    else found.push(result);
    onProgress?.(++checked, candidates.length);
  }
  return { found, skipped };
}

/** The class names, once it is sure that they can be learned. */
function classesOf(
  found: readonly LabelledFile[],
  skipped: readonly SkippedFile[],
  { where }: Naming,
  fixed: readonly string[] | undefined,
): readonly string[] {
  const named = (files: readonly LabelledFile[]): string[] =>
    [...new Set(files.flatMap(({ className, classNames }) => classNames ?? className))].sort(byNaturalOrder);
  const trained = named(found.filter(({ split }) => (split ?? 'train') === 'train'));
  const classes = fixed ?? trained;
  const strays = named(found).filter((name) => !classes.includes(name));
  if (strays.length > 0)
    throw new Error(
      `${where} must have no class but ${fixed ? 'the given' : 'those of its training folder'} (${list(classes)}), got ${list(strays)}; move or rename ${strays.length === 1 ? 'this folder' : 'these folders'}`,
    );
  const isMultiLabel = found.some(({ classNames }) => classNames);
  if (found.length > 0 && (fixed || classes.length >= (isMultiLabel ? 1 : 2))) return classes;
  if (found.length > 0 && isMultiLabel)
    throw new Error(`${where} must name a class for at least one image, got ${found.length} images without`);
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
