import { random } from '@imgcls/random';
import { argMax, type Tensor, tensor, type Variable, variable, zerosLike } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { expectNoLeak } from '../test/check-operation.ts';
import { useBackend } from './backend.ts';
import {
  batchNormTraining,
  conv2d,
  crossEntropy,
  dispose,
  flatten,
  gradients,
  linear,
  maxPool2d,
  memory,
  relu,
  sgdUpdate,
  tidy,
} from './index.ts';

/** 6x6 images with a horizontal or a vertical bar somewhere, in noise. */
function bars(count: number): { images: Float32Array; labels: number[] } {
  const stream = random(1, 'bars');
  const images = Float32Array.from({ length: count * 36 }, () => stream.normal() * 0.3);
  const labels = Array.from({ length: count }, (_, i) => i % 2);
  for (const [i, label] of labels.entries()) {
    const at = stream.int(6);
    for (let k = 0; k < 6; k++) images[i * 36 + (label ? k * 6 + at : at * 6 + k)]! += 1;
  }
  return { images, labels };
}

function network(): Record<'conv' | 'gamma' | 'beta' | 'fc' | 'bias', Variable> {
  const stream = random(2, 'weights');
  const draw = (shape: number[], spread: number) =>
    tensor(
      Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => stream.normal() * spread),
      shape,
    );
  return tidy(() => ({
    conv: variable(draw([3, 3, 1, 8], 0.5)),
    gamma: variable(draw([8], 0.1)),
    beta: variable(draw([8], 0.1)),
    fc: variable(draw([72, 2], 0.1)),
    bias: variable(draw([2], 0.1)),
  }));
}

function scores({ conv, gamma, beta, fc, bias }: ReturnType<typeof network>, x: Tensor): Tensor {
  const features = relu(batchNormTraining(conv2d(x, conv, { padding: 1 }), { gamma, beta }).y);
  return linear(flatten(maxPool2d(features, { kernelSize: 2 })), fc, bias);
}

describe.each(['cpu', 'native', 'wasm'] as const)('a small network on %s', (backend) => {
  it('learns to tell horizontal from vertical bars, the same each time, without leaks', async () => {
    await useBackend(backend);
    const run = (): { losses: number[]; accuracy: number } => {
      const { images, labels } = bars(32);
      const [x, y] = [tensor(images, [32, 6, 6, 1]), tensor(labels, [32], 'int32')];
      const parameters = network();
      const list = Object.values(parameters);
      const velocity = tidy(() => list.map((parameter) => variable(zerosLike(parameter))));
      const before = memory();
      const losses = Array.from({ length: 25 }, () => {
        const { value, gradients: slopes } = gradients(() => crossEntropy(scores(parameters, x), y), parameters);
        sgdUpdate(list, Object.values(slopes), { velocity }, { learningRate: 0.1, momentum: 0.9 });
        const loss = value.dataSync()[0]!;
        dispose({ value, ...slopes });
        return loss;
      });
      expectNoLeak(before);
      const guesses = tidy(() => argMax(scores(parameters, x), 1).dataSync());
      const accuracy = labels.filter((label, i) => guesses[i] === label).length / labels.length;
      dispose([x, y, ...list, ...velocity]);
      return { losses, accuracy };
    };
    const first = run();
    expect(first.accuracy).toBe(1);
    expect(first.losses.at(-1)).toBeLessThan(0.05);
    expect(run()).toEqual(first);
  });
});
