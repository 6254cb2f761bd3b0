import { batchNorm, batchNormTraining, layerNorm as normalizeRows, updateRunningStatistics } from '@imgcls/tensor';
import { type Rank, scalar } from '@tensorflow/tfjs-core';
import { constant, type Initializer, initialize } from './initializers.ts';
import { describe } from './inspect.ts';
import { buffer, type Module, module, type Parameter, parameter } from './module.ts';
import { isTraining } from './scope.ts';
import { checkCounts, checkInput } from './shape.ts';

export interface BatchNorm2dOptions {
  /** Added to the variance before its root is taken. Default 1e-5. */
  epsilon?: number;
  /** The share of the new batch in the running statistics, as in PyTorch. Default 0.1. */
  momentum?: number;
  /** Whether the scale `weight` is trained; else it stays 1. Default true. */
  trainableWeight?: boolean;
  /** How the scale starts: by default as 1. */
  weight?: Initializer;
}

/** The state of a batch normalisation, under PyTorch's names. */
export type BatchNorm2dState = {
  weight: Parameter<Rank.R1>;
  bias: Parameter<Rank.R1>;
  running_mean: Parameter<Rank.R1>;
  running_var: Parameter<Rank.R1>;
  num_batches_tracked: Parameter<Rank.R0>;
};

/**
 * Batch normalisation over the last axis: `(x - mean) / √(variance + epsilon) · weight + bias` for each channel.
 *
 * In training, mean and variance are those of the batch, and the running statistics move towards them by `momentum`
 * (the variance by its unbiased estimate, as in PyTorch). In evaluation they are the running ones, and in training, too, when
 * both `weight` and `bias` are frozen.
 *
 * @throws {RangeError} if called with another number of channels, or in training with one value per channel.
 *
 * Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167
 */
export function batchNorm2d(channels: number, options: BatchNorm2dOptions = {}): Module<BatchNorm2dState> {
  const { epsilon = 1e-5, momentum = 0.1, trainableWeight = true, weight = constant(1) } = options;
  checkCounts('batchNorm2d', { channels });
  return module(
    {
      weight: parameter(initialize<Rank.R1>([channels], weight), { trainable: trainableWeight }),
      bias: parameter(initialize<Rank.R1>([channels], constant(0))),
      running_mean: buffer(initialize<Rank.R1>([channels], constant(0))),
      running_var: buffer(initialize<Rank.R1>([channels], constant(1))),
      num_batches_tracked: buffer(scalar(0, 'int32'), { optional: true }),
    },
    ({ weight: gamma, bias: beta, running_mean, running_var, num_batches_tracked }, x) => {
      checkInput('batchNorm2d', x, { channels });
      if (!isTraining() || !(gamma.trainable || beta.trainable))
        return batchNorm(x, { gamma, beta, mean: running_mean, variance: running_var, epsilon });
      const count = x.size / channels;
      if (count === 1)
        throw new RangeError(
          `batchNorm2d: training needs more than one value per channel, got [${x.shape}]; use larger batches`,
        );
      const { y, ...batch } = batchNormTraining(x, { gamma, beta, epsilon });
      const running = { mean: running_mean, variance: running_var, batches: num_batches_tracked };
      updateRunningStatistics(running, batch, { momentum, count });
      return y;
    },
    describe(
      'batchNorm2d',
      [channels],
      [
        ['epsilon', epsilon, 1e-5],
        ['momentum', momentum, 0.1],
        ['trainableWeight', trainableWeight, true],
      ],
    ),
  );
}

export interface LayerNormOptions {
  /** Added to the variance before its root is taken. Default 1e-5. */
  epsilon?: number;
}

/**
 * Layer normalisation over the last axis: `(x - mean) / √(variance + epsilon) · weight + bias`, by the mean and the variance of
 * each row of features.
 *
 * Ba et al. 2016, https://arxiv.org/abs/1607.06450
 */
export function layerNorm(
  features: number,
  options: LayerNormOptions = {},
): Module<{ weight: Parameter<Rank.R1>; bias: Parameter<Rank.R1> }> {
  const { epsilon = 1e-5 } = options;
  checkCounts('layerNorm', { features });
  return module(
    {
      weight: parameter(initialize<Rank.R1>([features], constant(1))),
      bias: parameter(initialize<Rank.R1>([features], constant(0))),
    },
    ({ weight: gamma, bias: beta }, x) => {
      checkInput('layerNorm', x, { channels: features });
      return normalizeRows(x, { gamma, beta, epsilon });
    },
    describe('layerNorm', [features], [['epsilon', epsilon, 1e-5]]),
  );
}
