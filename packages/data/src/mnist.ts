import { openOfficial } from '#open-official';
import { arrayDataset, type Dataset, type Origin } from './dataset.ts';
import { type ByteArray, parseIdx } from './idx.ts';
import { type OfficialFiles, type OpenFiles, type PublishedOptions, readAll } from './official.ts';
import { publishedPart } from './split.ts';

/**
 * MNIST: 70,000 handwritten digits of 28 by 28 gray pixels, 10,000 of them for testing.
 *
 * The official files are downloaded once (12 MB). With `dataDir` they are read from there, gzipped or not; where the test images are
 * missing, they are those that `splitDataset` holds out of the others.
 *
 * @throws {Error} if the files can't be had: it says where to put them.
 * @throws {SyntaxError} if a file is damaged.
 * @example
 * It downloads 12 MB, so it is not run here.
 * ```ts no-run
 * import { mnist, splitDataset } from '@imgcls/data';
 *
 * const { train, validation, test } = splitDataset(await mnist());
 * ```
 * Y. LeCun, C. Cortes and C. J. C. Burges, https://web.archive.org/web/2021/http://yann.lecun.com/exdb/mnist/
 */
export const mnist = (options: PublishedOptions = {}): Promise<Dataset> => readMnist(MNIST, options);

/**
 * Fashion-MNIST: 70,000 pieces of clothing of 28 by 28 gray pixels in 10 classes, 10,000 of them for testing.
 *
 * As `mnist` (31 MB).
 *
 * H. Xiao, K. Rasul and R. Vollgraf 2017, https://github.com/zalandoresearch/fashion-mnist
 */
export const fashionMnist = (options: PublishedOptions = {}): Promise<Dataset> => readMnist(FASHION_MNIST, options);

/**
 * Kuzushiji-MNIST: 70,000 cursive Japanese characters of 28 by 28 gray pixels in 10 classes, 10,000 of them for testing.
 *
 * As `mnist` (21 MB).
 *
 * T. Clanuwat et al. 2018, http://codh.rois.ac.jp/kmnist/
 */
export const kmnist = (options: PublishedOptions = {}): Promise<Dataset> => readMnist(KMNIST, options);

/** Files as MNIST has them, and what their labels mean. */
export interface MnistFiles extends OfficialFiles {
  readonly classes: readonly string[];
  readonly origin: Origin;
}

/** MNIST or one of its kin. */
export async function readMnist(official: MnistFiles, { split, ...options }: PublishedOptions): Promise<Dataset> {
  const { classes, origin } = official;
  const files = await openOfficial(official, options);
  const train = await readPart(files, official.name, 'train');
  const test = files.names.some((name) => name.startsWith('t10k')) && (await readPart(files, official.name, 't10k'));
  const parts = test ? [train, test] : [train];
  const [count, height, width] = train.images.shape as [number, number, number];
  const dataset = arrayDataset({
    data: concatenated(parts.map(({ images }) => images.data)),
    labels: concatenated(parts.map(({ labels }) => labels.data)),
    height,
    width,
    channels: 1,
    classes,
    origin,
    ...(test && { split: (index: number) => (index < count ? 'train' : 'test') }),
  });
  return publishedPart(dataset, split);
}

async function readPart(files: OpenFiles, where: string, prefix: 'train' | 't10k') {
  const read = async (stem: string): Promise<ByteArray> => {
    const name = [stem, `${stem}.gz`].find((candidate) => files.names.includes(candidate));
    if (!name)
      throw new Error(
        `${where}: ${files.where} must hold ${stem} or ${stem}.gz, got ${files.names.join(', ') || 'an empty folder'}`,
      );
    return parseIdx(await readAll(files, name), `${where}: ${name}`);
  };
  const images = await read(`${prefix}-images-idx3-ubyte`);
  const labels = await read(`${prefix}-labels-idx1-ubyte`);
  if (images.shape.length !== 3 || labels.shape.length !== 1 || images.shape[0] !== labels.shape[0])
    throw new SyntaxError(
      `${where}: the ${prefix} files must hold n images and n labels, got shapes [${images.shape}] and [${labels.shape}]`,
    );
  return { images, labels };
}

