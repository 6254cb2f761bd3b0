import { inspectPixels } from '#codec';
import { listFolder } from '#list-folder';
import type { Split } from './dataset.ts';
import { checkedHeader, type DecodeOptions } from './decode.ts';
import { DecodeError } from './decode-error.ts';
import {
  byNaturalOrder,
  type ListedFile,
  listHandle,
  type Place,
  placeIn,
  readBytes,
  visibleFiles,
} from './file-tree.ts';
import { perceptualHash, similarPairs, spreadOf, THUMBNAIL_SIDE, thumbnailDistance } from './fingerprint.ts';
import type { SkippedFile } from './image-folder.ts';
import { readAhead } from './read-ahead.ts';

/** How `examineFolder` looks. */
export interface ExamineOptions extends Omit<DecodeOptions, 'channels'> {
  /** Called after each file. */
  onProgress?: (examined: number, total: number) => void;
}

/** What is known of an image file. */
export interface ExaminedFile {
  readonly file: string;
  readonly className: string;
  /** Where top folders name the splits. */
  readonly split: Split | undefined;
  readonly height: number;
  readonly width: number;
}

/** How many images a class has, in all and in each split. */
export interface ClassCount {
  readonly name: string;
  readonly count: number;
  readonly bySplit: Readonly<Partial<Record<Split, number>>>;
}

/** What is wrong, or may be wrong, with a folder of images. */
export interface FolderReport {
  readonly folder: string;
  /** Files that are images. */
  readonly count: number;
  readonly bytes: number;
  readonly classes: readonly ClassCount[];
  /** Files that are none, and why. */
  readonly skipped: readonly SkippedFile[];
  /** In pixels. Sides are measured upright. */
  readonly sizes: {
    readonly smallest: readonly [height: number, width: number];
    readonly median: readonly [height: number, width: number];
    readonly largest: readonly [height: number, width: number];
  };
  /** Files by what is in them: `JPEG, 3 channels`, `PNG, 4 channels, 16 bits`, `turned by EXIF`. */
  readonly kinds: Readonly<Record<string, number>>;
  /** Groups of files with the same content, byte for byte. */
  readonly duplicates: readonly (readonly ExaminedFile[])[];
  /** Groups of files that look the same: resized, stored anew, a little brighter. Not those in `duplicates`. */
  readonly nearDuplicates: readonly (readonly ExaminedFile[])[];
  /** Groups of either kind with files in several splits: what is measured on them is not honest. */
  readonly leaks: readonly (readonly ExaminedFile[])[];
  /** Groups of either kind with files in several classes: at least one label is wrong. */
  readonly conflicts: readonly (readonly ExaminedFile[])[];
  /** One colour all over. */
  readonly blank: readonly ExaminedFile[];
  /** Nearly black. */
  readonly dark: readonly ExaminedFile[];
  /** More than three times as wide as high, or the other way round. */
  readonly oddShapes: readonly ExaminedFile[];
}

const READS_AT_ONCE = 8;
const BLANK_DEVIATION = 2; // levels
const DARK_MEAN = 16;
const ODD_ASPECT = 3;
const SAME_LOOK = 3; // levels between thumbnails, on average

/**
 * Looks through a folder of images, one folder per class, for what spoils a training: files that can't be read, duplicates within and
 * across splits, equal images with different labels, classes of unequal size, blank, dark and oddly shaped images.
 *
 * Each file is decoded once, small; what is kept of it is a thumbnail of 16×16 pixels and two hashes, about 1 kB.
 *
 * @param folder A path in Node; what `showDirectoryPicker()` gives in a browser.
 * @throws {Error} if the folder is missing, or has no image that can be read.
 * @example
 * It needs a folder of photos, so it is not run here.
 * ```ts no-run
 * import { examineFolder } from '@imgcls/data';
 *
 * const { leaks, conflicts } = await examineFolder('photos');
 * for (const group of leaks) console.log('in several splits:', group.map(({ file }) => file));
 * ```
 */
export async function examineFolder(
  folder: string | FileSystemDirectoryHandle,
  options: ExamineOptions = {},
): Promise<FolderReport> {
  const root = typeof folder === 'string' ? folder.replace(/(?<=.)[\\/]+$/, '') : folder.name;
  const listed = typeof folder === 'string' ? await listFolder(folder) : await listHandle(folder);
  const { examined, skipped } = await examineAll(listed, `${root}/`, options);
  if (examined.length === 0)
    throw new Error(
      `examineFolder: ${root} must hold images in folders of classes (cats/1.jpg), got none that can be read`,
    );
  const groups = duplicateGroups(examined);
  const all = [...groups.exact, ...groups.near];
  const several = (key: 'split' | 'className') => all.filter((group) => new Set(group.map((one) => one[key])).size > 1);
  const plain = (files: readonly Examined[]): ExaminedFile[] =>
    files.map(({ file, className, split, height, width }) => ({ file, className, split, height, width }));
  const list = (found: readonly (readonly Examined[])[]) => found.map(plain);
  const isBlank = ({ deviation }: Examined) => deviation < BLANK_DEVIATION;
  return {
    folder: root,
    count: examined.length,
    bytes: examined.reduce((sum, { bytes }) => sum + bytes, 0),
    classes: countClasses(examined),
    skipped,
    sizes: sizesOf(examined),
    kinds: countKinds(examined),
    duplicates: list(groups.exact),
    nearDuplicates: list(groups.near),
    leaks: list(several('split')),
    conflicts: list(several('className')),
    blank: plain(examined.filter(isBlank)),
    dark: plain(examined.filter((one) => one.mean < DARK_MEAN && !isBlank(one))),
    oddShapes: plain(examined.filter(({ height, width }) => Math.max(height / width, width / height) > ODD_ASPECT)),
  };
}

