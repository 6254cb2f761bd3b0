import { type Random, random } from '@imgcls/random';
import { type Dataset, type Example, type PackedImages, packedImage } from './dataset.ts';
import { type Image, sizeOf } from './image.ts';
import type { BatchTransform } from './mix.ts';
import { checkWhole } from './numbers.ts';
import { readAhead } from './read-ahead.ts';

/** What a network sees at once: images of one size and their labels, on the host. */
export interface Batch {
  /** `[n, height, width, channels]`: bytes 0..255, or floats. */
  readonly images: Uint8Array | Float32Array;
  readonly shape: readonly [n: number, height: number, width: number, channels: number];
  /** Class indices, `[n]`; or probabilities, `[n, classes]`. */
  readonly labels: Int32Array | Float32Array;
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
}

/** Batches of a data set, as often as one likes: iterate over an epoch, or over the loader itself for epoch 0. */
export interface Loader extends AsyncIterable<Batch> {
  /** Batches in an epoch. */
  readonly length: number;
  /** The batches of epoch `n` (from 0), from batch number `from` on: a run that stopped in mid-epoch goes on there. */
  epoch(n: number, from?: number): AsyncIterable<Batch>;
}

/**
 * The batches of a data set.
 *
 * All that is random is keyed by (seed, epoch) for the order and by (seed, epoch, index) for the augmentation: the same seed
 * gives the same batches, however far ahead they are read, and wherever an epoch is taken up.
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
  const {
    batchSize,
    shuffle = false,
    seed = 0,
    augment = [],
    mix,
    normalization,
    dropLast = false,
    prefetch = 2,
  } = options;
  checkWhole('loader', 'batchSize', batchSize, 1);
  checkWhole('loader', 'prefetch', prefetch, 0);
  const length = dropLast ? Math.floor(dataset.length / batchSize) : Math.ceil(dataset.length / batchSize);
  if (length === 0)
    throw new RangeError(
      `loader: the data set must fill a batch, got ${dataset.length} examples for batchSize ${batchSize}; use fewer per batch or more images`,
    );

  const epoch = (n: number, from = 0): AsyncIterable<Batch> => {
    checkWhole('loader', 'epoch', n, 0);
    checkWhole('loader', 'from', from, 0);
    const order = shuffle ? random(seed, 'shuffle', n).permutation(dataset.length) : undefined;
    const keyed = random(seed, 'augment', n);
    const batch = (number: number): Batch | Promise<Batch> => {
      const start = number * batchSize;
      const size = Math.min(batchSize, dataset.length - start);
      const indices = order?.slice(start, start + size) ?? Int32Array.from({ length: size }, (_, i) => start + i);
      const images = dataset.packed
        ? packedBatch(dataset.packed, indices, augment, keyed)
        : readBatch(dataset, indices, augment, keyed);
      const complete = (read: Stacked): Batch => {
        const batch = { ...read, indices, ...(normalization && { normalization }) };
        return mix ? mix(batch, random(seed, 'mix', n, number)) : batch;
      };
      return images instanceof Promise ? images.then(complete) : complete(images);
    };
    return readAhead(batch, from, length, prefetch);
  };
  return { length, epoch, [Symbol.asyncIterator]: () => epoch(0)[Symbol.asyncIterator]() };
}

type Stacked = Pick<Batch, 'images' | 'shape' | 'labels'>;

/** From images in one array: no promise, and without augmentation no object, per image. */
function packedBatch(packed: PackedImages, indices: Int32Array, augment: readonly Transform[], keyed: Random): Stacked {
  const labels = indices.map((index) => packed.labels[index]!);
  if (augment.length > 0) {
    const images = Array.from(indices, (index) => apply(augment, packedImage(packed, index), keyed.fork(index)));
    return { ...stackImages(images), labels };
  }
  const { data, rows, height, width, channels } = packed;
  const size = height * width * channels;
  const images = new Uint8Array(indices.length * size);
  for (let i = 0; i < indices.length; i++) {
    const offset = rows[indices[i]!]! * size;
    images.set(data.subarray(offset, offset + size), i * size);
  }
  return { images, shape: [indices.length, height, width, channels], labels };
}

async function readBatch(
  dataset: Dataset,
  indices: Int32Array,
  augment: readonly Transform[],
  keyed: Random,
): Promise<Stacked> {
  const name = (index: number): string => dataset.source?.(index) ?? `example ${index}`;
  const read = async (index: number): Promise<Example> => {
    try {
      const own = keyed.fork(index);
      const { image, label } = await dataset.get(index, own);
      return { image: apply(augment, image, own), label };
    } catch (error) {
      throw new Error(`loader: could not read ${name(index)}: ${(error as Error).message}`, { cause: error });
    }
  };
  const examples = await Promise.all(Array.from(indices, read));
  const images = examples.map(({ image }) => image);
  return { ...stackImages(images, (i) => name(indices[i]!)), labels: Int32Array.from(examples, ({ label }) => label) };
}

const apply = (transforms: readonly Transform[], image: Image, own: Random): Image =>
  transforms.reduce((changed, transform) => transform(changed, own), image);

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
