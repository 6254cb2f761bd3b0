import { openOfficial } from '#open-official';
import { baseName } from './archive.ts';
import { arrayDataset, type Dataset, type Origin } from './dataset.ts';
import { byNaturalOrder } from './file-tree.ts';
import { gunzip, type OfficialFiles, type OpenFiles, type PublishedOptions, readAll } from './official.ts';
import { interleave } from './pixels.ts';
import { publishedPart } from './split.ts';
import { untar } from './tar.ts';

/**
 * CIFAR-10: 60,000 photos of 32 by 32 pixels in 10 classes, 10,000 of them for testing.
 *
 * The official binary files are downloaded once (170 MB). With `dataDir` they are read from there: as many `data_batch_N.bin` as lie
 * in it, and `test_batch.bin`. Where that is missing, the test images are those that `splitDataset` holds out of the others.
 *
 * @throws {Error} if the files can't be had: it says where to put them.
 * @throws {SyntaxError} if a file is damaged.
 * @example
 * It downloads 170 MB, so it is not run here.
 * ```ts no-run
 * import { cifar10, splitDataset } from '@imgcls/data';
 *
 * const { train, validation, test } = splitDataset(await cifar10());
 * ```
 * A. Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html
 */
export const cifar10 = (options: PublishedOptions = {}): Promise<Dataset> =>
  readCifar(CIFAR10, CIFAR10_LABELS, options);

/** How `cifar100` names what an image shows. */
export interface Cifar100Options extends PublishedOptions {
  /** 100 classes, or the 20 groups of them. Default `fine`. */
  labels?: 'fine' | 'coarse';
}

/**
 * CIFAR-100: 60,000 photos of 32 by 32 pixels in 100 classes, 10,000 of them for testing.
 *
 * As `cifar10`; the files are `train.bin` and `test.bin`.
 */
export const cifar100 = ({ labels = 'fine', ...options }: Cifar100Options = {}): Promise<Dataset> =>
  readCifar(CIFAR100, CIFAR100_LABELS[labels], options);

/** Where a record holds its label, among how many bytes of labels. */
export interface CifarLabels {
  readonly classes: readonly string[];
  readonly labelBytes: 1 | 2;
  readonly labelAt: 0 | 1;
}

const SIDE = 32;
const PLANE = SIDE * SIDE;

/** @param official The first of its files is the archive. */
export async function readCifar(
  official: OfficialFiles & { readonly origin: Origin },
  { classes, labelBytes, labelAt }: CifarLabels,
  { split, ...options }: PublishedOptions,
): Promise<Dataset> {
  const record = labelBytes + 3 * PLANE;
  const batches = await readBatches(await openOfficial(official, options), official);
  for (const { name, bytes } of batches)
    if (bytes.length === 0 || bytes.length % record !== 0)
      throw new SyntaxError(
        `${official.name}: ${name} must be whole records of ${record} bytes, got ${bytes.length} bytes; is it complete?`,
      );
  const counts = batches.map(({ bytes }) => bytes.length / record);
  const count = counts.reduce((a, b) => a + b, 0);
  const data = new Uint8Array(count * 3 * PLANE);
  const labels = new Int32Array(count);
  const isTest = batches.flatMap(({ name }, i) => Array<boolean>(counts[i]!).fill(name.startsWith('test')));
  let n = 0;
  for (const { bytes } of batches)
    for (let at = 0; at < bytes.length; at += record, n++) {
      labels[n] = bytes[at + labelAt]!;
      interleave(bytes.subarray(at + labelBytes, at + record), data.subarray(n * 3 * PLANE), SIDE);
    }
  const hasTest = isTest.includes(true);
  const dataset = arrayDataset({
    data,
    height: SIDE,
    width: SIDE,
    channels: 3,
    labels,
    classes,
    origin: official.origin,
    ...(hasTest && { split: (index: number) => (isTest[index] ? 'test' : 'train') }),
  });
  return publishedPart(dataset, split);
}

