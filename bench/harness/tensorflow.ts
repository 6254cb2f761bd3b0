import { useBackend } from '@imgcls/tensor';
import * as tf from '@tensorflow/tfjs-core';

type Attribute = { name: string; type: number; value: unknown };
type Backend = tf.KernelBackend & {
  binding: Record<string, number>;
  executeMultipleOutputs(op: string, attributes: Attribute[], inputs: tf.Tensor[], outputs: number): tf.Tensor[];
};
/** A layer that remembers what its gradient needs: values forwards, slopes backwards. */
type Layer = { forward(x: tf.Tensor): tf.Tensor; backward(dy: tf.Tensor): tf.Tensor };

/**
 * ResNet-9 and a step of SGD with momentum in TensorFlow's own ops, called by hand: without a tape, without names, without checks, and without the
 * statistics that evaluation needs.
 */
export async function stepByHand(batch: number) {
  await useBackend('tensorflow');
  const backend = tf.backend() as Backend;
  const { TF_ATTR_INT, TF_ATTR_FLOAT, TF_ATTR_BOOL, TF_ATTR_STRING } = backend.binding;
  const ints = (name: string, ...value: number[]) => ({ name, type: TF_ATTR_INT!, value });
  const text = (name: string, value: string) => ({ name, type: TF_ATTR_STRING!, value });
  const run = (name: string, inputs: tf.Tensor[], attributes: Attribute[] = [], outputs = 1) =>
    backend.executeMultipleOutputs(name, attributes, inputs, outputs);

  const weights: { value: tf.Tensor; velocity: tf.Tensor; slope?: tf.Tensor }[] = [];
  const weight = (shape: number[], spread: number) => {
    weights.push({ value: tf.randomNormal(shape, 0, spread, 'float32', 1), velocity: tf.zeros(shape) });
    return weights.at(-1)!;
  };

  const convolution = (inputs: number, outputs: number): Layer => {
    const filters = weight([3, 3, inputs, outputs], Math.sqrt(2 / (9 * inputs)));
    const shape = tf.tensor1d([3, 3, inputs, outputs], 'int32');
    const geometry = [ints('strides', 1, 1, 1, 1), text('padding', 'SAME')];
    let x: tf.Tensor;
    return {
      forward(input) {
        x = input;
        return run('Conv2D', [x, filters.value], geometry)[0]!;
      },
      backward(dy) {
        filters.slope = run('Conv2DBackpropFilter', [x, shape, dy], geometry)[0]!;
        if (inputs === 3) return dy; // nobody asks for the gradient of the images
        return run('Conv2DBackpropInput', [tf.tensor1d(x.shape, 'int32'), filters.value, dy], geometry)[0]!;
      },
    };
  };
  const batchNorm = (channels: number): Layer => {
    const [gamma, beta] = [weight([channels], 1), weight([channels], 1)];
    const attributes = [
      { name: 'epsilon', type: TF_ATTR_FLOAT!, value: 1e-5 },
      { name: 'is_training', type: TF_ATTR_BOOL!, value: true },
    ];
    let saved: tf.Tensor[];
    return {
      forward(x) {
        const none = tf.tensor1d([]);
        const [y, , , ...rest] = run('FusedBatchNormV3', [x, gamma.value, beta.value, none, none], attributes, 6);
        saved = [x, gamma.value, ...rest];
        return y!;
      },
      backward(dy) {
        const [dx, dGamma, dBeta] = run('FusedBatchNormGradV3', [dy, ...saved], attributes, 5);
        [gamma.slope, beta.slope] = [dGamma!, dBeta!];
        return dx!;
      },
    };
  };
  const relu = (): Layer => {
    let y: tf.Tensor;
    return {
      forward(x) {
        y = run('Relu', [x])[0]!;
        return y;
      },
      backward: (dy) => run('ReluGrad', [dy, y])[0]!,
    };
  };
  const pool = (size: number): Layer => {
    const geometry = [ints('ksize', 1, size, size, 1), ints('strides', 1, size, size, 1), text('padding', 'VALID')];
    let [x, y]: tf.Tensor[] = [];
    return {
      forward(input) {
        x = input;
        y = run('MaxPool', [x], geometry)[0]!;
        return y;
      },
      backward: (dy) => run('MaxPoolGrad', [x!, y!, dy], geometry)[0]!,
    };
  };
  const chain = (...layers: Layer[]): Layer => ({
    forward: (x) => layers.reduce((y, layer) => layer.forward(y), x),
    backward: (dy) => layers.reduceRight((slope, layer) => layer.backward(slope), dy),
  });
  const convBn = (inputs: number, outputs: number) => chain(convolution(inputs, outputs), batchNorm(outputs), relu());
  const residual = (channels: number): Layer => {
    const inner = chain(convBn(channels, channels), convBn(channels, channels));
    return {
      forward: (x) => run('AddV2', [x, inner.forward(x)])[0]!,
      backward: (dy) => run('AddV2', [dy, inner.backward(dy)])[0]!,
    };
  };

  const features = chain(
    ...[convBn(3, 64), convBn(64, 128), pool(2), residual(128), convBn(128, 256), pool(2)],
    ...[convBn(256, 512), pool(2), residual(512), pool(4)],
  );
  const last = weight([512, 10], 0.06);
  const images = tf.randomNormal([batch, 32, 32, 3], 0, 1, 'float32', 1);
  const labels = tf.tensor1d(
    Int32Array.from({ length: batch }, (_, i) => i % 10),
    'int32',
  );

  const step = async () => {
    await useBackend('tensorflow');
    const [loss, updated] = tf.tidy(() => {
      const pooled = features.forward(images);
      const rows = tf.reshape(pooled, [batch, 512]);
      const logits = tf.mul(run('MatMul', [rows, last.value])[0]!, 0.125);
      const [losses, slopes] = run('SparseSoftmaxCrossEntropyWithLogits', [logits, labels], [], 2);
      const dLogits = tf.mul(slopes!, 0.125 / batch);
      const transposed = (name: string) => [{ name, type: TF_ATTR_BOOL!, value: true }];
      last.slope = run('MatMul', [rows, dLogits], transposed('transpose_a'))[0]!;
      const dRows = run('MatMul', [dLogits, last.value], transposed('transpose_b'))[0]!;
      features.backward(tf.reshape(dRows, pooled.shape));
      const [momentum, rate] = [tf.scalar(0.9), tf.scalar(0.01)];
      const next = weights.map(({ value, velocity, slope }) => {
        const v = run('AddV2', [run('Mul', [velocity, momentum])[0]!, slope!])[0]!;
        return [run('Sub', [value, run('Mul', [v, rate])[0]!])[0]!, v] as [tf.Tensor, tf.Tensor];
      });
      return [tf.mean(losses!), next] as [tf.Tensor, [tf.Tensor, tf.Tensor][]];
    });
    for (const [i, [value, velocity]] of updated.entries()) {
      tf.dispose([weights[i]!.value, weights[i]!.velocity]);
      weights[i] = Object.assign(weights[i]!, { value, velocity });
    }
    const [value] = await loss.data();
    loss.dispose();
    if (!Number.isFinite(value)) throw new Error(`engines: the loss by hand is ${value}`);
  };
  return {
    step,
    close: () => tf.dispose([images, labels, weights.map(({ value, velocity }) => [value, velocity])]),
  };
}
