import type { CacheFile, StoredImage } from './cache-file.node.ts';
import type { Image } from './image.ts';

export type { CacheFile, StoredImage } from './cache-file.node.ts';

/** Browsers have no files to keep images in. */
export async function openCacheFile(path: string, _wanted: ReadonlySet<string>, _maxBytes: number): Promise<CacheFile> {
  throw new Error(`cachedInFile: needs files, which browsers don't have, got ${path}; use cached, in memory`);
}

export const readStored = (_stored: StoredImage): Image | undefined => undefined;

export const cacheKey = (_bytes: Uint8Array, parameters: string): string => parameters;
