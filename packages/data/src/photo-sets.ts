import { listFolder } from '#list-folder';
import { openOfficial } from '#open-official';
import { archiveSize, baseName, filesOfTar, partOf, streamOf } from './archive.ts';
import type { Dataset, Origin, Split } from './dataset.ts';
import { byNaturalOrder, type ImageFile, splitNamed } from './file-tree.ts';
import { type LabelledFile, ofFiles } from './labelled-files.ts';
import { type MatValue, parseMat } from './mat.ts';
import { gunzip, type OfficialFiles, type OpenFiles, type PublishedOptions } from './official.ts';
import { bytesOf } from './recipe.ts';
import { publishedPart } from './split.ts';
import { entriesOfZip, unzip } from './zip.ts';

/** A published set of photos: its files, and how they say what is what. */
export interface PhotoSet extends OfficialFiles {
  readonly origin: Origin;
  /** The images among all files, with their classes, in the order of their classes' names unless `classes` says another. */
  readonly label: (files: readonly ImageFile[], name: string) => Promise<LabelledFile[]> | LabelledFile[];
  readonly classes?: readonly string[];
}

/** A set of photos, whose archives are unpacked to one file each, once; with `dataDir` from these archives, or from where they are unpacked. */
export async function readPhotoSet(set: PhotoSet, { split, ...options }: PublishedOptions): Promise<Dataset> {
  const files = await openOfficial(set, options);
  const labelled = await set.label(await filesIn(files, set), set.name);
  if (labelled.length === 0)
    throw new Error(
      `${set.name}: ${files.where} must hold ${set.files.map(({ name }) => name).join(', ')}, or what they unpack to, got ${files.names.slice(0, 5).join(', ') || 'an empty folder'}`,
    );
  const classes = set.classes ?? [...new Set(labelled.map(({ className }) => className))].sort(byNaturalOrder);
  const ordered = [...labelled].sort((a, b) => byNaturalOrder(a.path, b.path));
  return publishedPart({ ...ofFiles(ordered, { classes, prefix: `${set.name}/` }), origin: set.origin }, split);
}

/** All files of all archives; of a folder without archives, the files in it. */
export async function filesIn(files: OpenFiles, official: OfficialFiles): Promise<ImageFile[]> {
  const archives = official.files.filter(({ name }) => files.names.includes(name));
  if (archives.length === 0) return (await listFolder(files.where)).filter((one) => 'file' in one);
  const found: ImageFile[] = [];
  for (const { name } of archives) found.push(...(await filesOf(files, name, official.name)));
  return found;
}

async function filesOf(files: OpenFiles, name: string, where: string): Promise<ImageFile[]> {
  const file = await files.at(name);
  const size = await archiveSize(file);
  if (/\.(tgz|tar\.gz)$/.test(name)) {
    const tar = await files.derived(`${stemOf(name)}-${size}.tar`, async () => gunzip(await files.open(name)));
    return filesOfTar(tar);
  }
  if (name.endsWith('.tar')) return filesOfTar(file);
  if (!name.endsWith('.zip')) return [{ path: name, file }];
  const entries = await entriesOfZip(file, `${where}: ${name}`);
  const inner = entries.find(({ path }) => path.endsWith('.tar.gz'));
  if (inner)
    return filesOfTar(
      await files.derived(`${stemOf(baseName(inner.path))}-${size}.tar`, async () =>
        gunzip(streamOf(unzip(file, inner))),
      ),
    );
  const all = await files.derived(`${stemOf(name)}-${size}.bin`, async () =>
    streamOf(
      (async function* () {
        for (const entry of entries) yield* unzip(file, entry);
      })(),
    ),
  );
  let offset = 0;
  return entries.map(({ path, length }) => {
    offset += length;
    return { path, file: partOf(all, offset - length, length) };
  });
}

const stemOf = (name: string): string => name.replace(/\.(tgz|tar\.gz|zip)$/, '');

/** Which photos: all, or the training or test part. Those of publishers who name a validation part keep it. */
export type PhotoSetOptions = PublishedOptions;

/** How large the photos of `imagenette` are: the shorter side, or as they were. */
export interface ImagenetteOptions extends PublishedOptions {
  /** Default 320. */
  size?: 160 | 320 | 'full';
}

/**
 * Imagenette: 13,394 photos of ten easy classes of ImageNet, 3,925 of them for testing.
 *
 * Downloaded once (341 MB; 99 MB at `size: 160`, 1.6 GB in full), and unpacked into one file.
 *
 * @throws {Error} if the files can't be had: it says where to put them.
 * @example
 * It downloads 341 MB, so it is not run here.
 * ```ts no-run
 * import { imagenette, splitDataset } from '@imgcls/data';
 *
 * const { train, validation, test } = splitDataset(await imagenette());
 * ```
 * J. Howard, https://github.com/fastai/imagenette
 */
