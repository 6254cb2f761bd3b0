import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import { type Module, module, type Parameter, parameter } from './module.ts';
import { isTraining } from './scope.ts';

/** What is needed of a `tf.LayersModel`; this package does not depend on tfjs-layers. */
export interface LayersModel {
  readonly weights: readonly { originalName: string; trainable: boolean; read(): Tensor }[];
  apply(inputs: Tensor, options: { training: boolean }): unknown;
}

/**
 * A `tf.LayersModel` with one input and one output as a module, so that it trains, saves and loads like any other.
 *
 * The module is over the model's own variables: training it trains the model. Parameters have the names and layouts of
 * tfjs-layers (`conv2d_Conv2D1/kernel`). Layers that keep moving averages update them inside `training`.
 */
export function fromLayersModel(model: LayersModel): Module<Record<string, Parameter>> {
  const children = Object.fromEntries(
    model.weights.map((weight) => {
      const { val } = weight as unknown as { val: Variable };
      return [weight.originalName, parameter(val, { trainable: weight.trainable })];
    }),
  );
  return module(children, (_, x) => model.apply(x, { training: isTraining() }) as Tensor, 'layersModel');
}
