import type { Store } from '@imgcls/io';
import { count } from './format.ts';
import type { Settings } from './settings.ts';
import type { Source } from './source.ts';

/** What a run folder says of its run: everything that it takes to go on with it. */
export interface Run {
  formatVersion: 1;
  dataset: { location: string; fingerprint: string; count: number };
  settings: Settings;
}

const RUN_FILE = 'run.json';

/** Writes down what a run will be, before it begins. */
export async function saveRun(store: Store, run: Run): Promise<void> {
  await store.write(RUN_FILE, new TextEncoder().encode(`${JSON.stringify(run, null, 2)}\n`));
}

/** A folder that holds something is not written over unasked. */
export async function refuseOccupied(store: Store, folder: string): Promise<void> {
  const names = await store.list();
  if (names.includes(RUN_FILE))
    throw new Error(`${folder} holds a run already; go on with it by --resume, choose another --output, or delete it`);
  if (names.includes('classifier.json'))
    throw new Error(`${folder} holds a classifier already; choose another --output, or delete it`);
}

/**
 * The run that a folder holds.
 *
 * @param folder Names it in errors.
 * @throws {Error} if it is of another format version.
 */
export async function loadRun(store: Store, folder: string): Promise<Run | undefined> {
  const bytes = await store.read(RUN_FILE);
  if (!bytes) return undefined;
  const run = JSON.parse(new TextDecoder().decode(bytes)) as Run;
  if (run.formatVersion === 1) return run;
  throw new Error(
    `${folder}/${RUN_FILE} must have format version 1, got ${run.formatVersion}; go on with the version of imgcls that began this run`,
  );
}

/**
 * A run goes on as the one it is, or not at all.
 *
 * @param asked The settings that the command line names.
 * @throws {Error} naming the first setting that is another one, or saying that the images are others.
 */
export function checkSameRun(run: Run, source: Source, asked: Partial<Settings>, folder: string): void {
  for (const [name, value] of Object.entries(asked)) {
    const before = run.settings[name as keyof Settings];
    if (value !== before)
      throw new Error(
        `${optionOf(name)} is ${before} in the run that ${folder} holds, got ${value}; leave the option out to go on, or begin another run with --output`,
      );
  }
  const { fingerprint, dataset } = source;
  if (fingerprint !== run.dataset.fingerprint)
    throw new Error(
      `the run that ${folder} holds learns from other images (${count(run.dataset.count)} from ${run.dataset.location}, now ${count(dataset.length)} from ${source.location}); put these back to go on, or begin another run with --output`,
    );
}

/** `--learning-rate` for `learningRate`. */
const optionOf = (name: string): string => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
