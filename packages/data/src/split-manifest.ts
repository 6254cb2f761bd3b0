import { type Dataset, type Split, subset } from './dataset.ts';
import { shownClasses } from './label-sets.ts';
import { readAhead } from './read-ahead.ts';
import { PARTS, type SplitOptions, splitIndices } from './split.ts';

/** A division of a data set, written down: which example is in which part, and what is in its file. Plain JSON. */
export interface SplitManifest {
  readonly formatVersion: 1;
  readonly classes: readonly string[];
  readonly files: readonly SplitFile[];
}

/** An example of a division. */
export interface SplitFile {
  readonly file: string;
  /** The name of its class; of all that it shows, where the data set is multi-label. */
  readonly class: string | readonly string[];
  readonly part: Split;
  /** Of the file as it is stored; of the pixels, where an example is no file. In hexadecimal. */
  readonly sha256: string;
}

/** How examples are named, and how far one is. */
export interface ManifestOptions {
  /** Default: what `source` calls it, or its number. Paths from the folder of the data find it again where that is moved. */
  nameOf?: (index: number) => string;
  /** Called after each example that is read. */
  onProgress?: (read: number, total: number) => void;
}

const READS_AT_ONCE = 8;

/**
 * Divides a data set as `splitDataset` does, and writes down the outcome, with the contents' hashes. The data set needs `label`.
 *
 * @example
 * ```ts
 * import { digits, splitByManifest, splitManifest } from '@imgcls/data';
 *
 * const manifest = await splitManifest(await digits(), { fractions: [0.5, 0.25, 0.25] });
 * const kept = JSON.parse(JSON.stringify(manifest)); // on a disk, say
 * const { train } = await splitByManifest(await digits(), kept);
 * console.log(train.length); // => 899
 * ```
 */
export async function splitManifest(
  dataset: Dataset,
  { nameOf = nameIn(dataset), onProgress, ...options }: SplitOptions & ManifestOptions = {},
): Promise<SplitManifest> {
  if (!dataset.label) throw new TypeError('splitManifest: needs dataset.label(index) to write down classes');
  const { classes } = dataset;
  const parts = splitIndices(dataset, options);
  const places = PARTS.flatMap((part) => parts[part].map((index) => ({ part, index })));
  places.sort((a, b) => a.index - b.index);
  const files: SplitFile[] = [];
  const hashes = readAhead((i) => hashOf(dataset, places[i]!.index), 0, places.length, READS_AT_ONCE);
  for await (const sha256 of hashes) {
    const { part, index } = places[files.length]!;
    files.push({ file: nameOf(index), class: namesAt(dataset, index), part, sha256 });
    onProgress?.(files.length, places.length);
  }
  return { formatVersion: 1, classes, files };
}

/** How `splitByManifest` takes a division. */
export interface SplitByManifestOptions extends ManifestOptions {
  /** Whether every file must be there, and be the same. Default true. Otherwise, those that are there by name are taken. */
  verify?: boolean;
}

/**
 * The parts of a data set as they are written down: exactly those examples, in their order in the data set. What is not written down is left out.
 *
 * @throws {Error} that names the files that are missing, or whose content or class is another.
 */
export async function splitByManifest(
  dataset: Dataset,
  manifest: SplitManifest,
  { nameOf = nameIn(dataset), onProgress, verify = true }: SplitByManifestOptions = {},
): Promise<Record<Split, Dataset>> {
  checkFormat(manifest);
  const written = new Map(manifest.files.map((one) => [one.file, one]));
  const found: { one: SplitFile; index: number }[] = [];
  for (let index = 0; index < dataset.length; index++) {
    const one = written.get(nameOf(index));
    if (one) found.push({ one, index });
  }
  if (verify) await checkSame(dataset, manifest, found, onProgress);
  const part = (wanted: Split): Dataset =>
    subset(
      dataset,
      found.flatMap(({ one, index }) => (one.part === wanted ? [index] : [])),
    );
  return { train: part('train'), validation: part('validation'), test: part('test') };
}

async function checkSame(
  dataset: Dataset,
  { classes, files }: SplitManifest,
  found: readonly { one: SplitFile; index: number }[],
  onProgress: ManifestOptions['onProgress'],
): Promise<void> {
  if (dataset.classes.join('\n') !== classes.join('\n'))
    throw new Error(
      `splitByManifest: classes must be those of the split (${someOf(classes)}), got ${someOf(dataset.classes)}; put them back, or make a new split`,
    );
  const there = new Set(found.map(({ one }) => one.file));
  const missing = files.filter(({ file }) => !there.has(file)).map(({ file }) => file);
  const changed: string[] = [];
  let done = 0;
  const hashes = readAhead((i) => hashOf(dataset, found[i]!.index).catch(() => ''), 0, found.length, READS_AT_ONCE);
  for await (const sha256 of hashes) {
    const { one, index } = found[done]!;
    const isSame = sha256 === one.sha256 && JSON.stringify(namesAt(dataset, index)) === JSON.stringify(one.class);
    if (!isSame) changed.push(one.file);
    done++;
    onProgress?.(done, found.length);
  }
  if (missing.length === 0 && changed.length === 0) return;
  const told = [
    ...(changed.length > 0 ? [`${changed.length} changed: ${someOf(changed)}`] : []),
    ...(missing.length > 0 ? [`${missing.length} missing: ${someOf(missing)}`] : []),
  ];
  throw new Error(
    `splitByManifest: files must be those of the split, got ${told.join('; ')}; put these back, or make a new split`,
  );
}

function checkFormat(manifest: SplitManifest): void {
  const { formatVersion, classes, files } = manifest;
  const isRight =
    formatVersion === 1 &&
    Array.isArray(classes) &&
    Array.isArray(files) &&
    files.every(
      ({ file, part, sha256 }) => typeof file === 'string' && PARTS.includes(part) && /^[\da-f]{64}$/.test(sha256),
    );
  if (isRight) return;
  throw new SyntaxError(
    'splitByManifest: a manifest must have formatVersion 1, classes, and files with file, class, part and sha256, got something else',
  );
}

function namesAt(dataset: Dataset, index: number): SplitFile['class'] {
  const names = shownClasses(dataset, index).map((k) => dataset.classes[k]!);
  return dataset.labelSets ? names.sort() : names[0]!;
}

const nameIn = (dataset: Dataset) => (index: number) => dataset.source?.(index) ?? `example ${index}`;

async function hashOf(dataset: Dataset, index: number): Promise<string> {
  const bytes = dataset.bytes ? await dataset.bytes(index) : (await dataset.get(index)).image.data;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

const MOST_NAMES = 5;

const someOf = (names: readonly string[]): string =>
  names.length > MOST_NAMES
    ? `${names.slice(0, MOST_NAMES).join(', ')} and ${names.length - MOST_NAMES} more`
    : names.join(', ');
