import { openOfficial } from '#open-official';
import { type ArchivedFile, baseName, filesOfTar } from './archive.ts';
import type { Dataset, Origin } from './dataset.ts';
import { byNaturalOrder } from './file-tree.ts';
import { type LabelledFile, ofFiles } from './labelled-files.ts';
import { type MatValue, parseMat } from './mat.ts';
import type { OfficialFiles, OpenFiles } from './official.ts';
import { filesIn } from './photo-sets.ts';
import { bytesOf } from './recipe.ts';
import { publishedPart } from './split.ts';

/** Where ImageNet's archives lie: they are given out one by one to who has an account, and are not downloaded here. */
export interface ImagenetOptions {
  /** The folder with the archives. */
  dataDir: string;
  /** Only the training or only the validation images, which are those to be tested on. Default: all that are there. */
  split?: 'train' | 'test';
  /** Where what is made of them is kept. Default: the user's cache folder. */
  cacheDir?: string;
}

/**
 * ImageNet (ILSVRC 2012): 1,281,167 photos in 1,000 classes to learn from, and the 50,000 of its validation part for testing.
 *
 * Images are read out of `ILSVRC2012_img_train.tar` and `ILSVRC2012_img_val.tar` as they are, unpacked nowhere; either may be missing.
 * What they show is said by `ILSVRC2012_devkit_t12.tar.gz`. Classes are in the order of their WordNet numbers, as in all pretrained networks.
 *
 * @throws {Error} if the archives are not there. {SyntaxError} if one is damaged.
 * @example
 * It needs the archives, so it is not run here.
 * ```ts no-run
 * import { imagenet } from '@imgcls/data';
 *
 * const photos = await imagenet({ dataDir: 'downloads/imagenet', split: 'test' });
 * ```
 * O. Russakovsky et al. 2015, https://www.image-net.org/challenges/LSVRC/2012/
 */
export async function imagenet({ split, ...options }: ImagenetOptions): Promise<Dataset> {
  const files = await openOfficial(IMAGENET, options);
  const has = (name: string): boolean => files.names.includes(name);
  if (!has(DEVKIT) || !(has(TRAIN) || has(VALIDATION)))
    throw new Error(
      `imagenet: ${files.where} must hold ${DEVKIT}, and ${TRAIN} or ${VALIDATION} or both, got ${files.names.join(', ') || 'an empty folder'}; get them from https://www.image-net.org/download`,
    );
  const { wnids, names, wnidOf, truth } = await readDevkit(files);
  const nameOf = new Map(wnids.map((wnid, i) => [wnid, names[i]!]));
  const listed: LabelledFile[] = [];
  if (has(TRAIN))
    for (const { path: archive, file } of await filesOfTar(await files.at(TRAIN)))
      for (const image of await filesOfTar(file))
        listed.push({ ...placeOf(image), className: nameOf.get(archive.replace(/\.tar$/, ''))!, split: 'train' });
  if (has(VALIDATION))
    for (const image of await filesOfTar(await files.at(VALIDATION))) {
      const number = Number(/_(\d+)\.JPEG$/.exec(image.path)?.[1]);
      listed.push({ ...placeOf(image), className: nameOf.get(wnidOf.get(truth[number - 1]!)!)!, split: 'test' });
    }
  const stray = listed.find(({ className }) => className === undefined);
  if (stray) throw new SyntaxError(`imagenet: every image must be of a class that ${DEVKIT} names, got ${stray.path}`);
  const dataset = ofFiles(listed, { classes: names, prefix: 'imagenet/' });
  return publishedPart({ ...dataset, origin: IMAGENET.origin }, split);
}

const placeOf = ({ path, file }: ArchivedFile) => ({ path, file });

/** Classes in the order of their WordNet numbers; what the validation images show, by their numbers in the devkit. */
async function readDevkit(files: OpenFiles) {
  const inside = await filesIn({ ...files, names: [DEVKIT] }, { ...IMAGENET, files: [{ name: DEVKIT }] });
  const read = async (name: string): Promise<Uint8Array> => {
    const file = inside.find(({ path }) => baseName(path) === name);
    if (!file) throw new SyntaxError(`imagenet: ${DEVKIT} must hold ${name}, got none; is it complete?`);
    return bytesOf(file.file, {});
  };
  const table = (await parseMat(await read('meta.mat'), 'imagenet: meta.mat')).get('synsets');
  if (table?.kind !== 'records') throw new SyntaxError('imagenet: meta.mat must hold the table "synsets", got none');
  const leaves = table.records.filter((record) => numberIn(record.num_children) === 0);
  const wnidOf = new Map(leaves.map((record) => [numberIn(record.ILSVRC2012_ID), textIn(record.WNID)]));
  const wordsOf = new Map(leaves.map((record) => [textIn(record.WNID), textIn(record.words)]));
  const wnids = [...wordsOf.keys()].sort(byNaturalOrder);
  const counts = new Map<string, number>();
  for (const words of wordsOf.values()) counts.set(words, (counts.get(words) ?? 0) + 1);
  const names = wnids.map((wnid) => {
    const words = wordsOf.get(wnid)!;
    return counts.get(words) === 1 ? words : `${words} (${wnid})`; // the bird and the machine are both "crane"
  });
  const truth = new TextDecoder()
    .decode(await read('ILSVRC2012_validation_ground_truth.txt'))
    .trim()
    .split(/\s+/)
    .map(Number);
  return { wnids, names, wnidOf, truth };
}

const numberIn = (value: MatValue | undefined): number => (value?.kind === 'numbers' ? value.data[0]! : Number.NaN);
const textIn = (value: MatValue | undefined): string => (value?.kind === 'text' ? value.text : '');

const TRAIN = 'ILSVRC2012_img_train.tar';
const VALIDATION = 'ILSVRC2012_img_val.tar';
const DEVKIT = 'ILSVRC2012_devkit_t12.tar.gz';

// MD5: torchvision.
export const IMAGENET: OfficialFiles & { origin: Origin } = {
  name: 'imagenet',
  baseUrls: [],
  files: [
    { name: TRAIN, sizeBytes: 147_897_477_120, md5: '1d675b47d978889d74fa0da5fadfb00e' },
    { name: VALIDATION, sizeBytes: 6_744_924_160, md5: '29b22e2961454d5413ddabcf34fc5622' },
    { name: DEVKIT, md5: 'fa75699e90414af021442c21a62c3abf' },
  ],
  origin: {
    name: 'ImageNet (ILSVRC 2012)',
    url: 'https://www.image-net.org/challenges/LSVRC/2012/',
    license: 'for non-commercial research and education, by agreement',
    attribution: 'O. Russakovsky et al., 2015',
  },
};
