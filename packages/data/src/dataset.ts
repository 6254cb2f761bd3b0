import type { Random } from '@imgcls/random';
import type { Channels, Image } from './image.ts';
import { byRecipe, recipesOf } from './recipe.ts';

/** An image and what it shows: an index into the data set's `classes`, or into its `labelSets`. */
export interface Example {
  readonly image: Image;
  readonly label: number;
}

/** The three parts of a data set: to learn from, to choose by, to be judged by. */
export type Split = 'train' | 'validation' | 'test';

/** Where a data set comes from, for whoever uses or cites it. */
export interface Origin {
  readonly name: string;
  readonly url: string;
  readonly license: string;
  /** The authors, as the license or good manners want them named. */
  readonly attribution: string;
}

/**
 * A finite list of labelled images: `length` and `get(index)` are all it takes to write one.
 *
 * The optional members let others do without decoding: `label` for splits by class, `source` for errors that name a file.
 */
export interface Dataset {
  readonly length: number;
  /** The names that labels index. */
  readonly classes: readonly string[];
  /**
   * Where an image may show several classes, or none: labels then index these instead, sets of indices into `classes`. That they are there is what
   * makes a data set multi-label. Equal ones may stand in it more than once.
   */
  readonly labelSets?: readonly (readonly number[])[];
  /** The example at `index` in `[0, length)`. `random` belongs to this example in this epoch: only a data set that augments uses it. */
  get(index: number, random?: Random): Example | Promise<Example>;
  /** The label at `index`, without its image. */
  label?(index: number): number;
  /** Where the image at `index` comes from: a file's path, as errors and reports name it. */
  source?(index: number): string;
  /** The file of the image at `index` as it is stored, for hashes of contents. */
  bytes?(index: number): Promise<Uint8Array>;
  /** The part that the publisher of the data has put this example in, if any: `splitDataset` keeps to it. */
  split?(index: number): Split | undefined;
  /** The images as one array, where they lie in memory like that: the loader then copies them without touching each. */
  readonly packed?: PackedImages;
  readonly origin?: Origin;
}

/** Images of one size in one array. */
export interface PackedImages {
  /** `[rows, height, width, channels]`. */
  readonly data: Uint8Array;
  readonly height: number;
  readonly width: number;
  readonly channels: Channels;
  /** The row of `data` that holds example `i` is `rows[i]`. */
  readonly rows: Int32Array;
  /** The label of example `i`. */
  readonly labels: Int32Array;
}

/** What `arrayDataset` is made of. */
export interface ArrayDatasetOptions {
  /** All images, `[n, height, width, channels]`. Used in place, not copied. */
  data: Uint8Array;
  height: number;
  width: number;
  channels: Channels;
  /** `[n]`, indices into `classes`; or a list of such for each image, which may show several classes or none. */
  labels: ArrayLike<number> | readonly (readonly number[])[];
  classes: readonly string[];
  split?: (index: number) => Split | undefined;
  origin?: Origin;
}

/**
 * A data set of images that lie in memory, one after the other.
 *
 * @throws {RangeError} if the data is not `n · height · width · channels` bytes for `n` labels, or a label names no class.
 * @example
 * ```ts
 * import { arrayDataset } from '@imgcls/data';
 *
 * const data = Uint8Array.from([0, 0, 255, 255]); // two images of 2 by 1 gray pixels
 * const pairs = arrayDataset({ data, height: 2, width: 1, channels: 1, labels: [0, 1], classes: ['dark', 'bright'] });
 * console.log(pairs.length, pairs.classes[pairs.label(1)]); // => 2 bright
 * ```
 */
export function arrayDataset(options: ArrayDatasetOptions): PackedDataset {
  const { data, height, width, channels, classes, split, origin } = options;
  const labelSets = isSets(options.labels) ? options.labels : undefined;
  const labels = labelSets ? Int32Array.from(labelSets.keys()) : Int32Array.from(options.labels as ArrayLike<number>);
  const expected = labels.length * height * width * channels;
  if (data.length !== expected)
    throw new RangeError(
      `arrayDataset: data must have ${labels.length} labels x ${height} x ${width} x ${channels} = ${expected} bytes, got ${data.length}`,
    );
  const isStray = (label: number): boolean => !(label >= 0 && label < classes.length);
  const stray = labelSets ? labelSets.findIndex((set) => set.some(isStray)) : labels.findIndex(isStray);
  if (stray >= 0)
    throw new RangeError(
      `arrayDataset: labels must be in [0, ${classes.length}), the number of classes, got ${options.labels[stray]} at ${stray}`,
    );
  const rows = Int32Array.from({ length: labels.length }, (_, i) => i);
  return fromPacked({ data, height, width, channels, rows, labels }, classes, {
    ...(labelSets && { labelSets }),
    ...(split && { split }),
    ...(origin && { origin }),
  });
}

const isSets = (labels: ArrayDatasetOptions['labels']): labels is readonly (readonly number[])[] =>
  Array.isArray(labels[0]);

/** A data set whose images lie in memory: `get` gives them at once, as views. */
export interface PackedDataset extends Dataset {
  get(index: number): Example;
  label(index: number): number;
  readonly packed: PackedImages;
}

