import { cifar10, cifar100 } from './cifar.ts';
import type { Dataset } from './dataset.ts';
import { digits } from './digits.ts';
import { emnist } from './emnist.ts';
import { imagenet } from './imagenet.ts';
import { fashionMnist, kmnist, mnist } from './mnist.ts';
import type { PublishedOptions } from './official.ts';
import { caltech101, euroSat, flowers102, food101, imagenette, oxfordIiitPet } from './photo-sets.ts';
import { stl10 } from './stl10.ts';
import { svhn } from './svhn.ts';

/** Opens a published data set. */
export type OpenPublished = (options?: PublishedOptions) => Promise<Dataset>;

/**
 * The published data sets, by the names that command lines use. What each holds, where it comes from and what may be done with it is in the README of this package.
 *
 * @example
 * ```ts
 * import { publishedDatasets } from '@imgcls/data';
 *
 * const digits = await publishedDatasets.digits!();
 * console.log(digits.origin!.license); // => CC BY 4.0
 * ```
 */
export const publishedDatasets: Readonly<Record<string, OpenPublished>> = {
  digits: () => digits(),
  mnist,
  'fashion-mnist': fashionMnist,
  kmnist,
  emnist,
  cifar10,
  cifar100,
  svhn,
  stl10,
  imagenette,
  'oxford-iiit-pet': oxfordIiitPet,
  flowers102,
  food101,
  caltech101,
  eurosat: euroSat,
  imagenet: ({ dataDir, split, cacheDir } = {}) => {
    if (dataDir !== undefined) return imagenet({ dataDir, ...(split && { split }), ...(cacheDir && { cacheDir }) });
    throw new Error(
      'imagenet: its archives are given out to who has an account, and must be named: get them from https://www.image-net.org/download and pass their folder as dataDir',
    );
  },
};
