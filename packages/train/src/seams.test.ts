import { buffer, isTraining, type Module, module, namedParameters, parameter, training } from '@imgcls/nn';
import { random } from '@imgcls/random';
import {
  crossEntropy,
  gradients,
  scale,
  type Tensor,
  type Tensor2D,
  tidy,
  useBackend,
  type Variable,
} from '@imgcls/tensor';
import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { brightRows } from '../fixtures/batches.ts';
import { toTensors } from './batch.ts';
import { evaluate } from './evaluate.ts';
import { type Epoch, type Fit, fit } from './fit.ts';
import { adam, type Optimizer, sgd } from './optimizer.ts';
import { fromTfjsOptimizer } from './tfjs.ts';

beforeAll(async () => {
  await useBackend('cpu');
});

async function last<V>(run: AsyncIterable<Epoch<V>>): Promise<Epoch<V>> {
  let latest: Epoch<V> | undefined;
  for await (const epoch of run) latest = epoch;
  return latest!;
}

/** A network by hand: stock tfjs operations over plain variables. */
function handWritten(): Module {
  const weight = (name: string, shape: [number, number]) =>
    parameter(tf.randomNormal(shape, 0, 0.1, 'float32', name.length) as tf.Tensor2D);
  return module({ hidden: weight('hidden', [36, 16]), out: weight('out', [16, 3]) }, ({ hidden, out }, x) =>
    tf.matMul(tf.relu(tf.matMul(tf.reshape(x, [-1, 36]), hidden)), out),
  );
}

/** A model of tfjs-layers as a module: its weights by name, and a call. */
function fromLayersModel(model: layers.LayersModel): Module {
  const children = model.weights.map((weight) => {
    const value = weight.read() as Variable;
    return [weight.name, weight.trainable ? parameter(value) : buffer(value)] as const;
  });
  return module(Object.fromEntries(children), (_, x) => model.apply(x, { training: isTraining() }) as Tensor);
}

const validation = brightRows({ count: 2, seed: 8 });

