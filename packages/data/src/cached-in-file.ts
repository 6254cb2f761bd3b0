import { type CacheFile, cacheKey, openCacheFile } from '#cache-file';
import { type Dataset, withGet } from './dataset.ts';
import { describedAll } from './description.ts';
import { readAhead } from './read-ahead.ts';
import { byRecipe, isImage, type Recipe, recipesOf } from './recipe.ts';

/** How `cachedInFile` keeps images. */
export interface FileCacheOptions {
  /** The file grows no further; what does not fit is made anew each time. Default 64 GiB. */
  maxBytes?: number;
  /** Called after each file whose content has been looked at. */
  onProgress?: (read: number, total: number) => void;
}

/** A data set that keeps its images in a file. */
export interface FileCachedDataset extends Dataset {
  /** Lets go of the file; the images in it are still used. */
  close(): void;
}

const READS_AT_ONCE = 8;

/**
 * The data set, with every image kept in one file once it is made: decode and resize once, not once a run. Workers read it, too. Node only.
 *
 * An image is kept as bytes, as it is after all that `mapped` does. It is found again by the content of its file and by how it is decoded and changed;
 * so a file that is moved is known, and one that has changed is made anew. All files are read for that when the cache is opened. A crash
 * costs no more than the images that were being written. One process writes at a time, others read what is there; what the data set
 * does not ask for any more is dropped when it is more than half of the file. Of two caches, one over the other, only the outer one is used.
 *
 * @throws {TypeError} unless the data set is made of files, and changed by transforms of this package or of `fromModule` only.
 * @throws {Error} if there is a file of that name that is no cache.
 * @example
 * It needs a folder of photos, so it is not run here.
 * ```ts no-run
 * import { cachedInFile, imageFolder, loader, mapped, resize } from '@imgcls/data';
 *
 * const photos = mapped(await imageFolder('photos'), resize(256, 256));
 * const batches = loader(await cachedInFile(photos, 'photos.cache'), { batchSize: 64, workers: 4 });
 * ```
 */
export async function cachedInFile(
  dataset: Dataset,
  file: string,
  { maxBytes = 64 * 2 ** 30, onProgress }: FileCacheOptions = {},
): Promise<FileCachedDataset> {
  const recipe = recipesOf(dataset);
  const { label, bytes } = dataset;
  if (!recipe || !label || !bytes)
    throw new TypeError(
      'cachedInFile: the data set must be made of files (imageFolder, imageTable, imageShards, imagenette …), got another; use cached, in memory',
    );
  const keys: string[] = [];
  const begun = new Map<number, Recipe>(); // of images that are in memory, and handed over once
  const keyOf = async (index: number): Promise<string> => {
    const first = recipe(index);
    if (isImage(first.file)) begun.set(index, first);
    return cacheKey(await bytes.call(dataset, index), parametersOf(first));
  };
  for await (const key of readAhead(keyOf, 0, dataset.length, READS_AT_ONCE)) {
    keys.push(key);
    onProgress?.(keys.length, dataset.length);
  }
  const cache = await openCacheFile(file, new Set(keys), maxBytes);
  const recipeOf = (index: number): Recipe => {
    const first = begun.get(index);
    begun.delete(index);
    return kept(first ?? recipe(index), keys[index]!, cache);
  };
  const get = byRecipe(recipeOf, label.bind(dataset));
  return { ...withGet(dataset, get), close: () => cache.close() };
}

function kept(recipe: Recipe, key: string, cache: CacheFile): Recipe {
  const after = recipe.changes?.length ?? 0;
  const stored = cache.find(key);
  return { ...recipe, kept: { after, keep: (image) => cache.add(key, image), ...(stored && { stored }) } };
}

/** All that decides what becomes of a file's bytes, as text. */
function parametersOf({ decode = {}, changes = [] }: Recipe): string {
  const described = describedAll(changes);
  if (!described)
    throw new TypeError(
      'cachedInFile: images must be changed by transforms of this package or of fromModule, got a function that says nothing of itself; put it after the cache, or into a module',
    );
  return JSON.stringify({ version: 1, decode, changes: described });
}
