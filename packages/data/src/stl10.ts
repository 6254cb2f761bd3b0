import { openOfficial } from '#open-official';
import { baseName } from './archive.ts';
import { arrayDataset, type Dataset, type Origin } from './dataset.ts';
import { gunzip, type OfficialFiles, type PublishedOptions } from './official.ts';
import { interleave } from './pixels.ts';
import { publishedPart } from './split.ts';
import { untar } from './tar.ts';

const SIDE = 96;
const FILES = ['train_X.bin', 'train_y.bin', 'test_X.bin', 'test_y.bin'];

/**
 * STL-10: 13,000 photos of 96 by 96 pixels in 10 classes, 8,000 of them for testing. Its 100,000 images without labels are passed over.
 *
 * The official archive is downloaded once (2.6 GB). With `dataDir` it is read from there, or the files in it.
 *
 * @throws {Error} if the files can't be had: it says where to put them.
 * @throws {SyntaxError} if a file is damaged.
 * @example
 * It downloads 2.6 GB, so it is not run here.
 * ```ts no-run
 * import { splitDataset, stl10 } from '@imgcls/data';
 *
 * const { train, validation, test } = splitDataset(await stl10());
 * ```
 * A. Coates, H. Lee and A. Y. Ng 2011, https://cs.stanford.edu/~acoates/stl10/
 */
export const stl10 = (options: PublishedOptions = {}): Promise<Dataset> => readStl10(STL10, options);

/** STL-10 from this archive. */
export async function readStl10(
  official: OfficialFiles & { readonly origin: Origin },
  { split, ...options }: PublishedOptions,
): Promise<Dataset> {
  const files = await openOfficial(official, options);
  const found = new Map<string, Uint8Array>();
  const [archive] = official.files;
  for (const name of FILES) if (files.names.includes(name)) found.set(name, await files.read(name));
  if (found.size === 0 && files.names.includes(archive!.name))
    for await (const { name, bytes } of untar(gunzip(await files.open(archive!.name)), (path) =>
      FILES.includes(baseName(path)),
    )) {
      found.set(baseName(name), bytes);
      if (found.size === FILES.length) break; // what comes after has no labels
    }
  const [trainImages, trainLabels, testImages, testLabels] = FILES.map((name) => {
    const bytes = found.get(name);
    if (bytes) return bytes;
    throw new Error(
      `${official.name}: ${files.where} must hold ${archive!.name} or ${FILES.join(', ')}, got no ${name}`,
    );
  }) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  const size = 3 * SIDE * SIDE;
  const labels = [...trainLabels, ...testLabels].map((label) => label - 1);
  if (trainImages.length !== trainLabels.length * size || testImages.length !== testLabels.length * size)
    throw new SyntaxError(
      `${official.name}: files must hold ${size} bytes for each label, got another number; are they complete?`,
    );
  const data = new Uint8Array(labels.length * size);
  labels.forEach((_, i) => {
    const [images, at] = i < trainLabels.length ? [trainImages, i] : [testImages, i - trainLabels.length];
    interleave(images.subarray(at * size, (at + 1) * size), data.subarray(i * size, (i + 1) * size), SIDE, {
      columnsFirst: true,
    });
  });
  const dataset = arrayDataset({
    data,
    height: SIDE,
    width: SIDE,
    channels: 3,
    labels,
    classes: ['airplane', 'bird', 'car', 'cat', 'deer', 'dog', 'horse', 'monkey', 'ship', 'truck'],
    origin: official.origin,
    split: (index) => (index < trainLabels.length ? 'train' : 'test'),
  });
  return publishedPart(dataset, split);
}

// Size and checksum: TensorFlow Datasets, url_checksums/stl10.txt.
export const STL10: OfficialFiles & { origin: Origin } = {
  name: 'stl-10',
  baseUrls: ['http://ai.stanford.edu/~acoates/stl10/'],
  files: [
    {
      name: 'stl10_binary.tar.gz',
      sizeBytes: 2_640_397_119,
      sha256: 'f31fd99273a1acb8609c8db427cebb1de3f71de77758cdc0e22956e1289b9866',
    },
  ],
  unpacksTo: 'stl10_binary',
  origin: {
    name: 'STL-10',
    url: 'https://cs.stanford.edu/~acoates/stl10/',
    license: 'none stated; images come from ImageNet',
    attribution: 'A. Coates, H. Lee and A. Y. Ng, 2011',
  },
};
