import { openOfficial } from '#open-official';
import { baseName, streamOf } from './archive.ts';
import { arrayDataset, type Dataset, type Origin } from './dataset.ts';
import { parseIdx } from './idx.ts';
import { gunzip, type OfficialFiles, type OpenFiles, type PublishedOptions, readAll } from './official.ts';
import { interleave } from './pixels.ts';
import { publishedPart } from './split.ts';
import { entriesOfZip, unzip } from './zip.ts';

/** What EMNIST's characters are taken for. */
export type EmnistSet = 'balanced' | 'byclass' | 'bymerge' | 'letters' | 'digits' | 'mnist';

/** Which of EMNIST's six sets. */
export interface EmnistOptions extends PublishedOptions {
  /** Default `balanced`: 131,600 characters in 47 classes, capitals and small letters that look alike as one. */
  set?: EmnistSet;
}

const DIGITS = '0123456789';
const CAPITALS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const MERGED = `${DIGITS}${CAPITALS}abdefghnqrt`;

const CLASSES: Readonly<Record<EmnistSet, string>> = {
  balanced: MERGED,
  bymerge: MERGED,
  byclass: `${DIGITS}${CAPITALS}${CAPITALS.toLowerCase()}`,
  letters: CAPITALS.toLowerCase(), // both cases, labels from 1
  digits: DIGITS,
  mnist: DIGITS,
};

/**
 * EMNIST: handwritten letters and digits of 28 by 28 gray pixels, as MNIST, in six sets.
 *
 * The official archive is downloaded once (562 MB). With `dataDir` it is read from there, or the files in it.
 *
 * @throws {Error} if the files can't be had: it says where to put them.
 * @throws {SyntaxError} if a file is damaged.
 * @example
 * It downloads 562 MB, so it is not run here.
 * ```ts no-run
 * import { emnist, splitDataset } from '@imgcls/data';
 *
 * const { train, validation, test } = splitDataset(await emnist({ set: 'letters' }));
 * ```
 * G. Cohen et al. 2017, https://www.nist.gov/itl/products-and-services/emnist-dataset
 */
export const emnist = (options: EmnistOptions = {}): Promise<Dataset> => readEmnist(EMNIST, options);

/** EMNIST from this archive. */
export async function readEmnist(
  official: OfficialFiles & { readonly origin: Origin },
  { set = 'balanced', split, ...options }: EmnistOptions,
): Promise<Dataset> {
  const files = await openOfficial(official, options);
  const read = await reader(files, official);
  const [train, test] = [
    await readPart(read, official.name, `emnist-${set}-train`),
    await readPart(read, official.name, `emnist-${set}-test`),
  ];
  const count = train.labels.length;
  const first = set === 'letters' ? 1 : 0;
  const data = new Uint8Array(train.images.length + test.images.length);
  const size = SIDE * SIDE;
  for (const [images, start] of [
    [train.images, 0],
    [test.images, train.images.length],
  ] as const)
    for (let at = 0; at < images.length; at += size)
      interleave(images.subarray(at, at + size), data.subarray(start + at, start + at + size), SIDE, {
        columnsFirst: true,
      });
  const dataset = arrayDataset({
    data,
    height: SIDE,
    width: SIDE,
    channels: 1,
    labels: [...train.labels, ...test.labels].map((label) => label - first),
    classes: [...CLASSES[set]],
    origin: official.origin,
    split: (index) => (index < count ? 'train' : 'test'),
  });
  return publishedPart(dataset, split);
}

const SIDE = 28;

type Read = (name: string) => Promise<Uint8Array>;

/** Reads files that lie there as they are, zipped each, or all in the archive. */
async function reader(files: OpenFiles, { name: where, files: [archive] }: OfficialFiles): Promise<Read> {
  const zip = files.names.includes(archive!.name) ? await files.at(archive!.name) : undefined;
  const entries = zip === undefined ? [] : await entriesOfZip(zip, `${where}: ${archive!.name}`);
  return async (name) => {
    const found = [name, `${name}.gz`].find((one) => files.names.includes(one));
    if (found) return readAll(files, found);
    const entry = entries.find(({ path }) => baseName(path) === `${name}.gz`);
    if (zip === undefined || !entry)
      throw new Error(
        `${where}: ${files.where} must hold ${name}.gz, or ${archive!.name} with it, got ${files.names.join(', ') || 'an empty folder'}`,
      );
    return new Uint8Array(await new Response(gunzip(streamOf(unzip(zip, entry)))).arrayBuffer());
  };
}

async function readPart(read: Read, where: string, stem: string): Promise<{ images: Uint8Array; labels: Uint8Array }> {
  const images = parseIdx(await read(`${stem}-images-idx3-ubyte`), `${where}: ${stem}-images-idx3-ubyte`);
  const labels = parseIdx(await read(`${stem}-labels-idx1-ubyte`), `${where}: ${stem}-labels-idx1-ubyte`);
  if (`${images.shape}` !== `${[labels.shape[0], SIDE, SIDE]}`)
    throw new SyntaxError(
      `${where}: ${stem} must be images of ${SIDE} x ${SIDE} pixels with a label each, got shapes [${images.shape}] and [${labels.shape}]`,
    );
  return { images: images.data, labels: labels.data };
}

// Size and checksum: TensorFlow Datasets, url_checksums/emnist.txt.
export const EMNIST: OfficialFiles & { origin: Origin } = {
  name: 'emnist',
  baseUrls: ['https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/', 'https://biometrics.nist.gov/cs_links/EMNIST/'],
  files: [
    {
      name: 'gzip.zip',
      sizeBytes: 561_753_746,
      sha256: 'fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e',
    },
  ],
  unpacksTo: 'gzip',
  origin: {
    name: 'EMNIST',
    url: 'https://www.nist.gov/itl/products-and-services/emnist-dataset',
    license: 'none stated; made from NIST Special Database 19',
    attribution: 'G. Cohen, S. Afshar, J. Tapson and A. van Schaik, 2017',
  },
};