function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

// Sizes and checksums: TensorFlow Datasets, url_checksums/mnist.txt and fashion_mnist.txt.
const MNIST: MnistFiles = {
  name: 'mnist',
  baseUrls: ['https://storage.googleapis.com/cvdf-datasets/mnist/', 'https://ossci-datasets.s3.amazonaws.com/mnist/'],
  files: [
    {
      name: 'train-images-idx3-ubyte.gz',
      sizeBytes: 9_912_422,
      sha256: '440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609',
    },
    {
      name: 'train-labels-idx1-ubyte.gz',
      sizeBytes: 28_881,
      sha256: '3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c',
    },
    {
      name: 't10k-images-idx3-ubyte.gz',
      sizeBytes: 1_648_877,
      sha256: '8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6',
    },
    {
      name: 't10k-labels-idx1-ubyte.gz',
      sizeBytes: 4_542,
      sha256: 'f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6',
    },
  ],
  classes: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
  origin: {
    name: 'MNIST',
    url: 'https://web.archive.org/web/2021/http://yann.lecun.com/exdb/mnist/',
    license: 'CC BY-SA 3.0',
    attribution: 'Y. LeCun, C. Cortes and C. J. C. Burges, The MNIST database of handwritten digits',
  },
};

const FASHION_MNIST: MnistFiles = {
  name: 'fashion-mnist',
  baseUrls: [
    'https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/',
    'http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/',
  ],
  files: [
    {
      name: 'train-images-idx3-ubyte.gz',
      sizeBytes: 26_421_880,
      sha256: '3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84',
    },
    {
      name: 'train-labels-idx1-ubyte.gz',
      sizeBytes: 29_515,
      sha256: 'a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845',
    },
    {
      name: 't10k-images-idx3-ubyte.gz',
      sizeBytes: 4_422_102,
      sha256: '346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073',
    },
    {
      name: 't10k-labels-idx1-ubyte.gz',
      sizeBytes: 5_148,
      sha256: '67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5',
    },
  ],
  classes: ['T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat', 'Sandal', 'Shirt', 'Sneaker', 'Bag', 'Ankle boot'],
  origin: {
    name: 'Fashion-MNIST',
    url: 'https://github.com/zalandoresearch/fashion-mnist',
    license: 'MIT',
    attribution: 'H. Xiao, K. Rasul and R. Vollgraf, Zalando Research, 2017',
  },
};

// Sizes and checksums: TensorFlow Datasets, url_checksums/kmnist.txt.
const KMNIST: MnistFiles = {
  name: 'kmnist',
  baseUrls: ['http://codh.rois.ac.jp/kmnist/dataset/kmnist/'],
  files: [
    {
      name: 'train-images-idx3-ubyte.gz',
      sizeBytes: 18_165_135,
      sha256: '51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4',
    },
    {
      name: 'train-labels-idx1-ubyte.gz',
      sizeBytes: 29_497,
      sha256: 'e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17',
    },
    {
      name: 't10k-images-idx3-ubyte.gz',
      sizeBytes: 3_041_136,
      sha256: 'edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5',
    },
    {
      name: 't10k-labels-idx1-ubyte.gz',
      sizeBytes: 5_120,
      sha256: '20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c',
    },
  ],
  classes: ['o', 'ki', 'su', 'tsu', 'na', 'ha', 'ma', 'ya', 're', 'wo'],
  origin: {
    name: 'Kuzushiji-MNIST',
    url: 'http://codh.rois.ac.jp/kmnist/',
    license: 'CC BY-SA 4.0',
    attribution:
      'KMNIST Dataset, created by CODH, adapted from Kuzushiji Dataset, created by NIJL and others, doi:10.20676/00000341',
  },
};
