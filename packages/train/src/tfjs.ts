import type { HostTensor } from '@imgcls/nn';
import { dispose } from '@imgcls/tensor';
import { scalar, type Optimizer as TfjsOptimizer, tensor } from '@tensorflow/tfjs-core';
import type { Optimizer } from './optimizer.ts';

/**
 * An optimizer of tfjs, such as `tf.train.adam(…)`, for `fit` or a loop by hand.
 *
 * tfjs tells parameters apart by their order, so give it the same ones each time. `adam` of tfjs recomputes its bias correction
 * when it is loaded: a resumed run equals the one that was not stopped up to rounding, where `adam` of this package equals it
 * exactly.
 *
 * @example
 * ```ts
 * import { useBackend } from '@imgcls/tensor';
 * import { fromTfjsOptimizer } from '@imgcls/train';
 * import { scalar, train, variable } from '@tensorflow/tfjs-core';
 *
 * await useBackend('cpu');
 * const weight = variable(scalar(1));
 * fromTfjsOptimizer(train.sgd(0.5)).update({ weight }, { weight: scalar(1) });
 * console.log((await weight.data())[0]); // => 0.5
 * ```
 */
export function fromTfjsOptimizer(optimizer: TfjsOptimizer): Optimizer {
  return {
    get learningRate() {
      return (optimizer as unknown as { learningRate: number }).learningRate; // protected, but each of tfjs has it
    },
    update(parameters, gradients) {
      optimizer.applyGradients(
        Object.entries(gradients).map(([name, gradient]) => ({ name: parameters[name]!.name, tensor: gradient })),
      );
    },
    async state() {
      const [iterations, ...slots] = await optimizer.getWeights();
      const state = new Map<string, HostTensor>([
        ['step', { dtype: 'int32', shape: [], data: Int32Array.from(await iterations!.tensor.data()) }],
      ]);
      dispose(iterations!.tensor);
      for (const [i, { tensor: value }] of slots.entries())
        state.set(`slot.${i}`, {
          dtype: 'float32',
          shape: [...value.shape],
          data: Float32Array.from(await value.data()),
        });
      return state;
    },
    async load(state) {
      const { step, ...slots } = Object.fromEntries(state);
      if (!step)
        throw new RangeError('fromTfjsOptimizer.load: the state must hold step, got none; was it saved by fit?');
      const weights = [
        { name: 'iter', tensor: scalar(Number(step.data[0]), 'int32') },
        ...Object.entries(slots).map(([name, { data, shape }]) => ({
          name,
          tensor: tensor(data as Float32Array, [...shape], 'float32'),
        })),
      ];
      await optimizer.setWeights(weights);
      dispose(weights.map((weight) => weight.tensor));
    },
    dispose: () => optimizer.dispose(),
  };
}
