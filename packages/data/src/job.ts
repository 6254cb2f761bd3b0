import { random } from '@imgcls/random';
import { DecodeError, type DecodeErrorCode } from './decode-error.ts';
import { type Description, describedAll } from './description.ts';
import { realized } from './from-module.ts';
import type { Image } from './image.ts';
import type { Transform } from './loader.ts';
import { follow, type Kept, type Recipe } from './recipe.ts';

/** Some images of a batch, as plain data. */
export interface Job {
  readonly recipes: readonly PlainRecipe[];
  readonly augment: readonly Description[];
  /** The random numbers of image `i` are those of `random(...stream).fork(...forks[i])`. */
  readonly stream: Stream;
  readonly forks: readonly (readonly number[])[];
  /** Where the images go, one behind the other, if they have the size that is expected. */
  readonly target?: Target | undefined;
}

/** A seed and keys. */
export type Stream = readonly [seed: number, ...keys: (number | string)[]];

export interface Target {
  readonly buffer: SharedArrayBuffer;
  /** Of the first image, in bytes. */
  readonly offset: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

type PlainRecipe = Pick<Recipe, 'file' | 'decode'> & {
  readonly changes: readonly Description[];
  /** After so many changes the image is to be handed back, too, unless it lies in a file as it is then. */
  readonly kept?: Omit<Kept, 'keep'> | undefined;
};

/** What came of an image: it lies in the target, or is here, and what is to be kept of it; or what went wrong. */
export type Outcome =
  | { readonly image: Image | 'in target'; readonly kept?: Image | undefined }
  | { readonly problem: Problem };

/** An error that has crossed between threads: of `DecodeError` what is special about it. */
export interface Problem {
  readonly message: string;
  readonly decode?: { readonly code: DecodeErrorCode; readonly reason: string };
}

/** The recipes as plain data; nothing if one of them holds a function that can't be described. */
export function plainRecipes(recipes: readonly Recipe[]): PlainRecipe[] | undefined {
  const plain: PlainRecipe[] = [];
  for (const { file, decode, changes = [], kept } of recipes) {
    const described = describedAll(changes);
    if (!described) return undefined;
    plain.push({ file, decode, changes: described, kept: kept && { after: kept.after, stored: kept.stored } });
  }
  return plain;
}

/** Makes the images of a job. Never rejects. */
export async function runJob({ recipes, augment, stream, forks, target }: Job): Promise<Outcome[]> {
  const keyed = random(...stream);
  return Promise.all(
    recipes.map(async ({ kept, changes, ...recipe }, i): Promise<Outcome> => {
      try {
        const [steps, transforms] = await Promise.all([allRealized(changes), allRealized(augment)]);
        let made: Image | undefined;
        const keep = kept && { ...kept, keep: (image: Image) => (made = image) };
        const plainSteps = steps as ((image: Image) => Image)[];
        const image = await follow(
          { ...recipe, changes: plainSteps, kept: keep },
          transforms,
          keyed.fork(...forks[i]!),
        );
        return { image: target && wrote(target, i, image) ? 'in target' : image, kept: made };
      } catch (error) {
        return { problem: problemOf(error) };
      }
    }),
  );
}

const allRealized = (all: readonly Description[]): Promise<Transform[]> => Promise.all(all.map(realized));

/** What comes of making an image here. */
export async function outcomeOf(make: () => Image | Promise<Image>): Promise<Outcome> {
  try {
    return { image: await make() };
  } catch (error) {
    return { problem: problemOf(error) };
  }
}

function wrote(target: Target, i: number, { data, height, width, channels }: Image): boolean {
  if (height !== target.height || width !== target.width || channels !== target.channels) return false;
  new Uint8Array(target.buffer, target.offset + i * data.length, data.length).set(data);
  return true;
}

const problemOf = (error: unknown): Problem => ({
  message: error instanceof Error ? error.message : String(error),
  ...(error instanceof DecodeError && { decode: { code: error.code, reason: error.reason } }),
});

/** The error again. */
export const errorOf = ({ message, decode }: Problem): Error =>
  decode ? new DecodeError(decode.code, decode.reason) : new Error(message);
