import { type Random, random } from '@imgcls/random';
import { batchMemory } from './batch-memory.ts';
import type { Dataset } from './dataset.ts';
import { type Description, describedAll } from './description.ts';
import { type Channels, type Image, sizeOf } from './image.ts';
import { errorOf, type Outcome, outcomeOf, type Problem, plainRecipes, type Stream } from './job.ts';
import { multiHot } from './label-sets.ts';
import type { BatchTransform } from './mix.ts';
import { checkWhole } from './numbers.ts';
import { packedBatches } from './packed-batch.ts';
import { readAhead } from './read-ahead.ts';
import { follow, type Recipe, recipesOf } from './recipe.ts';
import { type Sampler, shuffled } from './sampler.ts';
import { type WorkerGroup, workerGroup } from './worker-pool.ts';

/** What a network sees at once: images of one size and their labels, on the host. */
export interface Batch {
  /** `[n, height, width, channels]`: bytes 0..255, or floats. */
  readonly images: Uint8Array | Float32Array;
  readonly shape: readonly [n: number, height: number, width: number, channels: number];
  /** Class indices, `[n]`; or probabilities, `[n, classes]`. */
  readonly labels: Int32Array | Float32Array;
  /** Whether images may show several classes, or none: `labels` then say of each class whether it is shown, 0 or 1 (mixed: between). */
  readonly multiLabel?: boolean;
  /** Which examples of the data set these are, `[n]`. */
  readonly indices: Int32Array;
  /** What the network wants its input normalised by: `(image / 255 - mean) / std`. */
  readonly normalization?: Normalization;
}

