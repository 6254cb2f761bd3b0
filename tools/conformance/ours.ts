import { random } from '@imgcls/random';
import * as ops from '@imgcls/tensor';
import '@imgcls/train'; // and with it all that lies under it
import {
  getGradient,
  getKernelsForBackend,
  ones,
  randomNormal,
  type Tensor,
  tidy,
  variable,
  zeros,
} from '@tensorflow/tfjs-core';

/** The names of our kernels on a backend, and which of them have a gradient. */
export function ownKernels(backend: string): { kernels: string[]; gradients: string[] } {
  const kernels = getKernelsForBackend(backend)
    .map(({ kernelName }) => kernelName)
    .filter((name) => name.startsWith('Imgcls'));
  return { kernels, gradients: kernels.filter((name) => getGradient(name)) };
}

/** Runs each operation forwards, backwards and each update once: kernels are registered when they first run. */
export function runEverything(): void {
  tidy(() => {
    const weight = variable(randomNormal([3, 3, 4, 4], 0, 0.1), true);
    const { value, gradients } = ops.gradients(() => loss(weight), { weight });
    const state = { firstMoment: [slot()], secondMoment: [slot()] };
    const slopes = Object.values(gradients);
    ops.sgdUpdate([weight], slopes, { velocity: [slot()] }, { learningRate: 0.1, momentum: 0.9, nesterov: true });
    ops.adamUpdate([weight], slopes, state, { learningRate: 0.1, step: 1 });
    ops.adamWUpdate([weight], slopes, state, { learningRate: 0.1, step: 2, weightDecay: 0.1 });
    ops.rmspropUpdate([weight], slopes, { meanSquare: [slot()] }, { learningRate: 0.1 });
    for (const own of [weight, ...state.firstMoment, ...state.secondMoment]) own.dispose();
    if (!Number.isFinite(value.dataSync()[0])) throw new Error('conformance: the operations gave no finite value');
  });

  function slot() {
    return variable(zeros([3, 3, 4, 4]));
  }
}

function loss(weight: Tensor): ops.Scalar {
  const bias = ones([4]);
  const x = ops.normalize(new Uint8Array(2 * 8 * 8 * 4).fill(128), [2, 8, 8, 4], {
    mean: [0.5, 0.5, 0.5, 0.5],
    std: [1, 1, 1, 1],
  });
  let y: Tensor = ops.conv2d(x, weight, { bias, padding: 1, dilation: 1 });
  y = ops.batchNormTraining(y, { gamma: bias, beta: bias }).y;
  y = ops.batchNorm(y, { gamma: bias, beta: bias, mean: bias, variance: bias });
  y = ops.add(ops.mul(y, y), ops.scale(y, 0.5));
  for (const activation of activations) y = activation(y);
  y = ops.concat([ops.maxPool2d(y, { kernelSize: 2 }), ops.avgPool2d(y, { kernelSize: 2, padding: 0 })], 3);
  y = ops.dropout(y, { rate: 0.5, random: random(1) });
  const pooled = ops.add(ops.globalAvgPool2d(y), ops.globalMaxPool2d(y));
  const logits = ops.linear(pooled, ones([8, 3]), ones([3]));
  const scores = ops.add(ops.softmax(logits), ops.logSoftmax(logits));
  return ops.crossEntropy(scores, ones([2, 3]), { labelSmoothing: 0.1 });
}

const activations = [
  ops.relu,
  ops.relu6,
  (x: Tensor) => ops.leakyRelu(x, 0.1),
  ops.elu,
  ops.gelu,
  ops.silu,
  ops.sigmoid,
  ops.tanh,
  ops.hardSigmoid,
  ops.hardSwish,
];