export const imagenette = ({ size = 320, ...options }: ImagenetteOptions = {}): Promise<Dataset> =>
  readPhotoSet(IMAGENETTE[size], options);

/**
 * Oxford-IIIT Pet: 7,349 photos of 37 breeds of cats and dogs, 3,669 of them for testing. As `imagenette` (811 MB).
 *
 * O. M. Parkhi et al. 2012, https://www.robots.ox.ac.uk/~vgg/data/pets/
 */
export const oxfordIiitPet = (options: PhotoSetOptions = {}): Promise<Dataset> =>
  readPhotoSet(OXFORD_IIIT_PET, options);

/**
 * Oxford Flowers 102: 8,189 photos of 102 flowers; 1,020 to learn from, 1,020 to choose by, 6,149 for testing. As `imagenette` (345 MB).
 *
 * M.-E. Nilsback and A. Zisserman 2008, https://www.robots.ox.ac.uk/~vgg/data/flowers/102/
 */
export const flowers102 = (options: PhotoSetOptions = {}): Promise<Dataset> => readPhotoSet(FLOWERS_102, options);

/**
 * Food-101: 101,000 photos of 101 dishes, 25,250 of them for testing. As `imagenette` (5 GB).
 *
 * L. Bossard, M. Guillaumin and L. Van Gool 2014, https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101/
 */
export const food101 = (options: PhotoSetOptions = {}): Promise<Dataset> => readPhotoSet(FOOD_101, options);

/**
 * Caltech 101: 8,677 pictures of objects of 101 kinds. As `imagenette` (137 MB); no test part is marked.
 *
 * F.-F. Li, M. Andreeto, M. A. Ranzato and P. Perona 2004, https://data.caltech.edu/records/mzrjq-6wc02
 */
export const caltech101 = (options: PhotoSetOptions = {}): Promise<Dataset> => readPhotoSet(CALTECH_101, options);

/**
 * EuroSAT: 27,000 satellite images of 64 by 64 pixels in 10 kinds of land. As `imagenette` (94 MB); no test part is marked.
 *
 * P. Helber et al. 2019, https://github.com/phelber/EuroSAT
 */
export const euroSat = (options: PhotoSetOptions = {}): Promise<Dataset> => readPhotoSet(EUROSAT, options);

/** Files whose paths match: the groups say the part, if any, and the class. */
function matching(files: readonly ImageFile[], pattern: RegExp): LabelledFile[] {
  return files.flatMap(({ path, file }) => {
    const { part, className } = pattern.exec(path)?.groups ?? {};
    if (className === undefined) return [];
    return [{ path, file, className, split: part === undefined ? undefined : testPart(part) }];
  });
}

/** What is published as validation, where there is no test part, is that. */
const testPart = (part: string): Split | undefined => (splitNamed(part) === 'train' ? 'train' : 'test');

/** A file that says something of the others. @throws {Error} if it is missing. */
async function noteIn(files: readonly ImageFile[], ending: string, where: string): Promise<Uint8Array> {
  const found = files.find(({ path }) => path === ending || path.endsWith(`/${ending}`));
  if (found) return bytesOf(found.file, {});
  throw new Error(`${where}: there must be a file ${ending} among the images, got none; is the download complete?`);
}

const linesIn = (bytes: Uint8Array): string[] => new TextDecoder().decode(bytes).split(/\r?\n/).filter(Boolean);

const imagenetteOf = (name: string, sizeBytes: number, sha256: string): PhotoSet => ({
  name,
  baseUrls: ['https://s3.amazonaws.com/fast-ai-imageclas/'],
  files: [{ name: `${name}.tgz`, sizeBytes, sha256 }],
  unpacksTo: name,
  classes: Object.values(IMAGENETTE_CLASSES),
  label: (files) =>
    matching(files, /(^|\/)(?<part>train|val)\/(?<className>n\d+)\/[^/]+\.JPEG$/).map((file) => ({
      ...file,
      className: IMAGENETTE_CLASSES[file.className] ?? file.className,
    })),
  origin: {
    name: 'Imagenette',
    url: 'https://github.com/fastai/imagenette',
    license: 'Apache-2.0; images come from ImageNet',
    attribution: 'J. Howard, fast.ai',
  },
});

const IMAGENETTE_CLASSES: Readonly<Record<string, string>> = {
  n01440764: 'tench',
  n02102040: 'English springer',
  n02979186: 'cassette player',
  n03000684: 'chain saw',
  n03028079: 'church',
  n03394916: 'French horn',
  n03417042: 'garbage truck',
  n03425413: 'gas pump',
  n03445777: 'golf ball',
  n03888257: 'parachute',
};