/** Mean and standard deviation of each channel, of values scaled to `[0, 1]`. */
export interface Normalization {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** A pure function of an image and of random numbers: it changes neither the image nor anything else. */
export type Transform = (image: Image, random: Random) => Image;

/** How `loader` makes batches. */
export interface LoaderOptions {
  batchSize: number;
  /** A new order each epoch, drawn from the seed. Default false: the data set's order. */
  shuffle?: boolean;
  /** Which examples an epoch consists of, instead of each once: `weighted`, `classBalanced`, `repeated`. */
  sampler?: Sampler;
  /** Default 0. */
  seed?: number;
  /** Applied to every image, one after the other, with random numbers of its own in each epoch. */
  augment?: readonly Transform[];
  /** Applied to every batch, with random numbers of its own: `mixUp`, `cutMix`. */
  mix?: BatchTransform;
  /** Passed on with every batch. */
  normalization?: Normalization;
  /** Leave out the last batch where it is not full. Default false. */
  dropLast?: boolean;
  /** How many batches are read ahead while one is used. Default 2. */
  prefetch?: number;
  /**
   * Threads that decode and augment. They can where the data set's `get` comes from `byRecipe`, as those of image files do, and where all
   * transforms are of this package or of `fromModule`; else, and where no worker can be started, this thread does it. Default 0: this thread.
   */
  workers?: number;
  /** What a file does that gives no image: it ends the loop, or is left out of its batch and listed in `skipped`. Default `error`. */
  onError?: 'error' | 'skip';
}

/** An example that gave no image, why, and how often it has been left out. */
export interface SkippedExample {
  readonly file: string;
  readonly reason: string;
  readonly times: number;
}

/** Batches of a data set, as often as one likes: iterate over an epoch, or over the loader itself for epoch 0. */
export interface Loader extends AsyncIterable<Batch> {
  /** Batches in an epoch. */
  readonly length: number;
  /** What has been left out so far, with `onError: 'skip'`. */
  readonly skipped: readonly SkippedExample[];
  /** The batches of epoch `n` (from 0), from batch number `from` on: a run that stopped in mid-epoch goes on there. */
  epoch(n: number, from?: number): AsyncIterable<Batch>;
}

/**
 * The batches of a data set.
 *
 * All that is random is keyed by (seed, epoch) for the order and by (seed, epoch, index) for the augmentation: the same seed
 * gives the same batches, however far ahead they are read, by how many workers, and wherever an epoch is taken up.
 *
 * @throws {RangeError} if the batch size or prefetch make no sense, or no batch comes of the data set.
 * @throws {Error} while iterating: if an image can't be read or has another size than the rest; the message names it.
 * @example
 * ```ts
 * import { digits, loader } from '@imgcls/data';
 *
 * const batches = loader(await digits(), { batchSize: 64, shuffle: true, seed: 1 });
 * for await (const { shape, labels } of batches.epoch(0)) {
 *   console.log(batches.length, shape, labels.length); // => 29 [ 64, 8, 8, 1 ] 64
 *   break; // stops the reading ahead, too
 * }
 * ```
 */
export function loader(dataset: Dataset, options: LoaderOptions): Loader {
  const { batchSize, seed = 0, augment = [], mix, normalization, dropLast = false, prefetch = 2 } = options;
  const { onError = 'error', workers = 0 } = options;
  checkWhole('loader', 'batchSize', batchSize, 1);
  checkWhole('loader', 'prefetch', prefetch, 0);
  checkWhole('loader', 'workers', workers, 0);
  const sampler = samplerOf(options);
  const size = sampler?.size(dataset) ?? dataset.length;
  const length = dropLast ? Math.floor(size / batchSize) : Math.ceil(size / batchSize);
  if (length === 0)
    throw new RangeError(
      `loader: the data set must fill a batch, got ${size} examples for batchSize ${batchSize}; use fewer per batch or more images`,
    );
  const skipped = new Map<string, SkippedExample>();
  const sources = sourceOf(dataset, augment, workers, prefetch);

  const epoch = (n: number, from = 0): AsyncIterable<Batch> => {
    checkWhole('loader', 'epoch', n, 0);
    checkWhole('loader', 'from', from, 0);
    const order = sampler?.draw(dataset, random(seed, 'shuffle', n));
    const forks = forksOf(sampler === shuffled ? undefined : order);
    const source = sources([seed, 'augment', n]);
    const batch = (number: number): Batch | undefined | Promise<Batch | undefined> => {
      const start = number * batchSize;
      const count = Math.min(batchSize, size - start);
      const indices = order?.slice(start, start + count) ?? Int32Array.from({ length: count }, (_, i) => start + i);
      const complete = (read: Read): Batch | undefined => {
        if (read.problems.length > 0) note(read.problems);
        if (read.indices.length === 0) return undefined; // all of them are skipped
        const { problems: _, ...made } = read;
        const labels = dataset.labelSets && { labels: multiHot(made.labels, dataset), multiLabel: true };
        const batch = { ...made, ...labels, ...(normalization && { normalization }) };
        return mix ? mix(batch, random(seed, 'mix', n, number)) : batch;
      };
      const read = source.read(indices, (i) => forks(indices[i]!, start + i));
      return read instanceof Promise ? read.then(complete) : complete(read);
    };
    return present(readAhead(batch, from, length, prefetch), () => source.stop());
  };

  const note = (problems: readonly Failed[]): void => {
    for (const { index, problem } of problems) {
      const file = nameOf(dataset, index);
      if (onError === 'error' || !problem.decode)
        throw new Error(`loader: could not read ${file}: ${problem.message}`, { cause: errorOf(problem) });
      const { reason } = problem.decode;
      const key = `${file}\n${reason}`;
      skipped.set(key, { file, reason, times: (skipped.get(key)?.times ?? 0) + 1 });
    }
  };

  return {
    length,
    epoch,
    get skipped() {
      return [...skipped.values()];
    },
    [Symbol.asyncIterator]: () => epoch(0)[Symbol.asyncIterator](),
  };
}

function samplerOf({ shuffle, sampler }: LoaderOptions): Sampler | undefined {
  if (shuffle && sampler)
    throw new RangeError('loader: shuffle or sampler must be given, got both; a sampler shuffles');
  return sampler ?? (shuffle ? shuffled : undefined);
}

/**
 * What names the random numbers of an example in an epoch, by its index and its place: the index when it comes up for the first time, and
 * how often it has come up before, too, when it does so again.
 */
function forksOf(order: Int32Array | undefined): (index: number, place: number) => readonly number[] {
  if (!order) return (index) => [index];
  const seen = new Map<number, number>();
  const times = order.map((index) => {
    const before = seen.get(index) ?? 0;
    seen.set(index, before + 1);
    return before;
  });
  return (index, place) => (times[place] === 0 ? [index] : [index, times[place]!]);
}

/** The batches but those of which everything is skipped. `stop` is called however the reader leaves. */
async function* present(batches: AsyncIterable<Batch | undefined>, stop: () => void): AsyncGenerator<Batch> {
  try {
    for await (const batch of batches) if (batch) yield batch;
  } finally {
    stop();
  }
}

/** What could be read of a batch, and what could not. */
interface Read extends Pick<Batch, 'images' | 'shape' | 'indices'> {
  readonly labels: Int32Array;
  readonly problems: readonly Failed[];
}

interface Failed {
  readonly index: number;
  readonly problem: Problem;
}

/** Where the batches of an epoch come from. */
interface Source {
  /** @param fork What names the random numbers of image `i` of the batch. */
  read(indices: Int32Array, fork: (i: number) => readonly number[]): Read | Promise<Read>;
  /** Nobody waits for batches any more. */
  stop(): void;
}

function sourceOf(
  dataset: Dataset,
  augment: readonly Transform[],
  workers: number,
  prefetch: number,
): (stream: Stream) => Source {
  const stop = () => undefined;
  const packed = dataset.packed && packedBatches(dataset.packed, augment);
  if (packed)
    return (stream) => {
      const keyed = random(...stream);
      const read: Source['read'] = (indices, fork) => {
        const made = packed(indices, (i) => keyed.fork(...fork(i)));
        return { ...made, indices, problems: [] };
      };
      return { read, stop };
    };
  const here = (stream: Stream): Source => {
    const keyed = random(...stream);
    return { read: (indices, fork) => readHere(dataset, augment, indices, (i) => keyed.fork(...fork(i))), stop };
  };
  const recipe = recipesOf(dataset);
  const described = describedAll(augment);
  if (workers > 0 && recipe && dataset.label && described)
    return fromWorkers({ dataset, recipe, augment: described }, workers, prefetch, here);
  return here;
}

/** In this thread, where decoders may have threads of their own. */
async function readHere(
  dataset: Dataset,
  augment: readonly Transform[],
  indices: Int32Array,
  stream: (i: number) => Random,
): Promise<Read> {
  const recipe = dataset.label && recipesOf(dataset);
  const labels = new Int32Array(indices.length);
  const outcomes = await Promise.all(
    Array.from(indices, (index, i) =>
      outcomeOf(async () => {
        const own = stream(i);
        if (recipe) {
          labels[i] = dataset.label!(index);
          return follow(recipe(index), augment, own);
        }
        const { image, label } = await dataset.get(index, own);
        labels[i] = label;
        return augment.reduce((changed, transform) => transform(changed, own), image);
      }),
    ),
  );
  return assembled(dataset, indices, labels, outcomes, undefined);
}

/** What workers can be told. */
interface Described {
  dataset: Dataset;
  recipe: (index: number) => Recipe;
  augment: readonly Description[];
}

/** In worker threads, each of which takes some images of a batch at a time. */
function fromWorkers(
  { dataset, recipe, augment }: Described,
  workers: number,
  prefetch: number,
  here: (stream: Stream) => Source,
): (stream: Stream) => Source {
  const memory = batchMemory(prefetch + 1);
  let expected: Size3 | undefined; // known from the first batch on
  const reader =
    (stream: Stream, group: WorkerGroup): Source['read'] =>
    async (indices, fork) => {
      const recipes = Array.from(indices, recipe);
      const plain = plainRecipes(recipes);
      if (!plain) return here(stream).read(indices, fork);
      const bytes = expected && expected.height * expected.width * expected.channels;
      const buffer = bytes === undefined ? undefined : memory?.take(bytes * indices.length);
      const piece = Math.min(MOST_IMAGES_AT_ONCE, Math.ceil(indices.length / workers));
      const run = async (start: number): Promise<readonly Outcome[]> => {
        const part = plain.slice(start, start + piece);
        const target = buffer && { buffer, offset: start * bytes!, ...expected! };
        const outcomes = await group.run({
          recipes: part,
          augment,
          stream,
          forks: part.map((_, i) => fork(start + i)),
          target,
        });
        outcomes.forEach((outcome, i) => {
          if ('kept' in outcome && outcome.kept) recipes[start + i]!.kept?.keep(outcome.kept);
        });
        return outcomes;
      };
      const starts = Array.from({ length: Math.ceil(indices.length / piece) }, (_, i) => i * piece);
      const outcomes = (await Promise.all(starts.map(run))).flat();
      const target = buffer && { data: new Uint8Array(buffer), ...expected! };
      const labels = indices.map((index) => dataset.label!(index));
      const made = assembled(dataset, indices, labels, outcomes, target);
      const [, height, width, channels] = made.shape;
      expected ??= { height, width, channels };
      return made;
    };
  return (stream) => {
    const group = workerGroup(workers);
    return { read: reader(stream, group), stop: () => group.cancel() };
  };
}

const MOST_IMAGES_AT_ONCE = 8; // for one worker: few enough that all end at about the same time

interface Size3 {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** The images that came of it as one array. Where all of them have been written into the target, that is it. */
function assembled(
  dataset: Dataset,
  indices: Int32Array,
  labels: Int32Array,
  outcomes: readonly Outcome[],
  target: (Size3 & { data: Uint8Array }) | undefined,
): Read {
  const problems = outcomes.flatMap((outcome, i) =>
    'problem' in outcome ? [{ index: indices[i]!, problem: outcome.problem }] : [],
  );
  if (target && outcomes.every((outcome) => 'image' in outcome && outcome.image === 'in target')) {
    const { data, height, width, channels } = target;
    return { images: data, shape: [indices.length, height, width, channels], labels, indices, problems };
  }
  const there = Int32Array.from(outcomes.keys()).filter((i) => 'image' in outcomes[i]!);
  const images = Array.from(there, (i) => {
    const { image } = outcomes[i] as { image: Image | 'in target' };
    return image === 'in target' ? nth(target!, i) : image;
  });
  const kept = { labels: there.map((i) => labels[i]!), indices: there.map((i) => indices[i]!), problems };
  if (images.length === 0) return { images: new Uint8Array(0), shape: [0, 0, 0, 0], ...kept };
  return { ...stackImages(images, (i) => nameOf(dataset, kept.indices[i]!)), ...kept };
}

function nth({ data, height, width, channels }: Size3 & { data: Uint8Array }, i: number): Image {
  const size = height * width * channels;
  return { data: data.subarray(i * size, (i + 1) * size), height, width, channels: channels as Channels };
}

const nameOf = (dataset: Dataset, index: number): string => dataset.source?.(index) ?? `example ${index}`;

/**
 * Images of one size as one array, `[n, height, width, channels]`.
 *
 * @param name How an error names image `i`.
 * @throws {RangeError} if there is none, or they differ in size.
 */
export function stackImages(
  images: readonly Image[],
  name: (i: number) => string = (i) => `image ${i}`,
): Pick<Batch, 'shape'> & { images: Uint8Array } {
  const [first] = images;
  if (!first) throw new RangeError('stackImages: there must be at least one image, got none');
  const { height, width, channels } = first;
  const stacked = new Uint8Array(images.length * first.data.length);
  images.forEach((image, i) => {
    if (image.height !== height || image.width !== width || image.channels !== channels)
      throw new RangeError(
        `loader: images of a batch must have one size, got ${sizeOf(first)} (${name(0)}) and ${sizeOf(image)} (${name(i)}); use mapped(dataset, resize(height, width))`,
      );
    stacked.set(image.data, i * first.data.length);
  });
  return { images: stacked, shape: [images.length, height, width, channels] };
}
