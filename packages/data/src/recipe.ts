import type { Random } from '@imgcls/random';
import { readStored, type StoredImage } from '#cache-file';
import { readPart } from '#files';
import { croppingOf } from './cropping.ts';
import type { Example } from './dataset.ts';
import { checkBytes, type DecodeOptions, decodeCropped, decodeImage } from './decode.ts';
import { DecodeError } from './decode-error.ts';
import type { Image } from './image.ts';

/**
 * How an image is made: where its file is, how that is decoded, and what is changed about the image. Workers can follow it, as long as the
 * changes are transforms of this package (or come through `fromModule`).
 */
export interface Recipe {
  /** A path (in Node), a part of a file there, a `Blob` or `File`, the bytes of a file; or an image that is there already. */
  readonly file: string | FilePart | Blob | Uint8Array | Image;
  readonly decode?: DecodeOptions | undefined;
  /** One after the other, the same in every epoch. */
  readonly changes?: readonly ((image: Image) => Image)[];
  /** Who keeps the image once so many of the changes are made, a cache; and where it lies already, if it does. */
  readonly kept?: Kept | undefined;
}

/** What a cache has to do with a recipe. */
export interface Kept {
  readonly after: number;
  readonly keep: (image: Image) => void;
  readonly stored?: StoredImage | undefined;
}

/** Bytes of a file that lie in it as they would in a file of their own: an entry of an archive. */
export interface FilePart {
  readonly path: string;
  readonly offset: number;
  readonly length: number;
}

const recipes = new WeakMap<object, (index: number) => Recipe>();

/**
 * The `get` of a data set whose images are made by recipes: `loader` has its workers follow them.
 *
 * @example
 * A data set of files that lie in no particular order; it needs such files, so it is not run here.
 * ```ts no-run
 * import { byRecipe, type Dataset } from '@imgcls/data';
 *
 * const files = ['a/1.jpg', 'b/2.jpg'];
 * const photos: Dataset = {
 *   length: files.length,
 *   classes: ['a', 'b'],
 *   get: byRecipe((index) => ({ file: files[index]! }), (index) => index),
 *   source: (index) => files[index]!,
 * };
 * ```
 */
export function byRecipe(
  recipe: (index: number) => Recipe,
  label: (index: number) => number,
): (index: number) => Promise<Example> {
  const get = async (index: number): Promise<Example> => ({ image: await follow(recipe(index)), label: label(index) });
  recipes.set(get, recipe);
  return get;
}

/** The recipes that a data set's `get` follows, if it does. */
export const recipesOf = (dataset: { get: object }): ((index: number) => Recipe) | undefined =>
  recipes.get(dataset.get);

/** An image made by its recipe, and then changed at random. */
export async function follow(
  recipe: Recipe,
  augment: readonly ((image: Image, random: Random) => Image)[] = [],
  random?: Random,
): Promise<Image> {
  const { changes = [], kept } = recipe;
  const all = [...changes, ...augment];
  const apply = (image: Image, from: number, end: number): Image =>
    all.slice(from, end).reduce((changed, change) => change(changed, random!), image);
  const stored = kept?.stored && readStored(kept.stored);
  if (stored) return apply(stored, kept.after, all.length);
  const { image, done } = await begin(recipe, all[0], random);
  if (!kept) return apply(image, done, all.length);
  const keep = apply(image, done, kept.after);
  kept.keep(keep);
  return apply(keep, kept.after, all.length);
}

/** The image as it is in its file; or, where the first change only cuts a part out of it, that part: then one change is done. */
async function begin(
  { file, decode = {}, kept }: Recipe,
  first: ((image: Image, random: Random) => Image) | undefined,
  random: Random | undefined,
): Promise<{ image: Image; done: 0 | 1 }> {
  if (isImage(file)) return { image: file, done: 0 };
  const bytes = await bytesOf(file, decode);
  const cutting = kept?.after === 0 ? undefined : croppingOf(first);
  const part = cutting && (await decodeCropped(bytes, decode, cutting, random!));
  return part ? { image: part, done: 1 } : { image: await decodeImage(bytes, decode), done: 0 };
}

/** Whether the image is there already. */
export const isImage = (file: Recipe['file']): file is Image => typeof file === 'object' && 'channels' in file;

/** A file's bytes. @throws {DecodeError} if there is nothing, too much, or it can't be read. */
export async function bytesOf(file: Exclude<Recipe['file'], Image>, options: DecodeOptions): Promise<Uint8Array> {
  if (file instanceof Uint8Array) return file;
  try {
    if (typeof file === 'string') return await readPart({ path: file }, (size) => checkBytes(size, options));
    if (!(file instanceof Blob)) return await readPart(file, (size) => checkBytes(size, options));
    checkBytes(file.size, options);
    return new Uint8Array(await file.arrayBuffer());
  } catch (error) {
    if (error instanceof DecodeError) throw error;
    throw new DecodeError('unreadable', `it can't be read: ${(error as Error).message}`, { cause: error });
  }
}
