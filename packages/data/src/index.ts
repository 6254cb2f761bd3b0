export { type RandomAffineOptions, randomAffine } from './affine.ts';
export { type Cifar100Options, cifar10, cifar100 } from './cifar.ts';
export { type ColorJitterOptions, colorJitter } from './color.ts';
export {
  centerCrop,
  type FlipOptions,
  horizontalFlip,
  type Padding,
  type RandomCropOptions,
  randomCrop,
  verticalFlip,
} from './crop.ts';
export {
  type ArrayDatasetOptions,
  arrayDataset,
  type CacheOptions,
  cached,
  type Dataset,
  type Example,
  mapped,
  type Origin,
  type PackedDataset,
  type PackedImages,
  type Split,
  subset,
} from './dataset.ts';
export { type DecodeOptions, decodeImage } from './decode.ts';
export { DecodeError, type DecodeErrorCode } from './decode-error.ts';
export { digits } from './digits.ts';
export type { FileLike, ImageFile } from './file-tree.ts';
export { type Channels, type Image, toChannels } from './image.ts';
export {
  type ImageFolder,
  type ImageFolderOptions,
  imageFiles,
  imageFolder,
  type SkippedFile,
} from './image-folder.ts';
export {
  type Batch,
  type Loader,
  type LoaderOptions,
  loader,
  type Normalization,
  stackImages,
  type Transform,
} from './loader.ts';
export { fashionMnist, mnist } from './mnist.ts';
export type { DownloadOptions, DownloadProgress, PublishedOptions } from './official.ts';
export { type Preprocessing, parsePreprocessing, preprocess } from './preprocessing.ts';
export { resize } from './resize.ts';
export { type SplitOptions, splitDataset } from './split.ts';
export { imageStatistics } from './statistics.ts';
