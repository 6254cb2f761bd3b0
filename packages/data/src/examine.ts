import { inspectPixels } from '#codec';
import { listFolder } from '#list-folder';
import type { Split } from './dataset.ts';
import { checkedHeader, type DecodeOptions } from './decode.ts';
import { DecodeError } from './decode-error.ts';
import { byNaturalOrder, type ListedFile, listHandle, type Place } from './file-tree.ts';
import { FINGERPRINT_BYTES, fingerprintOf, similarGroups, spreadOf, THUMBNAIL_SIDE } from './fingerprint.ts';
import type { Image } from './image.ts';
import { inFolders } from './image-folder.ts';
import type { Candidate, SkippedFile } from './labelled-files.ts';
import { readAhead } from './read-ahead.ts';
import { bytesOf } from './recipe.ts';

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
  /** Groups of files that look the same: resized, stored anew, a little brighter or darker. Not those in `duplicates`. */
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
const DIGEST_BYTES = 16; // of SHA-256: enough to tell files apart

/**
 * Looks through a folder of images, one folder per class, for what spoils a training: files that can't be read, duplicates within and
 * across splits, equal images with different labels, classes of unequal size, blank, dark and oddly shaped images.
 *
 * Each file is decoded once, small; what is kept of it is its name, a few numbers, a fingerprint of 288 bytes and a hash: less than 1 kB.
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
  const { examined, skipped, kinds, digests, fingerprints } = await examineAll(listed, `${root}/`, options);
  if (examined.length === 0)
    throw new Error(
      `examineFolder: ${root} must hold images in folders of classes (cats/1.jpg), got none that can be read`,
    );
  const groups = duplicateGroups(examined, digests, fingerprints);
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
    kinds: Object.fromEntries([...kinds].sort(([, a], [, b]) => b - a)),
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
  readonly mean: number;
  readonly deviation: number;
}

/** What is known of all files. The last two hold a row for each that is examined. */
interface Examination {
  examined: Examined[];
  skipped: SkippedFile[];
  /** How many files are of a kind. */
  kinds: Map<string, number>;
  digests: Uint8Array;
  fingerprints: Uint8Array;
}

async function examineAll(
  listed: readonly ListedFile[],
  prefix: string,
  options: ExamineOptions,
): Promise<Examination> {
  const files = inFolders(listed);
  const one = async (candidate: Candidate): Promise<SkippedFile | (Inspected & { placed: Place })> => {
    const file = prefix + candidate.path;
    if ('reason' in candidate) return { file, reason: candidate.reason };
    const { className, split } = candidate;
    try {
      return { placed: { className, split }, ...(await inspect(await bytesOf(candidate.file, options), options)) };
    } catch (error) {
      if (error instanceof DecodeError) return { file, reason: error.reason };
      throw error;
    }
  };
  const examined: Examined[] = [];
  const skipped: SkippedFile[] = [];
  const kinds = new Map<string, number>();
  const digests = new Uint8Array(DIGEST_BYTES * files.length);
  const fingerprints = new Uint8Array(FINGERPRINT_BYTES * files.length);
  let done = 0;
  for await (const result of readAhead((i) => one(files[i]!), 0, files.length, READS_AT_ONCE)) {
    if ('reason' in result) skipped.push(result);
    else {
      for (const kind of result.kinds) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      digests.set(result.digest, DIGEST_BYTES * examined.length);
      fingerprints.set(result.fingerprint, FINGERPRINT_BYTES * examined.length);
      examined.push({ file: prefix + files[done]!.path, ...result.placed, ...result.numbers });
    }
    done++;
    options.onProgress?.(done, files.length);
  }
  return { examined, skipped, kinds, digests, fingerprints };
}

interface Inspected {
  kinds: readonly string[];
  digest: Uint8Array;
  fingerprint: Uint8Array;
  numbers: Omit<Examined, 'file' | keyof Place>;
}

async function inspect(bytes: Uint8Array, options: ExamineOptions): Promise<Inspected> {
  const { format, size } = checkedHeader(bytes, options);
  const { thumbnail, channels, bits, turned } = await inspectPixels(bytes, format, THUMBNAIL_SIDE);
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  const [height, width] = turned === 'sideways' ? [size.width, size.height] : [size.height, size.width];
  const stored = [
    format,
    ...(channels ? [`${channels} ${channels === 1 ? 'channel' : 'channels'}`] : []),
    ...(bits === 16 ? ['16 bits'] : []),
  ];
  return {
    kinds: [stored.join(', '), ...(turned ? ['turned by EXIF'] : [])],
    digest: digest.subarray(0, DIGEST_BYTES),
    fingerprint: fingerprintOf(thumbnail),
    numbers: { height, width, bytes: bytes.length, ...spreadOfColors(thumbnail) },
  };
}

/** The mean of all values, and how far values are from the mean of their colour where that is most: nothing in an image of one colour. */
function spreadOfColors({ data }: Image): ReturnType<typeof spreadOf> {
  const colors = [0, 1, 2].map((color) => spreadOf(data.filter((_, i) => i % 3 === color)));
  return {
    mean: colors.reduce((sum, { mean }) => sum + mean / 3, 0),
    deviation: Math.max(...colors.map(({ deviation }) => deviation)),
  };
}

/** Files of the same content, and files that look the same but are not: groups of at least two, in the order of their first files. */
function duplicateGroups(
  examined: readonly Examined[],
  digests: Uint8Array,
  fingerprints: Uint8Array,
): { exact: Examined[][]; near: Examined[][] } {
  const digestAt = (i: number): string =>
    String.fromCharCode(...digests.subarray(DIGEST_BYTES * i, DIGEST_BYTES * (i + 1)));
  const copies = [...grouped(examined.keys(), digestAt).values()]; // indices, by content
  const copiesOf = new Map(copies.map((group) => [group[0]!, group]));
  // One of each content; on blank images everything looks the same.
  const distinct = [...copiesOf.keys()].filter((i) => examined[i]!.deviation >= BLANK_DEVIATION);
  const near = similarGroups(fingerprints, distinct).map((group) => group.flatMap((i) => copiesOf.get(i)!));
  const files = (groups: readonly number[][]) => groups.map((group) => group.map((i) => examined[i]!));
  return { exact: files(copies.filter((group) => group.length > 1)), near: files(near) };
}

function grouped<T, K>(items: Iterable<T>, keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
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
