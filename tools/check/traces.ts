/** Where a lockfile names a place to download from: it would bind everybody to that registry. */
export function lockedHosts(lockfile: string): string[] {
  return linesThat(lockfile, /\btarball:|\bregistry\b.*https?:|resolution:.*https?:/).map(
    (line) => `pnpm-lock.yaml:${line} names a host to download from`,
  );
}

/** Where a text names a folder of somebody's machine. */
export function machinePaths(file: string, text: string): string[] {
  return linesThat(text, /(?<![\w.~/-])\/(work|root|home\/\w+|Users\/\w+|tmp\/\w+)\/|\b[A-Z]:\\Users\\/).map(
    (line) => `${file}:${line} names a folder of one machine`,
  );
}

const linesThat = (text: string, pattern: RegExp): number[] =>
  text.split('\n').flatMap((line, i) => (pattern.test(line) ? [i + 1] : []));