describe('fit() takes what others wrote', () => {
  it('batches: an iterable of its own', async () => {
    let epochs = 0;
    const own: Iterable<ReturnType<typeof brightRows>[number]> = {
      *[Symbol.iterator]() {
        yield* brightRows({ count: 8, seed: epochs++ }); // other images each epoch
      },
    };
    const { validation: result } = await last(
      fit(handWritten(), { train: own, validation, optimizer: adam({ learningRate: 0.01 }), epochs: 5 }),
    );
    expect(epochs).toBe(5);
    expect(result.accuracy).toBeGreaterThan(0.95);
  });

  it('a model: a LayersModel', async () => {
    const model = layers.sequential({
      layers: [
        layers.layers.conv2d({
          inputShape: [6, 6, 1],
          filters: 4,
          kernelSize: 3,
          kernelInitializer: layers.initializers.heNormal({ seed: 1 }),
        }),
        layers.layers.batchNormalization(),
        layers.layers.reLU(),
        layers.layers.flatten(),
        layers.layers.dense({ units: 3, kernelInitializer: layers.initializers.glorotNormal({ seed: 2 }) }),
      ],
    });
    const run: Fit = fit(fromLayersModel(model), {
      train: brightRows({ count: 8 }),
      optimizer: adam({ learningRate: 0.01 }),
      epochs: 6,
    });
    await last(run);
    const state = await run.state();
    expect(state.model.size).toBe(8); // two kernels, two biases, and four of batch norm
    expect((await evaluate(fromLayersModel(model), validation)).accuracy).toBeGreaterThan(0.95);
    model.dispose();
  });

  it.each([
    ['sgd', () => tf.train.sgd(0.1), () => sgd({ learningRate: 0.1 }), 0],
    ['momentum', () => tf.train.momentum(0.05, 0.9), () => sgd({ learningRate: 0.05, momentum: 0.9 }), 1], // tfjs never frees its scalar
    ['adam', () => tf.train.adam(0.01), () => adam({ learningRate: 0.01 }), 0],
  ] as const)('an optimizer: tf.train.%s, which learns as ours does, and resumes', async (_, theirs, ours, leaks) => {
    const before = tf.memory().numTensors;
    const options = { train: brightRows(), epochs: 3 };
    const [foreign, own, resumed] = [fromTfjsOptimizer(theirs()), ours(), fromTfjsOptimizer(theirs())];
    const models = [handWritten(), handWritten(), handWritten()] as const;
    const run = fit(models[0], { ...options, optimizer: foreign });
    const whole = await last(run);
    const reference = await last(fit(models[1], { ...options, optimizer: own }));
    expect(whole.train.loss).toBeCloseTo(reference.train.loss, 4);
    expect(whole.learningRate).toBe(reference.learningRate);

    const first = fromTfjsOptimizer(theirs());
    const half = fit(models[2], { ...options, epochs: 1, optimizer: first });
    await last(half);
    const state = await half.state();
    const rest = await last(fit(models[2], { ...options, optimizer: resumed, resume: state }));
    expect(rest.train.loss).toBeCloseTo(whole.train.loss, 5);
    for (const optimizer of [foreign, own, first, resumed]) optimizer.dispose();
    for (const model of models)
      tf.dispose(Object.values(model.children).map((child) => (child as ReturnType<typeof parameter>).variable));
    expect(tf.memory().numTensors).toBe(before + 3 * leaks); // in three optimizers of tfjs
  });

  it('an optimizer: a plain object', async () => {
    const signs: Optimizer = {
      learningRate: 0.005,
      update(parameters, gradients) {
        for (const [name, gradient] of Object.entries(gradients))
          tf.tidy(() =>
            parameters[name]!.assign(tf.sub(parameters[name]!, scale(tf.sign(gradient), this.learningRate))),
          );
      },
      state: async () => new Map(),
      load: () => undefined,
      dispose: () => undefined,
    };
    const { validation: result } = await last(
      fit(handWritten(), { train: brightRows({ count: 8 }), validation, optimizer: signs, epochs: 6 }),
    );
    expect(result.accuracy).toBeGreaterThan(0.9);
  });

  it('a loss: a function of logits and targets', async () => {
    const hinge = (logits: tf.Tensor2D, targets: Tensor): tf.Scalar => {
      const truth = tf.oneHot(tf.cast(targets, 'int32'), 3);
      const margin = tf.sub(logits, tf.sum(tf.mul(logits, truth), 1, true));
      return tf.mean(tf.relu(tf.add(margin, tf.sub(1, truth)))) as tf.Scalar;
    };
    const { validation: result } = await last(
      fit(handWritten(), {
        train: brightRows({ count: 8 }),
        validation,
        optimizer: adam({ learningRate: 0.01 }),
        loss: hinge,
        epochs: 6,
      }),
    );
    expect(result.accuracy).toBeGreaterThan(0.95);
    expect(result.loss).toBeLessThan(0.2);
  });

  it('a metric: anything with update and result, new for each epoch', async () => {
    const counted = () => {
      let images = 0;
      return {
        update({ labels }: { labels: Int32Array }) {
          images += labels.length;
        },
        result: () => ({ images }),
      };
    };
    const options = { train: brightRows(), optimizer: sgd({ learningRate: 0.1 }), epochs: 2 };
    const { validation: result } = await last(
      fit(handWritten(), { ...options, validation, metrics: () => ({ counted: counted() }) }),
    );
    expect(result.counted.images).toBe(16);
    expect((await evaluate(handWritten(), validation, { metrics: { counted: counted() } })).counted).toEqual({
      images: 16,
    });
  });
});

it('a loop by hand: toTensors(), gradients() and update() do what fit does', async () => {
  const [byHand, byFit] = [handWritten(), handWritten()];
  const optimizer = sgd({ learningRate: 0.1, momentum: 0.9 });
  const parameters = namedParameters(byHand);
  for (const [step, batch] of brightRows().entries())
    tidy(() => {
      const { images, targets } = toTensors(batch);
      const loss = () => crossEntropy(byHand(images) as Tensor2D, targets);
      optimizer.update(parameters, gradients(() => training(random(0, step), loss), parameters).gradients);
    });
  const again = sgd({ learningRate: 0.1, momentum: 0.9 });
  await last(fit(byFit, { train: brightRows(), optimizer: again, epochs: 1 }));
  for (const [name, value] of Object.entries(namedParameters(byFit)))
    expect([...value.dataSync()]).toEqual([...parameters[name]!.dataSync()]);
});
