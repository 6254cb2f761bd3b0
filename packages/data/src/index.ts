export type { StoredImage } from '#cache-file';
export { openOfficial } from '#open-official';
export { type Affine, affine, type RandomAffineOptions, randomAffine, randomRotation, rotate } from './affine.ts';
export { cachedInFile, type FileCachedDataset, type FileCacheOptions } from './cached-in-file.ts';
export type { ChanceOptions } from './chance.ts';
export { type Cifar100Options, cifar10, cifar10Classes, cifar100 } from './cifar.ts';
export {
  adjustBrightness,
  adjustContrast,
  adjustHue,
  adjustSaturation,
  type ColorJitterOptions,
  colorJitter,
  type JitterRange,
  randomGrayscale,
} from './color.ts';
export { type RandomChoiceOptions, randomApply, randomChoice, randomOrder } from './combined.ts';
export {
  centerCrop,
  fiveCrop,
  horizontalFlip,
  pad,
  type RandomCropOptions,
  type RandomResizedCropOptions,
  randomCrop,
  randomResizedCrop,
  tenCrop,
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
export { type EmnistOptions, type EmnistSet, emnist } from './emnist.ts';
export { type RandomErasingOptions, randomErasing } from './erasing.ts';
export {
  type ClassCount,
  type ExaminedFile,
  type ExamineOptions,
  examineFolder,
  type FolderReport,
} from './examine.ts';
export type { FileSource, ImageFile } from './file-tree.ts';
export type { Fill } from './fill.ts';
export {
  adjustSharpness,
  type GaussianBlurOptions,
  type GaussianNoiseOptions,
  gaussianBlur,
  gaussianNoise,
  randomAdjustSharpness,
} from './filter.ts';
export { fromModule } from './from-module.ts';
export { type Channels, type Image, toChannels } from './image.ts';
export { imageFiles, imageFolder } from './image-folder.ts';
export { type ImageParquet, type ImageParquetOptions, imageParquet } from './image-parquet.ts';
export { imageShards } from './image-shards.ts';
export { type ImageTableOptions, imageTable } from './image-table.ts';
export { type ImagenetOptions, imagenet } from './imagenet.ts';
export { jpeg, randomJpeg } from './jpeg.ts';
export { classCounts, shownClasses } from './label-sets.ts';
export type { ImageFolder, ImageFolderOptions, SkippedFile } from './labelled-files.ts';
export {
  type Batch,
  type Loader,
  type LoaderOptions,
  loader,
  type Normalization,
  type SkippedExample,
  stackImages,
  type Transform,
} from './loader.ts';
export { anyMix, type BatchTransform, cutMix, type MixOptions, mixUp } from './mix.ts';
export { fashionMnist, kmnist, mnist } from './mnist.ts';
export type {
  DownloadOptions,
  DownloadProgress,
  OfficialFile,
  OfficialFiles,
  OpenFiles,
  PublishedOptions,
} from './official.ts';
export {
  type Corners,
  type ElasticOptions,
  elasticTransform,
  type Point,
  perspective,
  type RandomPerspectiveOptions,
  randomPerspective,
} from './perspective.ts';
export {
  caltech101,
  euroSat,
  flowers102,
  food101,
  type ImagenetteOptions,
  imagenette,
  oxfordIiitPet,
  type PhotoSetOptions,
} from './photo-sets.ts';
export { type PhotometricDistortOptions, randomChannelPermutation, randomPhotometricDistort } from './photometric.ts';
export {
  type AugMixOptions,
  type AutoAugmentPolicy,
  augMix,
  autoAugment,
  type RandAugmentOptions,
  randAugment,
  type TrivialAugmentOptions,
  trivialAugmentWide,
} from './policies.ts';
export { type Preprocessing, parsePreprocessing, preprocess, preprocessor } from './preprocessing.ts';
export { type OpenPublished, publishedDatasets } from './published.ts';
export { byRecipe, type FilePart, type Kept, type Recipe } from './recipe.ts';
export { type ResizeFilter, type ResizeOptions, resize, resizeShorterSide } from './resize.ts';
export { classBalanced, repeated, type SampleOptions, type Sampler, weighted } from './sampler.ts';
export { type DivisionOptions, type Fold, foldDataset, type SplitOptions, splitDataset } from './split.ts';
export {
  type ManifestOptions,
  type SplitByManifestOptions,
  type SplitFile,
  type SplitManifest,
  splitByManifest,
  splitManifest,
} from './split-manifest.ts';
export { imageStatistics } from './statistics.ts';
export { stl10 } from './stl10.ts';
export { svhn } from './svhn.ts';
export {
  autocontrast,
  equalize,
  invert,
  posterize,
  randomAutocontrast,
  randomEqualize,
  randomInvert,
  randomPosterize,
  randomSolarize,
  solarize,
} from './tone.ts';
export type { Interpolation, WarpOptions } from './warp.ts';
