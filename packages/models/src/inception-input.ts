import { add, mul, type Tensor } from '@imgcls/tensor';
import { tensor1d } from '@tensorflow/tfjs-core';

/**
 * Images that were normalised by the statistics of ImageNet, as they are when normalised by mean 0.5 and deviation 0.5: the
 * published weights of the Inception family are for those, and torchvision converts.
 */
export function fromImagenetNormalization(images: Tensor): Tensor {
  const factor = DEVIATION.map((deviation) => deviation / 0.5);
  const offset = MEAN.map((mean) => (mean - 0.5) / 0.5);
  return add(mul(images, tensor1d(factor)), tensor1d(offset));
}

const MEAN = [0.485, 0.456, 0.406];
const DEVIATION = [0.229, 0.224, 0.225];
