import { readFile } from 'node:fs/promises';
import {
  type Dataset,
  type Split,
  type SplitManifest,
  splitByManifest,
  splitDataset,
  splitManifest,
} from '@imgcls/data';
import type { Store } from '@imgcls/io';
import { count, plural } from './format.ts';
import type { Output } from './output.ts';
import { nameIn, type Source } from './source.ts';
import { UsageError } from './usage.ts';

/** How a data set is divided where it doesn't come divided. A classifier keeps it, so that its test images are found again. */
export interface Division {
  seed: number;
  fractions: readonly [train: number, validation: number, test: number];
}

/** The same for every run, whatever its seed: runs are compared on the same test images, and none has learned from them. */
export const usualDivision: Division = { seed: 0, fractions: [0.8, 0.1, 0.1] };

/** What a run folder says of which image is in which part. */
const SPLIT_FILE = 'split.json';

/** How `partsFor` finds the parts. */
interface PartsOptions {
  /** Where the run is. */
  store: Store;
  /** Whether the run goes on: then its parts are as they were. */
  resumed: boolean;
  /** A division that is written down, of another run. */
  splitFile?: string | undefined;
}

/**
 * The three parts to train with, and verifies that files are those of the division that they come from. The division of files is written down in the run folder.
 *
 * @throws {Error} if a part would be empty, or files have changed; it names them.
 */
export async function partsFor(
  source: Source,
  { store, resumed, splitFile }: PartsOptions,
  { status }: Output,
): Promise<Record<Split, Dataset>> {
  if (resumed && splitFile !== undefined)
    throw new UsageError('--split-file must be left out to go on with a run: it has its parts already');
  const { dataset } = source;
  const nameOf = nameIn(source);
  const onProgress = (read: number, total: number): void => status(`hashing files ${count(read)}/${count(total)}`);
  const given =
    splitFile === undefined ? resumed && (await readSplit(store)) : parse(await readFile(splitFile), splitFile);
  if (given) {
    const parts = await splitByManifest(dataset, given, { nameOf, onProgress });
    await writeSplit(store, given);
    return filled(parts);
  }
  if (source.folder === undefined) return filled(splitDataset(dataset, usualDivision));
  const manifest = await splitManifest(dataset, { ...usualDivision, nameOf, onProgress });
  const parts = filled(await splitByManifest(dataset, manifest, { nameOf, verify: false }));
  await writeSplit(store, manifest);
  return parts;
}

/** The division that a run folder holds, if it does. */
export async function readSplit(store: Store): Promise<SplitManifest | undefined> {
  const bytes = await store.read(SPLIT_FILE);
  return bytes && parse(bytes, SPLIT_FILE);
}

function parse(bytes: Uint8Array, file: string): SplitManifest {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as SplitManifest;
  } catch (error) {
    throw new Error(`${file} must be the split.json of a run, got no JSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** A line for each file, so that two can be compared. */
async function writeSplit(store: Store, { files, ...rest }: SplitManifest): Promise<void> {
  const head = JSON.stringify(rest).slice(0, -1);
  const lines = files.map((file) => JSON.stringify(file)).join(',\n');
  await store.write(SPLIT_FILE, new TextEncoder().encode(`${head},"files":[\n${lines}\n]}\n`));
}

function filled(parts: Record<Split, Dataset>): Record<Split, Dataset> {
  const empty = Object.entries(parts).find(([, part]) => part.length === 0);
  if (!empty) return parts;
  const total = Object.values(parts).reduce((sum, { length }) => sum + length, 0);
  throw new Error(
    `there must be images to learn from, to choose by and to judge by, but ${plural(total, 'image')} leave none for ${empty[0]}; ten for each class are the least`,
  );
}
