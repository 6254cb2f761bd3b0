// Every factory whose transforms a worker can make again from their description.
export { randomAffine, randomRotation } from './affine.ts';
export { colorJitter, randomGrayscale } from './color.ts';
export { randomApply, randomChoice, randomOrder } from './combined.ts';
export { centerCrop, horizontalFlip, randomCrop, randomResizedCrop, verticalFlip } from './crop.ts';
export { randomErasing } from './erasing.ts';
export { gaussianBlur, gaussianNoise, randomAdjustSharpness } from './filter.ts';
export { randomJpeg } from './jpeg.ts';
export { elasticTransform, randomPerspective } from './perspective.ts';
export { randomChannelPermutation, randomPhotometricDistort } from './photometric.ts';
export { augMix, autoAugment, randAugment, trivialAugmentWide } from './policies.ts';
export { preprocessor } from './preprocessing.ts';
export { resize, resizeShorterSide } from './resize.ts';
export {
  randomAutocontrast,
  randomEqualize,
  randomInvert,
  randomPosterize,
  randomSolarize,
} from './tone.ts';
