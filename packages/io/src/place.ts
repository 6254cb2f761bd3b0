import { folder, source } from '#folder';
import type { ReadableStore, Store } from './store.ts';

/** Where something is saved: a store, or in Node the path of a folder. */
export type Destination = Store | string;

/** Where something is loaded from: a store, a URL, or in Node the path of a folder. */
export type Source = ReadableStore | string;

export const storeAt = (where: Destination): Store => (typeof where === 'string' ? folder(where) : where);
export const sourceAt = (where: Source): ReadableStore => (typeof where === 'string' ? source(where) : where);

/** What errors call it. */
export const nameOf = (where: Source): string => (typeof where === 'string' ? where : 'the store');