function fromPacked(
  packed: PackedImages,
  classes: readonly string[],
  rest: Pick<Dataset, 'labelSets' | 'split' | 'source' | 'origin'>,
): PackedDataset {
  const { labels } = packed;
  const label = (index: number): number => labels[checkIndex(index, labels.length)]!;
  return {
    ...rest,
    length: labels.length,
    classes,
    label,
    get: (index) => ({ label: label(index), image: packedImage(packed, index) }),
    packed,
  };
}

/** Example `index` of the images, as a view into their array. */
export function packedImage({ data, height, width, channels, rows }: PackedImages, index: number): Image {
  const size = height * width * channels;
  const offset = rows[index]! * size;
  return { data: data.subarray(offset, offset + size), height, width, channels };
}

/**
 * The examples at these indices, in this order.
 *
 * @throws {RangeError} if an index is not in `[0, dataset.length)`.
 */
export function subset(dataset: Dataset, indices: ArrayLike<number>): Dataset {
  const at = Int32Array.from(indices, (index) => checkIndex(index, dataset.length));
  const original = (index: number): number => at[checkIndex(index, at.length)]!;
  const { label, labelSets, source, bytes, split, packed, origin, classes } = dataset;
  const named = {
    ...(labelSets && { labelSets }),
    ...(source && { source: (index: number) => source.call(dataset, original(index)) }),
    ...(bytes && { bytes: (index: number) => bytes.call(dataset, original(index)) }),
    ...(split && { split: (index: number) => split.call(dataset, original(index)) }),
    ...(origin && { origin }),
  };
  if (packed) {
    const rows = at.map((index) => packed.rows[index]!);
    return fromPacked({ ...packed, rows, labels: at.map((index) => packed.labels[index]!) }, classes, named);
  }
  const recipe = recipesOf(dataset);
  return {
    ...named,
    length: at.length,
    classes,
    get:
      recipe && label
        ? byRecipe(
            (index) => recipe(original(index)),
            (index) => label.call(dataset, original(index)),
          )
        : (index, random) => dataset.get(original(index), random),
    ...(label && { label: (index: number) => label.call(dataset, original(index)) }),
  };
}

/** The data set with `change` applied to every image as it is read: a resize, a crop, a preprocessing. */
export function mapped(dataset: Dataset, change: (image: Image) => Image): Dataset {
  const recipe = recipesOf(dataset);
  if (recipe && dataset.label)
    return withGet(
      dataset,
      byRecipe((index) => {
        const inner = recipe(index);
        return { ...inner, changes: [...(inner.changes ?? []), change] };
      }, dataset.label.bind(dataset)),
    );
  const apply = ({ image, label }: Example): Example => ({ image: change(image), label });
  return withGet(dataset, (index, random) => {
    const example = dataset.get(index, random);
    return example instanceof Promise ? example.then(apply) : apply(example);
  });
}

/** What `cached` may use. */
export interface CacheOptions {
  /** Images are kept while they fit; later ones are read anew each time. Default 1 GiB. */
  maxBytes?: number;
}

/**
 * The data set, remembering every image it has read: decode and resize once, not once an epoch.
 *
 * Put it after what is the same in every epoch and makes images small: `cached(mapped(photos, resize(64, 64)))`.
 */
export function cached(dataset: Dataset, { maxBytes = 2 ** 30 }: CacheOptions = {}): Dataset {
  const kept = new Map<number, Image>();
  let bytes = 0;
  const keep = (index: number, image: Image): Image => {
    if (!kept.has(index) && bytes + image.data.length <= maxBytes) {
      kept.set(index, image);
      bytes += image.data.length;
    }
    return image;
  };
  const recipe = recipesOf(dataset);
  if (recipe && dataset.label)
    return withGet(
      dataset,
      byRecipe((index) => {
        const file = kept.get(index);
        if (file) return { file };
        const inner = recipe(index);
        return { ...inner, kept: { after: inner.changes?.length ?? 0, keep: (image) => keep(index, image) } };
      }, dataset.label.bind(dataset)),
    );
  const labels = new Map<number, number>();
  const keepExample = (index: number, { image, label }: Example): Example => {
    labels.set(index, label);
    return { image: keep(index, image), label };
  };
  return withGet(dataset, (index) => {
    const image = kept.get(index);
    if (image) return { image, label: labels.get(index)! };
    const example = dataset.get(index);
    return example instanceof Promise ? example.then((read) => keepExample(index, read)) : keepExample(index, example);
  });
}

/** The data set with other images: what it says of itself stays, the packed array does not. */
export function withGet(dataset: Dataset, get: Dataset['get']): Dataset {
  const { length, classes, labelSets, label, source, bytes, split, origin } = dataset;
  return {
    length,
    classes,
    get,
    ...(labelSets && { labelSets }),
    ...(label && { label: label.bind(dataset) }),
    ...(source && { source: source.bind(dataset) }),
    ...(bytes && { bytes: bytes.bind(dataset) }),
    ...(split && { split: split.bind(dataset) }),
    ...(origin && { origin }),
  };
}

/** The index, once it is sure that it is one. */
export function checkIndex(index: number, length: number): number {
  if (!(Number.isInteger(index) && index >= 0 && index < length))
    throw new RangeError(`dataset: index must be an integer in [0, ${length}), got ${index}`);
  return index;
}
