import { openOfficial } from '#open-official';
import { arrayDataset, type Dataset, type Origin } from './dataset.ts';
import { parseMat } from './mat.ts';
import type { OfficialFiles, OpenFiles, PublishedOptions } from './official.ts';
import { interleave } from './pixels.ts';
import { publishedPart } from './split.ts';

const SIDE = 32;

/**
 * SVHN: 99,289 house numbers' digits from Street View, 32 by 32 pixels in 10 classes, 26,032 of them for testing.
 *
 * The official MATLAB files are downloaded once (246 MB); with `dataDir` they are read from there.
 *
 * @throws {Error} if the files can't be had: it says where to put them.
 * @throws {SyntaxError} if a file is damaged.
 * @example
 * It downloads 246 MB, so it is not run here.
 * ```ts no-run
 * import { splitDataset, svhn } from '@imgcls/data';
 *
 * const { train, validation, test } = splitDataset(await svhn());
 * ```
 * Y. Netzer et al. 2011, http://ufldl.stanford.edu/housenumbers/
 */
export const svhn = (options: PublishedOptions = {}): Promise<Dataset> => readSvhn(SVHN, options);

/** SVHN from these files. */
export async function readSvhn(
  official: OfficialFiles & { readonly origin: Origin },
  { split, ...options }: PublishedOptions,
): Promise<Dataset> {
  const files = await openOfficial(official, options);
  const train = await readPart(files, official.name, 'train');
  const test = await readPart(files, official.name, 'test');
  const data = new Uint8Array(train.planes.length + test.planes.length);
  const size = 3 * SIDE * SIDE;
  let at = 0;
  for (const { planes } of [train, test])
    for (let start = 0; start < planes.length; start += size, at += size)
      interleave(planes.subarray(start, start + size), data.subarray(at, at + size), SIDE, { columnsFirst: true });
  const count = train.labels.length;
  const dataset = arrayDataset({
    data,
    height: SIDE,
    width: SIDE,
    channels: 3,
    labels: [...train.labels, ...test.labels],
    classes: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
    origin: official.origin,
    split: (index) => (index < count ? 'train' : 'test'),
  });
  return publishedPart(dataset, split);
}

/** `X` is `[row, column, colour, image]` with columns first, `y` the digits, 10 for 0. */
async function readPart(files: OpenFiles, where: string, part: 'train' | 'test') {
  const file = `${part}_${SIDE}x${SIDE}.mat`;
  if (!files.names.includes(file))
    throw new Error(`${where}: ${files.where} must hold ${file}, got ${files.names.join(', ') || 'an empty folder'}`);
  const variables = await parseMat(await files.read(file), `${where}: ${file}`);
  const [images, digits] = [variables.get('X'), variables.get('y')];
  const isRight =
    images?.kind === 'numbers' &&
    images.data instanceof Uint8Array &&
    digits?.kind === 'numbers' &&
    images.data.length === 3 * SIDE * SIDE * digits.data.length;
  if (!isRight) throw new SyntaxError(`${where}: ${file} must hold X of 32 x 32 x 3 x n bytes and n labels y`);
  return { planes: images.data as Uint8Array, labels: Array.from(digits.data, (digit) => digit % 10) };
}

// Sizes and checksums: TensorFlow Datasets, url_checksums/svhn_cropped.txt.
export const SVHN: OfficialFiles & { origin: Origin } = {
  name: 'svhn',
  baseUrls: ['http://ufldl.stanford.edu/housenumbers/'],
  files: [
    {
      name: 'train_32x32.mat',
      sizeBytes: 182_040_794,
      sha256: '435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8',
    },
    {
      name: 'test_32x32.mat',
      sizeBytes: 64_275_384,
      sha256: 'cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b',
    },
  ],
  origin: {
    name: 'SVHN',
    url: 'http://ufldl.stanford.edu/housenumbers/',
    license: 'for non-commercial use only',
    attribution: 'Y. Netzer, T. Wang, A. Coates, A. Bissacco, B. Wu and A. Y. Ng, 2011',
  },
};
