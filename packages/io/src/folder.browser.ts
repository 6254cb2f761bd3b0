import { remote } from './read-only.ts';
import type { ReadableStore, Store } from './store.ts';

/** Browsers have no folders: this says what to use. */
export function folder(path: string): Store {
  throw new Error(`folder: a browser has no folder ${JSON.stringify(path)}; pass opfs(…), indexedDb(…) or download()`);
}

/** What a string means where something is loaded from: a URL, also relative to the page. */
export const source = (where: string): ReadableStore => remote(where);
