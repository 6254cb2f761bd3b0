import type { ProvidedKernel } from '../kernel.ts';
import { activationGradient } from './activation.ts';
import { convolution, inputGradient, weightGradient } from './conv.ts';
import { crossEntropy } from './loss.ts';
import { linear, linearInputGradient } from './matmul.ts';
import { batchNorm, batchNormGradient, batchNormTraining, channelSum } from './norm.ts';
import { adam, sgd } from './optimizer.ts';
import { avgPoolGradient, maxPool, maxPoolGradient } from './pool.ts';

/**
 * Kernels of ours on TensorFlow's own ops. Those that are not here are composed of tfjs's stock kernels, each of which is one op of TensorFlow
 * too.
 */
export const tensorflowKernels: Readonly<Record<`Imgcls${string}`, ProvidedKernel>> = {
  ImgclsConv2d: convolution,
  ImgclsConv2dInputGradient: inputGradient,
  ImgclsConv2dWeightGradient: weightGradient,
  ImgclsLinear: linear,
  ImgclsLinearInputGradient: linearInputGradient,
  ImgclsBatchNorm: batchNorm,
  ImgclsBatchNormTraining: batchNormTraining,
  ImgclsBatchNormGradient: batchNormGradient,
  ImgclsChannelSum: channelSum,
  ImgclsMaxPool2d: maxPool,
  ImgclsMaxPool2dGradient: maxPoolGradient,
  ImgclsAvgPool2dGradient: avgPoolGradient,
  ImgclsActivationGradient: activationGradient,
  ImgclsCrossEntropy: crossEntropy,
  ImgclsSgdUpdate: sgd,
  ImgclsAdamUpdate: adam,
};
