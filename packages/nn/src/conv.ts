import { conv2d as convolve, type Padding2d, type Tensor4D } from '@imgcls/tensor';
import type { Rank } from '@tensorflow/tfjs-core';
import { fanIn, type Initializer, initialize, kaimingUniform, uniform } from './initializers.ts';
import { describe } from './inspect.ts';
import { type Module, module, type Parameter, parameter } from './module.ts';
import { checkCounts, checkInput } from './shape.ts';

export interface Conv2dOptions {
  inChannels: number;
  outChannels: number;
  /** One number for a square, or `[height, width]`. */
  kernelSize: number | [number, number];
  stride?: number | [number, number];
  /** Zeros around the image: the same on all sides, `[height, width]`, or `[[top, bottom], [left, right]]`. */
  padding?: Padding2d;
  dilation?: number | [number, number];
  /** Input and output channels are cut into so many groups, each convolved alone; `inChannels` of them is depthwise. */
  groups?: number;
  /** Whether there is one, or how it starts. By default there is, uniform in `±1/√fanIn`. */
  bias?: boolean | Initializer;
  /** How the weight starts: by default as in PyTorch, uniform in `±1/√fanIn`. */
  weight?: Initializer;
}

/**
 * Two-dimensional convolution of images `[N, H, W, inChannels]` to `[N, H', W', outChannels]`.
 *
 * Parameters: `weight` (`[height, width, inChannels / groups, outChannels]`; on disk `[outChannels, inChannels / groups,
 * height, width]`) and `bias` (`[outChannels]`).
 *
 * @throws {RangeError} if `groups` does not divide both numbers of channels.
 * @example
 * ```ts
 * import { conv2d, summary } from '@imgcls/nn';
 * import { useBackend } from '@imgcls/tensor';
 *
 * await useBackend('cpu');
 * const stem = conv2d({ inChannels: 3, outChannels: 16, kernelSize: 3, stride: 2, padding: 1 });
 * console.log(summary(stem, [32, 32, 3]).outputShape); // => [ 16, 16, 16 ]
 * ```
 */
export function conv2d(
  options: Conv2dOptions,
): Module<{ weight: Parameter<Rank.R4>; bias: Parameter<Rank.R1> | undefined }> {
  const { inChannels, outChannels, kernelSize, stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  const { weight = kaimingUniform({ negativeSlope: Math.sqrt(5) }), bias = true } = options;
  const [height, width] = typeof kernelSize === 'number' ? [kernelSize, kernelSize] : kernelSize;
  checkCounts('conv2d', { inChannels, outChannels, groups, 'kernelSize[0]': height, 'kernelSize[1]': width });
  for (const [name, channels] of Object.entries({ inChannels, outChannels }))
    if (channels % groups !== 0)
      throw new RangeError(`conv2d: ${name} must be divisible by groups, got ${name}=${channels}, groups=${groups}`);

  const shape: [number, number, number, number] = [height, width, inChannels / groups, outChannels];
  return module(
    {
      weight: parameter(initialize<Rank.R4>(shape, weight), { layout: 'conv' }),
      bias: biasParameter(bias, outChannels, fanIn(shape)),
    },
    ({ weight, bias }, x) => {
      checkInput('conv2d', x, { rank: 4, channels: inChannels });
      return convolve(x as Tensor4D, weight, { ...(bias && { bias }), stride, padding, dilation, groups });
    },
    describe(
      'conv2d',
      [inChannels, outChannels],
      [
        ['kernelSize', kernelSize],
        ['stride', stride, 1],
        ['padding', padding, 0],
        ['dilation', dilation, 1],
        ['groups', groups, 1],
        ['bias', bias !== false, true],
      ],
    ),
  );
}

/** The bias of a layer, which PyTorch's convolutions and linear layers start uniform in `±1/√fanIn`. */
export function biasParameter(
  bias: boolean | Initializer,
  size: number,
  inputs: number,
): Parameter<Rank.R1> | undefined {
  if (bias === false) return undefined;
  return parameter(initialize<Rank.R1>([size], bias === true ? uniform(1 / Math.sqrt(inputs)) : bias));
}
