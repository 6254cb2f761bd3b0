import type { Classifier } from '@imgcls/io';
import type { Division } from './division.ts';
import type { Settings } from './settings.ts';
import type { Source } from './source.ts';

/** What `imgcls train` writes into a classifier about where it comes from. */
export type Provenance = {
  dataset: Pick<Source, 'name' | 'location' | 'fingerprint'> & { count: number };
  division: Division;
  settings: Settings;
};

/** The provenance of a classifier, if `imgcls train` has made it: others may come from a program of the user's own. */
export function provenanceOf({ provenance }: Classifier): Provenance | undefined {
  const { dataset, division, settings } = (provenance ?? {}) as Partial<Provenance>;
  return dataset && division && settings ? { dataset, division, settings } : undefined;
}
