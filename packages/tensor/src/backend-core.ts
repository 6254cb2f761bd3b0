import { version_core } from '@tensorflow/tfjs-core';
import { loadedCores } from '#backend-platform';

/** The one version of tfjs-core (and its backends) that this package is made and tested for. */
export const supportedCore = '4.22.0';

/**
 * tfjs-core keeps its engine and kernels in globals that all its copies share: copies of one version get along, two versions in one
 * process fail in ways that nobody can read. So they are named here.
 *
 * @throws {Error} if a version other than the supported one is in this process.
 */
export function checkCore(cores: ReadonlyMap<string, string> = allCores()): void {
  if ([...cores.values()].every((version) => version === supportedCore)) return;
  const found = [...cores].map(([where, version]) => `${version} (${where})`).join(' and ');
  throw new Error(
    `@imgcls/tensor: every @tensorflow/tfjs-core in a process must be ${supportedCore}, got ${found}; ` +
      `see "npm ls @tensorflow/tfjs-core" and install ${supportedCore} of each @tensorflow package`,
  );
}

function allCores(): Map<string, string> {
  return new Map([['imported by @imgcls/tensor', version_core], ...loadedCores()]);
}