// Sizes and SHA-256 in this file: TensorFlow Datasets, url_checksums; MD5: torchvision.
export const IMAGENETTE: Readonly<Record<160 | 320 | 'full', PhotoSet>> = {
  160: /* @__PURE__ */ imagenetteOf(
    'imagenette2-160',
    98_948_031,
    '88daccb09b6fce93f45e6c09ddeb269cce705549e6bff322092a2a5a11489863',
  ),
  320: /* @__PURE__ */ imagenetteOf(
    'imagenette2-320',
    341_553_947,
    '5020a9130cea0348272823cb12d2db7e981c6f2afa3dce71ccd5b8013005c55e',
  ),
  full: /* @__PURE__ */ imagenetteOf(
    'imagenette2',
    1_556_914_727,
    'de32de18a7d8df0114d5e2c3c14cafb9558e8f00441a73aa7953681ad02be49c',
  ),
};

export const OXFORD_IIIT_PET: PhotoSet = {
  name: 'oxford-iiit-pet',
  baseUrls: ['https://www.robots.ox.ac.uk/~vgg/data/pets/data/', 'https://thor.robots.ox.ac.uk/pets/'],
  files: [
    {
      name: 'images.tar.gz',
      sizeBytes: 791_918_971,
      sha256: '67195c5e1c01f1ab5f9b6a5d22b8c27a580d896ece458917e61d459337fa318d',
    },
    {
      name: 'annotations.tar.gz',
      sizeBytes: 19_173_078,
      sha256: '52425fb6de5c424942b7626b428656fcbd798db970a937df61750c0f1d358e91',
    },
  ],
  label: async (files, where) => {
    const photos = new Map(files.map((one) => [/(?:^|\/)images\/([^/]+)\.jpg$/.exec(one.path)?.[1], one]));
    const listed: LabelledFile[] = [];
    for (const [list, split] of [
      ['trainval.txt', 'train'],
      ['test.txt', 'test'],
    ] as const)
      for (const line of linesIn(await noteIn(files, `annotations/${list}`, where))) {
        const [id] = line.split(' ') as [string];
        const photo = photos.get(id);
        if (photo) listed.push({ ...photo, className: id.replace(/_\d+$/, '').replaceAll('_', ' '), split });
      }
    return listed;
  },
  origin: {
    name: 'Oxford-IIIT Pet',
    url: 'https://www.robots.ox.ac.uk/~vgg/data/pets/',
    license: 'CC BY-SA 4.0',
    attribution: 'O. M. Parkhi, A. Vedaldi, A. Zisserman and C. V. Jawahar, 2012',
  },
};

export const FLOWERS_102: PhotoSet = {
  name: 'flowers-102',
  baseUrls: ['https://www.robots.ox.ac.uk/~vgg/data/flowers/102/'],
  files: [
    {
      name: '102flowers.tgz',
      sizeBytes: 344_862_509,
      sha256: '2d01ecc807db462958cfe3d92f57a8c252b4abd240eb955770201e45f783b246',
    },
    {
      name: 'imagelabels.mat',
      sizeBytes: 502,
      sha256: '4903e94206bac23bf772aadf06451916df56b58fc483a62db32a97b82656651d',
    },
    {
      name: 'setid.mat',
      sizeBytes: 14_989,
      sha256: '46b8678f91fd95d3c8f4feab80d271a6c834a1dd896fe29fd3e6ad9ce5c8dccd',
    },
  ],
  classes:
    /* @__PURE__ */ `pink primrose, hard-leaved pocket orchid, canterbury bells, sweet pea, english marigold, tiger lily, moon orchid, bird of paradise,
    monkshood, globe thistle, snapdragon, colt's foot, king protea, spear thistle, yellow iris, globe-flower, purple coneflower, peruvian lily, balloon flower,
    giant white arum lily, fire lily, pincushion flower, fritillary, red ginger, grape hyacinth, corn poppy, prince of wales feathers, stemless gentian, artichoke,
    sweet william, carnation, garden phlox, love in the mist, mexican aster, alpine sea holly, ruby-lipped cattleya, cape flower, great masterwort, siam tulip,
    lenten rose, barbeton daisy, daffodil, sword lily, poinsettia, bolero deep blue, wallflower, marigold, buttercup, oxeye daisy, common dandelion, petunia,
    wild pansy, primula, sunflower, pelargonium, bishop of llandaff, gaura, geranium, orange dahlia, pink-yellow dahlia, cautleya spicata, japanese anemone,
    black-eyed susan, silverbush, californian poppy, osteospermum, spring crocus, bearded iris, windflower, tree poppy, gazania, azalea, water lily, rose,
    thorn apple, morning glory, passion flower, lotus, toad lily, anthurium, frangipani, clematis, hibiscus, columbine, desert-rose, tree mallow, magnolia,
    cyclamen, watercress, canna lily, hippeastrum, bee balm, ball moss, foxglove, bougainvillea, camellia, mallow, mexican petunia, bromelia, blanket flower,
    trumpet creeper, blackberry lily`.split(/,\s+/),
  label: async (files, where) => {
    const labels = numbersIn(await parseMat(await noteIn(files, 'imagelabels.mat', where), where), 'labels', where);
    const parts = await parseMat(await noteIn(files, 'setid.mat', where), where);
    const splitOf = new Map<number, Split>();
    for (const [variable, split] of [
      ['trnid', 'train'],
      ['valid', 'validation'],
      ['tstid', 'test'],
    ] as const)
      for (const id of Array.from(numbersIn(parts, variable, where))) splitOf.set(id, split);
    return files.flatMap((one) => {
      const id = Number(/(?:^|\/)image_(\d+)\.jpg$/.exec(one.path)?.[1]);
      const className = FLOWERS_102.classes![labels[id - 1]! - 1];
      return className === undefined ? [] : [{ ...one, className, split: splitOf.get(id) }];
    });
  },
  origin: {
    name: 'Oxford Flowers 102',
    url: 'https://www.robots.ox.ac.uk/~vgg/data/flowers/102/',
    license: 'none stated',
    attribution: 'M.-E. Nilsback and A. Zisserman, 2008',
  },
};

