import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { basename, relative, resolve } from 'node:path';
import {
  cifar10,
  cifar100,
  type Dataset,
  type DownloadProgress,
  digits,
  fashionMnist,
  imageFolder,
  mnist,
  type PublishedOptions,
  type SkippedFile,
} from '@imgcls/data';
import { count, percent } from './format.ts';
import type { Output } from './output.ts';
import { UsageError } from './usage.ts';

/** Labelled images that a command line names. */
export interface Source {
  /** A word for it: `digits`, or the last part of a folder's path. */
  name: string;
  /** What was named, the same from wherever it is named: a known data set, or an absolute path. */
  location: string;
  dataset: Dataset;
  /** The files that are no images. */
  skipped: readonly SkippedFile[];
  /** Tells whether two sources are the same images: a hash of names and sizes of files, or of the pixels where they lie in memory. */
  fingerprint: string;
}

type Open = (options: PublishedOptions) => Promise<Dataset>;

const known = new Map<string, Open>([
  ['digits', () => digits()],
  ['cifar10', cifar10],
  ['cifar100', cifar100],
  ['mnist', mnist],
  ['fashion-mnist', fashionMnist],
]);

/** The data sets that have a name. */
export const datasetNames: readonly string[] = [...known.keys()];

/**
 * Opens what a command line names: a known data set, or a folder with a folder of images per class.
 *
 * @param dataDir Where the official files of a known data set lie already.
 * @throws {UsageError} if it is neither.
 */
export async function openSource(named: string, { status, print }: Output, dataDir?: string): Promise<Source> {
  const open = known.get(named);
  const downloading = ({ file, receivedBytes, totalBytes }: DownloadProgress): void =>
    status(`downloading ${file} ${percent(receivedBytes / totalBytes)}`);
  if (open) return knownSource(named, await open({ ...(dataDir && { dataDir }), onProgress: downloading }), dataDir);
  if (!existsSync(named))
    throw new UsageError(
      `there is no folder "${named}", and the data sets with a name are ${datasetNames.join(', ')}; give the path of a folder with one folder of images per class`,
    );
  const onProgress = (checked: number, total: number): void =>
    status(`reading images ${count(checked)}/${count(total)}`);
  const dataset = await imageFolder(named, { onProgress });
  for (const { file, reason } of dataset.skipped) print(`left out ${file}: ${reason}`);
  const { skipped } = dataset;
  return {
    name: basename(resolve(named)),
    location: resolve(named),
    dataset,
    skipped,
    fingerprint: fingerprint(dataset, named),
  };
}

function knownSource(name: string, dataset: Dataset, dataDir?: string): Source {
  const location = dataDir ? `${name} in ${resolve(dataDir)}` : name;
  return { name, location, dataset, skipped: [], fingerprint: fingerprint(dataset) };
}

/** @param root The folder that the files lie in: a copy of it elsewhere holds the same images. */
function fingerprint({ classes, packed, length, source }: Dataset, root = '.'): string {
  const hash = createHash('sha256').update(JSON.stringify(classes));
  if (packed) hash.update(packed.data).update(packed.labels);
  for (let i = 0; !packed && source && i < length; i++) {
    const file = source(i);
    hash.update(JSON.stringify([relative(root, file).replaceAll('\\', '/'), statSync(file).size]));
  }
  return hash.digest('hex');
}
