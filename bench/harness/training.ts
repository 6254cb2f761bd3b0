import type { Batch } from '@imgcls/data';
import { createModel } from '@imgcls/models';
import { disposeModule } from '@imgcls/nn';
import { random } from '@imgcls/random';
import { fit, type Optimizer, sgd } from '@imgcls/train';

export type Precision = 'float32' | 'bf16';

export interface Workload {
  network: string;
  batch: number;
  size: number;
  classes: number;
}

/** Steps that bring caches and threads back from whatever ran before, and of which the second is recorded. */
export const warmUp = 3;

/**
 * A step on random images, from one update of the weights to the next, over several that follow each other in one epoch of `fit`.
 *
 * @param compiled Whether it is recorded, as command line and examples have it.
 */
export function training({ network, batch, size, classes }: Workload, precision: Precision, compiled = true) {
  const model = createModel(network, { numClasses: classes, imageSize: size, seed: 1 });
  const inner = sgd({ learningRate: 0.01, momentum: 0.9, nesterov: true, weightDecay: 5e-4 });
  let updates: number[] = [];
  const optimizer: Optimizer = {
    ...inner,
    update(parameters, gradients) {
      inner.update(parameters, gradients);
      updates.push(performance.now());
    },
  };
  const images = randomBatch(batch, size, classes);
  const step = async (steps: number) => {
    updates = [];
    const train = Array.from({ length: warmUp + steps }, () => images);
    for await (const epoch of fit(model, { train, optimizer, epochs: 1, precision, compiled })) {
      const { loss } = epoch.train;
      if (!Number.isFinite(loss)) throw new Error(`train-step: the loss of ${network} is ${loss}`);
    }
    return (updates.at(-1)! - updates[warmUp - 1]!) / steps;
  };
  const close = () => {
    disposeModule(model);
    inner.dispose();
  };
  return { step, close };
}

function randomBatch(batch: number, size: number, classes: number): Batch {
  const draw = random(1, 'images');
  return {
    images: Float32Array.from({ length: batch * size * size * 3 }, () => draw.normal()),
    shape: [batch, size, size, 3],
    labels: Int32Array.from({ length: batch }, (_, i) => i % classes),
    indices: Int32Array.from({ length: batch }, (_, i) => i),
  };
}