interface Examined extends ExaminedFile {
  readonly bytes: number;
  readonly kinds: readonly string[];
  /** Of the content. */
  readonly digest: string;
  readonly thumbnail: Uint8Array;
  readonly hash: readonly [high: number, low: number];
  readonly mean: number;
  readonly deviation: number;
}

async function examineAll(listed: readonly ListedFile[], prefix: string, options: ExamineOptions) {
  const files = visibleFiles(listed);
  const place = placeIn(files.map(({ path }) => path));
  const one = async ({ path, file }: ListedFile): Promise<Examined | SkippedFile> => {
    const placed = place(path);
    if (!file) return { file: prefix + path, reason: 'empty folder' };
    if (!placed) return { file: prefix + path, reason: 'not in the folder of a class' };
    try {
      return { file: prefix + path, ...placed, ...(await examine(await readBytes(file, options), options)) };
    } catch (error) {
      if (error instanceof DecodeError) return { file: prefix + path, reason: error.reason };
      throw error;
    }
  };
  const examined: Examined[] = [];
  const skipped: SkippedFile[] = [];
  let done = 0;
  for await (const result of readAhead((i) => one(files[i]!), 0, files.length, READS_AT_ONCE)) {
    if ('reason' in result) skipped.push(result);
    else examined.push(result);
    options.onProgress?.(++done, files.length);
  }
  return { examined, skipped };
}

async function examine(bytes: Uint8Array, options: ExamineOptions): Promise<Omit<Examined, 'file' | keyof Place>> {
  const { format, size } = checkedHeader(bytes, options);
  const { thumbnail, channels, bits, turned } = await inspectPixels(bytes, format, THUMBNAIL_SIDE);
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  const isTurned = turned === 'sideways';
  return {
    height: isTurned ? size.width : size.height,
    width: isTurned ? size.height : size.width,
    bytes: bytes.length,
    kinds: [
      [
        format,
        ...(channels ? [`${channels} ${channels === 1 ? 'channel' : 'channels'}`] : []),
        ...(bits === 16 ? ['16 bits'] : []),
      ].join(', '),
      ...(turned ? ['turned by EXIF'] : []),
    ],
    digest: Array.from(digest.subarray(0, 16), (byte) => String.fromCharCode(byte)).join(''),
    thumbnail: thumbnail.data,
    hash: perceptualHash(thumbnail),
    ...spreadOf(thumbnail),
  };
}

/** Files of the same content, and files that look the same but are not: groups of at least two, in the order of their first files. */
function duplicateGroups(examined: readonly Examined[]): { exact: Examined[][]; near: Examined[][] } {
  const byDigest = grouped(examined, ({ digest }) => digest);
  const exact = [...byDigest.values()].filter((group) => group.length > 1);
  // One of each content; on blank images everything looks the same.
  const distinct = [...byDigest.values()]
    .map(([first]) => first!)
    .filter(({ deviation }) => deviation >= BLANK_DEVIATION);
  const joined = unionFind(distinct.length);
  for (const [i, j] of similarPairs(distinct.map(({ hash }) => hash)))
    if (thumbnailDistance(distinct[i]!.thumbnail, distinct[j]!.thumbnail) <= SAME_LOOK) joined.join(i, j);
  const near = grouped(distinct, (_, i) => joined.root(i));
  const withCopies = (group: Examined[]) => group.flatMap(({ digest }) => byDigest.get(digest)!);
  return { exact, near: [...near.values()].filter((group) => group.length > 1).map(withCopies) };
}

function grouped<T, K>(items: readonly T[], keyOf: (item: T, i: number) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const [i, item] of items.entries()) {
    const key = keyOf(item, i);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

/** Sets that grow together. Tarjan 1975, with path halving. */
function unionFind(count: number) {
  const parents = Int32Array.from({ length: count }, (_, i) => i);
  const root = (i: number): number => {
    let at = i;
    while (parents[at] !== at) {
      parents[at] = parents[parents[at]!]!;
      at = parents[at]!;
    }
    return at;
  };
  const join = (i: number, j: number): void => {
    const [a, b] = [root(i), root(j)];
    parents[Math.max(a, b)] = Math.min(a, b);
  };
  return { root, join };
}

function countClasses(examined: readonly Examined[]): ClassCount[] {
  const classes = [...grouped(examined, ({ className }) => className)].sort(([a], [b]) => byNaturalOrder(a, b));
  return classes.map(([name, files]) => {
    const bySplit: Partial<Record<Split, number>> = {};
    for (const { split } of files) if (split) bySplit[split] = (bySplit[split] ?? 0) + 1;
    return { name, count: files.length, bySplit };
  });
}

function sizesOf(examined: readonly Examined[]): FolderReport['sizes'] {
  const byArea = examined
    .map(({ height, width }) => [height, width] as const)
    .sort((a, b) => a[0] * a[1] - b[0] * b[1]);
  return { smallest: byArea[0]!, median: byArea[byArea.length >> 1]!, largest: byArea.at(-1)! };
}

function countKinds(examined: readonly Examined[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { kinds } of examined) for (const kind of kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a));
}
