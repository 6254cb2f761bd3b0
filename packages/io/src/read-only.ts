import { checkName, type ReadableStore } from './store.ts';

/**
 * Files under a URL, to load from.
 *
 * @param url Of the folder; in a browser also relative to the page.
 * @throws {Error} from `read`, if the server answers anything but the file or "not found".
 * @example
 * ```ts no-run
 * import { loadClassifier, remote } from '@imgcls/io';
 *
 * const classifier = await loadClassifier(remote('https://example.com/models/digits'));
 * ```
 */
export function remote(url: string): ReadableStore {
  const base = url.replace(/\/+$/, '');
  return {
    read: async (name) => {
      const response = await fetch(`${base}/${checkName(name)}`, { cache: 'no-cache' }); // asks whether it has changed: files belong together
      if (response.status === 404 || response.status === 410) return undefined;
      if (!response.ok)
        throw new Error(`remote: ${base}/${name} must be readable, the server answered ${response.status}`);
      return new Uint8Array(await response.arrayBuffer());
    },
  };
}

/**
 * Files that a user has chosen or dropped on a page (`<input type="file" multiple>`), to load from.
 *
 * @example
 * ```ts
 * import { files } from '@imgcls/io';
 *
 * const chosen = files([new File(['hello'], 'notes.txt')]);
 * console.log(new TextDecoder().decode(await chosen.read('notes.txt'))); // => hello
 * ```
 */
export function files(chosen: Iterable<File>): ReadableStore {
  const byName = new Map([...chosen].map((file) => [file.name, file]));
  return {
    read: async (name) => {
      const file = byName.get(checkName(name));
      return file && new Uint8Array(await file.arrayBuffer());
    },
  };
}
