import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Classifier } from '@imgcls/io';
import packageJson from '../package.json' with { type: 'json' };
import type { Division } from './division.ts';
import type { Settings } from './settings.ts';
import type { Source } from './source.ts';

/** What `imgcls train` writes into a classifier about where it comes from. */
export type Provenance = {
  dataset: Pick<Source, 'name' | 'location' | 'fingerprint'> & { count: number };
  division: Division;
  settings: Settings;
  versions: { imgcls: string; node: string };
  /** The state of the repository that the command was called in, if it was one. */
  git?: { commit: string; dirty: boolean };
};

/** The provenance of a classifier, if `imgcls train` has made it: others may come from a program of the user's own. */
export function provenanceOf({ provenance }: Classifier): Provenance | undefined {
  const { dataset, division, settings } = (provenance ?? {}) as Partial<Provenance>;
  return dataset && division && settings ? (provenance as Provenance) : undefined;
}

/** With what, and from which state of the code around it, a classifier is made. */
export async function origins(): Promise<Pick<Provenance, 'versions' | 'git'>> {
  const versions = { imgcls: packageJson.version, node: process.versions.node };
  try {
    const [commit, changes] = await Promise.all([git('rev-parse', 'HEAD'), git('status', '--porcelain')]);
    return { versions, git: { commit, dirty: changes !== '' } };
  } catch {
    return { versions }; // no repository here, or no git
  }
}

async function git(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('git', args);
  return stdout.trim();
}
