import { registerGradients, useBackend } from '@imgcls/tensor';
import * as tf from '@tensorflow/tfjs-core';

/**
 * The networks of the bench `engines` and a step of SGD with momentum, in the operations and gradients of tfjs-core alone: what a program without
 * imgcls does.
 */
export async function stockStep(network: 'two-conv' | 'resnet9', batch: number, backend: 'cpu' | 'tensorflow') {
  registerGradients(); // tfjs-core's own are what counts here: in Node it does not register them
  await useBackend(backend);
  const weights: tf.Variable[] = [];
  const weight = (...shape: number[]) => {
    const fanIn = shape.slice(0, -1).reduce((product, n) => product * n, 1);
    weights.push(tf.tidy(() => tf.variable(tf.randomNormal(shape, 0, Math.sqrt(2 / fanIn), 'float32', 1))));
    return weights.at(-1)!;
  };
  const forward = network === 'resnet9' ? resnet9(weight) : twoConvolutions(weight);
  const optimizer = tf.train.momentum(0.01, 0.9);
  const images = tf.randomNormal([batch, 32, 32, 3], 0, 1, 'float32', 1) as tf.Tensor4D;
  const targets = tf.tidy(() =>
    tf.oneHot(
      tf.tensor1d(
        Int32Array.from({ length: batch }, (_, i) => i % 10),
        'int32',
      ),
      10,
    ),
  );
  const step = async () => {
    await useBackend(backend);
    const loss = optimizer.minimize(() => tf.losses.softmaxCrossEntropy(targets, forward(images)), true, weights)!;
    await loss.data();
    loss.dispose();
  };
  return { step, close: () => tf.dispose([weights, images, targets]) };
}

type Weight = (...shape: number[]) => tf.Variable;
type Layer = (x: tf.Tensor4D) => tf.Tensor4D;

const chain =
  (...layers: Layer[]): Layer =>
  (x) =>
    layers.reduce((y, layer) => layer(y), x);
const pool: Layer = (x) => tf.maxPool(x, 2, 2, 'valid');

function twoConvolutions(weight: Weight) {
  const conv = (inputs: number, outputs: number): Layer => {
    const [kernel, bias] = [weight(3, 3, inputs, outputs) as tf.Tensor4D, weight(1, outputs)];
    return (x) => tf.relu(tf.add(tf.conv2d(x, kernel, 1, 'same'), bias));
  };
  const features = chain(conv(3, 32), pool, conv(32, 64), pool);
  const [last, bias] = [weight(64 * 8 * 8, 10) as tf.Tensor2D, weight(1, 10)];
  return (x: tf.Tensor4D) => tf.add(tf.matMul(tf.reshape(features(x), [x.shape[0], -1]), last), bias) as tf.Tensor2D;
}

function resnet9(weight: Weight) {
  const convBn = (inputs: number, outputs: number): Layer => {
    const kernel = weight(3, 3, inputs, outputs) as tf.Tensor4D;
    const [beta, gamma] = [weight(outputs) as tf.Tensor1D, weight(outputs) as tf.Tensor1D];
    return (x) => {
      const y = tf.conv2d(x, kernel, 1, 'same');
      const { mean, variance } = tf.moments(y, [0, 1, 2]);
      return tf.relu(tf.batchNorm(y, mean as tf.Tensor1D, variance as tf.Tensor1D, beta, gamma, 1e-5)) as tf.Tensor4D;
    };
  };
  const residual = (n: number): Layer => {
    const inner = chain(convBn(n, n), convBn(n, n));
    return (x) => tf.add(x, inner(x));
  };
  const features = chain(
    ...[convBn(3, 64), convBn(64, 128), pool, residual(128), convBn(128, 256), pool],
    ...[convBn(256, 512), pool, residual(512)],
  );
  const last = weight(512, 10) as tf.Tensor2D;
  return (x: tf.Tensor4D) => tf.mul(tf.matMul(tf.max(features(x), [1, 2]) as tf.Tensor2D, last), 0.125) as tf.Tensor2D;
}