function numbersIn(variables: ReadonlyMap<string, MatValue>, name: string, where: string): ArrayLike<number> {
  const value = variables.get(name);
  if (value?.kind === 'numbers') return value.data;
  throw new SyntaxError(`${where}: a file must hold the numbers "${name}", got ${[...variables.keys()].join(', ')}`);
}

export const FOOD_101: PhotoSet = {
  name: 'food-101',
  baseUrls: ['http://data.vision.ee.ethz.ch/cvl/'],
  files: [
    {
      name: 'food-101.tar.gz',
      sizeBytes: 4_996_278_331,
      sha256: 'd97d15e438b7f4498f96086a4f7e2fa42a32f2712e87d3295441b2b6314053a4',
    },
  ],
  unpacksTo: 'food-101',
  label: async (files, where) => {
    const tests = new Set(linesIn(await noteIn(files, 'meta/test.txt', where)));
    return matching(files, /(^|\/)images\/(?<className>[^/]+)\/\d+\.jpg$/).map((one) => {
      const [, id] = /([^/]+\/\d+)\.jpg$/.exec(one.path)!;
      return { ...one, className: one.className.replaceAll('_', ' '), split: tests.has(id!) ? 'test' : 'train' };
    });
  },
  origin: {
    name: 'Food-101',
    url: 'https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101/',
    license: 'none; images come from Foodspotting, for scientific use',
    attribution: 'L. Bossard, M. Guillaumin and L. Van Gool, 2014',
  },
};

export const CALTECH_101: PhotoSet = {
  name: 'caltech-101',
  baseUrls: ['https://data.caltech.edu/records/mzrjq-6wc02/files/'],
  files: [{ name: 'caltech-101.zip', md5: '3138e1922a9193bfa496528edbbc45d0' }],
  unpacksTo: 'caltech-101',
  label: (files) =>
    matching(files, /(^|\/)101_ObjectCategories\/(?<className>[^/]+)\/image_\d+\.jpg$/).filter(
      ({ className }) => className !== 'BACKGROUND_Google', // no class: anything else
    ),
  origin: {
    name: 'Caltech 101',
    url: 'https://data.caltech.edu/records/mzrjq-6wc02',
    license: 'CC BY 4.0',
    attribution: 'F.-F. Li, M. Andreeto, M. A. Ranzato and P. Perona, 2004',
  },
};

export const EUROSAT: PhotoSet = {
  name: 'eurosat',
  baseUrls: ['http://madm.dfki.de/files/sentinel/'],
  files: [
    {
      name: 'EuroSAT.zip',
      sizeBytes: 94_280_567,
      sha256: '8ebea626349354c5328b142b96d0430e647051f26efc2dc974c843f25ecf70bd',
    },
  ],
  unpacksTo: '2750',
  label: (files) => matching(files, /(^|\/)(?<className>[A-Z][A-Za-z]+)\/[A-Za-z]+_\d+\.jpg$/),
  origin: {
    name: 'EuroSAT',
    url: 'https://github.com/phelber/EuroSAT',
    license: 'MIT',
    attribution: 'P. Helber, B. Bischke, A. Dengel and D. Borth, 2019',
  },
};