interface BatchFile {
  name: string;
  bytes: Uint8Array;
}

/** The files of records, training first: as they are, or out of the archive. */
async function readBatches(files: OpenFiles, { name, files: [archive] }: OfficialFiles): Promise<BatchFile[]> {
  const batches: BatchFile[] = [];
  const names = files.names.filter(isBatch);
  if (names.length > 0) for (const file of names) batches.push({ name: file, bytes: await readAll(files, file) });
  else if (files.names.includes(archive!.name))
    for await (const entry of untar(gunzip(await files.open(archive!.name)), isBatch))
      batches.push({ name: baseName(entry.name), bytes: entry.bytes });
  if (batches.length === 0)
    throw new Error(
      `${name}: ${files.where} must hold the official binary files (data_batch_1.bin or train.bin, …) or ${archive!.name}, got ${files.names.join(', ') || 'an empty folder'}`,
    );
  return batches.sort((a, b) => Number(isTestBatch(a)) - Number(isTestBatch(b)) || byNaturalOrder(a.name, b.name));
}

const isBatch = (path: string): boolean => /^(data_batch_\d+|test_batch|train|test)\.bin$/.test(baseName(path));
const isTestBatch = ({ name }: BatchFile): boolean => name.startsWith('test');

const origin = (name: string): Origin => ({
  name,
  url: 'https://www.cs.toronto.edu/~kriz/cifar.html',
  license: 'none stated; the authors ask to be cited',
  attribution: 'A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009',
});

// Calls are marked pure so that bundles that read no CIFAR leave them out. Sizes and checksums: TensorFlow Datasets, url_checksums/cifar10.txt and cifar100.txt.
const CIFAR10: OfficialFiles & { origin: Origin } = {
  name: 'cifar-10',
  baseUrls: ['https://www.cs.toronto.edu/~kriz/'],
  files: [
    {
      name: 'cifar-10-binary.tar.gz',
      sizeBytes: 170_052_171,
      sha256: 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd',
    },
  ],
  unpacksTo: 'cifar-10-batches-bin',
  origin: /* @__PURE__ */ origin('CIFAR-10'),
};

const CIFAR100: OfficialFiles & { origin: Origin } = {
  name: 'cifar-100',
  baseUrls: ['https://www.cs.toronto.edu/~kriz/'],
  files: [
    {
      name: 'cifar-100-binary.tar.gz',
      sizeBytes: 168_513_733,
      sha256: '58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec',
    },
  ],
  unpacksTo: 'cifar-100-binary',
  origin: /* @__PURE__ */ origin('CIFAR-100'),
};

const CIFAR10_LABELS: CifarLabels = {
  classes: /* @__PURE__ */ words('airplane automobile bird cat deer dog frog horse ship truck'),
  labelBytes: 1,
  labelAt: 0,
};

/** What the images of CIFAR-10 show, in the order of their labels. */
export const cifar10Classes: readonly string[] = CIFAR10_LABELS.classes;

const CIFAR100_LABELS: Record<'fine' | 'coarse', CifarLabels> = {
  coarse: {
    classes: /* @__PURE__ */ words(
      `aquatic_mammals fish flowers food_containers fruit_and_vegetables household_electrical_devices household_furniture insects
      large_carnivores large_man-made_outdoor_things large_natural_outdoor_scenes large_omnivores_and_herbivores medium_mammals
      non-insect_invertebrates people reptiles small_mammals trees vehicles_1 vehicles_2`,
    ),
    labelBytes: 2,
    labelAt: 0,
  },
  fine: {
    classes: /* @__PURE__ */ words(
      `apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle caterpillar
      cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster
      house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree
      orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose
      sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone
      television tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm`,
    ),
    labelBytes: 2,
    labelAt: 1,
  },
};

function words(text: string): string[] {
  return text.split(/\s+/);
}
