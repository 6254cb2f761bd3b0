import type { Block } from '@imgcls/kernels';
import type { TensorData } from '../tensor-data.ts';

/** The vectors of a normalisation, `[C]`. */
export interface NormVectors {
  readonly mean: TensorData;
  readonly variance: TensorData;
  readonly gamma: TensorData;
  readonly beta: TensorData;
}

export type Norm = NormVectors & { readonly epsilon: number };

/** What a convolution layer keeps from image to image. */
export interface Layer {
  readonly weight: TensorData;
  readonly bias?: TensorData | undefined;
  /** What the output is normalised by. */
  readonly norm?: Norm | undefined;
}

export const normIngredients = ({ mean, variance, gamma, beta }: NormVectors): TensorData[] => [
  mean,
  variance,
  gamma,
  beta,
];

export const blocksOf = ({ mean, variance, gamma, beta }: NormVectors): Record<keyof NormVectors, Block> => ({
  mean: mean.block,
  variance: variance.block,
  gamma: gamma.block,
  beta: beta.block,
});
