import { readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** TensorFlow with tfjs-node over it, as `imgcls engines add tensorflow` sets it up: a folder that nothing changes any more. */
export interface TensorflowInstallation {
  /** Its `node_modules` hold tfjs-node. */
  readonly folder: string;
  /** Version of TensorFlow. */
  readonly version: string;
  /** Whether it computes on NVIDIA's GPUs too. */
  readonly gpu: boolean;
  /** When it was set up, in ISO 8601. */
  readonly made: string;
}

/** The file in an installation's folder that says what it is. */
export const installationFile = 'engine.json';

/** Where installations of this user are, which all projects share. */
export const installationsFolder = (): string =>
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'imgcls', 'engines', 'tensorflow');

/** All complete installations, the newest first. There is one, but for the moment in which another takes its place. */
export function tensorflowInstallations(within = installationsFolder()): TensorflowInstallation[] {
  const found = namesIn(within).flatMap((name) => {
    const folder = join(within, name);
    const text = /^\d/.test(name) ? readIfThere(join(folder, installationFile)) : undefined;
    return text === undefined ? [] : [{ ...(JSON.parse(text) as Omit<TensorflowInstallation, 'folder'>), folder }];
  });
  return found.sort((a, b) => b.made.localeCompare(a.made));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
