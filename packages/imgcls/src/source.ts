import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, relative, resolve } from 'node:path';
import {
  type Dataset,
  type DownloadProgress,
  imageFolder,
  imageParquet,
  imageShards,
  imageTable,
  publishedDatasets,
  type SkippedFile,
} from '@imgcls/data';
import { count, percent } from './format.ts';
import type { Output } from './output.ts';
import { printSkipped } from './preparation.ts';
import { UsageError } from './usage.ts';

/** Labelled images that a command line names. */
export interface Source {
  /** A word for it: `digits`, or the last part of a folder's path. */
  name: string;
  /** What was named, the same from wherever it is named: a known data set, or an absolute path. */
  location: string;
  dataset: Dataset;
  /** The folder that its files lie in; a known data set has none. */
  folder: string | undefined;
  /** The files that are no images. */
  skipped: readonly SkippedFile[];
  /** Tells whether two sources are the same images: a hash of names and sizes of files, or of the pixels where they lie in memory. */
  fingerprint: string;
}

/** The data sets that have a name. */
const datasetNames: readonly string[] = Object.keys(publishedDatasets);

/** What `<dataset…>` may be on a command line, in a word for its help. */
export const datasetHelp = `a folder with one folder of images per class; a table of path and label, or labels (.csv, .tsv, .jsonl); tar shards (.tar); Parquet files (.parquet); or ${datasetNames.join(', ')}`;

/** The same for all commands that read data sets. */
export const workersHelp =
  'threads that decode and augment; any number gives the same result (default: one per processor where photos do not fit into 1 GiB when resized, else 0)';

/** The last part of what is named, without its ending: `photos` for `./photos/` and for `data/photos.csv`. */
export const nameOf = ([first]: readonly string[]): string => basename(resolve(first!)).replace(FILES, '');

const FILES = /\.(csv|tsv|jsonl|ndjson|tar|parquet)$/i;

/**
 * Opens what a command line names: a known data set, a folder with a folder of images per class, or files that hold or list images.
 *
 * @param dataDir Where the official files of a known data set lie already.
 * @throws {UsageError} if it is none of these.
 */
export async function openSource(
  named: readonly string[],
  { status, print }: Output,
  dataDir?: string,
): Promise<Source> {
  const downloading = ({ file, receivedBytes, totalBytes }: DownloadProgress): void =>
    status(`downloading ${file} ${percent(receivedBytes / totalBytes)}`);
  const [first] = named as readonly [string];
  const open = named.length === 1 ? publishedDatasets[first] : undefined;
  if (open) return knownSource(first, await open({ ...(dataDir && { dataDir }), onProgress: downloading }), dataDir);
  const kind = kindOf(named);
  const onProgress = (checked: number, total: number): void =>
    status(`reading images ${count(checked)}/${count(total)}`);
  const dataset = await openFiles(kind, named, onProgress);
  const folder = kind === 'folder' ? first : dirname(first);
  printSkipped(dataset.skipped, print);
  return {
    name: nameOf(named),
    location: named.map((one) => resolve(one)).join(', '),
    folder,
    dataset,
    skipped: dataset.skipped,
    fingerprint: fingerprint(dataset, folder, kind === 'folder' || kind === 'table' ? undefined : named),
  };
}

type Kind = 'folder' | 'table' | 'shards' | 'parquet';

/** @throws {UsageError} if nothing is called that, or it is several things that don't go together. */
function kindOf(named: readonly string[]): Kind {
  const missing = named.find((one) => !existsSync(one));
  if (missing !== undefined)
    throw new UsageError(
      `there is no file or folder "${missing}", and the data sets with a name are ${datasetNames.join(', ')}; give the path of a folder with one folder of images per class`,
    );
  const kinds = new Set(
    named.map((one): Kind => {
      const ending = FILES.exec(one)?.[1]?.toLowerCase();
      if (statSync(one).isDirectory()) return 'folder';
      if (ending === 'tar') return 'shards';
      if (ending === 'parquet') return 'parquet';
      if (ending) return 'table';
      throw new UsageError(`"${one}" must be a folder, or a file that ends with .csv, .tsv, .jsonl, .tar or .parquet`);
    }),
  );
  const [kind] = kinds;
  if (kinds.size === 1 && (named.length === 1 || kind === 'shards' || kind === 'parquet')) return kind!;
  throw new UsageError(`several paths must be tar shards, or Parquet files, got ${named.join(' ')}`);
}

type Opened = Dataset & { skipped: readonly SkippedFile[] };

async function openFiles(
  kind: Kind,
  named: readonly string[],
  onProgress: (checked: number, total: number) => void,
): Promise<Opened> {
  if (kind === 'folder') return imageFolder(named[0]!, { onProgress });
  if (kind === 'table') return imageTable(named[0]!, { onProgress });
  if (kind === 'shards') return imageShards(named, { onProgress });
  return { ...(await imageParquet(named)), skipped: [] };
}

function knownSource(name: string, dataset: Dataset, dataDir?: string): Source {
  const location = dataDir ? `${name} in ${resolve(dataDir)}` : name;
  return { name, location, folder: undefined, dataset, skipped: [], fingerprint: fingerprint(dataset, undefined, []) };
}

/** What each image is called, from the folder of the files: the same in a copy elsewhere. */
export const nameIn =
  ({ dataset: { source }, folder }: Pick<Source, 'dataset' | 'folder'>) =>
  (index: number): string => {
    const file = source?.(index) ?? `example ${index}`;
    return folder === undefined ? file : relative(folder, file).replaceAll('\\', '/');
  };

/** @param files Whose sizes tell, where not each image is a file of its own. */
function fingerprint(dataset: Dataset, folder: string | undefined, files?: readonly string[]): string {
  const { classes, labelSets, packed, length, source, label } = dataset;
  const nameOf = nameIn({ dataset, folder });
  const hash = createHash('sha256').update(JSON.stringify(labelSets ? [classes, labelSets] : classes));
  if (packed) hash.update(packed.data).update(packed.labels);
  for (const file of files ?? []) hash.update(JSON.stringify([basename(file), sizeOf(file)]));
  for (let i = 0; !packed && source && i < length; i++)
    hash.update(JSON.stringify([nameOf(i), label?.(i), files ? undefined : sizeOf(source(i))]));
  return hash.digest('hex');
}

/** Nothing for a file that has gone since. */
const sizeOf = (file: string): number | undefined => statSync(file, { throwIfNoEntry: false })?.size;
