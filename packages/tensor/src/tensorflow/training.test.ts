import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { random } from '@imgcls/random';
import { dispose, memory, tensor1d, tidy, type Variable, variable, zerosLike } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { toTensor } from '../../test/check-operation.ts';
import { type Grid, grid } from '../../test/reference.ts';
import { relu } from '../activation.ts';
import { useBackend } from '../backend.ts';
import { conv2d } from '../conv.ts';
import { gradients } from '../gradients.ts';
import { linear } from '../linear.ts';
import { crossEntropy } from '../loss.ts';
import { batchNormTraining } from '../norm.ts';
import { adamWUpdate, sgdUpdate } from '../optimizer.ts';
import { globalAvgPool2d, maxPool2d } from '../pool.ts';
import { tensorflowInstallations } from './installation.ts';

const installed = tensorflowInstallations().length > 0;
if (!installed) console.log('training on tensorflow is not tested: "imgcls engines add tensorflow" sets it up');

describe.runIf(installed)('training on tensorflow', () => {
  beforeAll(() => useBackend('tensorflow'));

  it('takes no more tensors and no more memory after 1,000 steps', { timeout: 120_000 }, async () => {
    const { step, close } = network();
    const collect = garbageCollection();
    const size = () => {
      collect();
      return { tensors: memory().numTensors, bytes: process.memoryUsage().rss };
    };
    for (let i = 0; i < 200; i++) step();
    const before = size();
    for (let i = 0; i < 1000; i++) step();
    const after = size();
    expect(after.tensors).toBe(before.tensors);
    expect(after.bytes - before.bytes).toBeLessThan(20e6); // 20 kB a step: what one forgotten activation takes is more
    expect(step()).toBeLessThan(0.1);
    close();
  });
});

/** A small network that learns four images by heart. */
function network() {
  const stream = random(1);
  const normal = (...shape: number[]): Grid => grid(shape, () => stream.normal());
  const slot = (...shape: number[]): Variable =>
    tidy(() => variable(toTensor({ shape, data: normal(...shape).data.map((value) => 0.2 * value) })));
  const images = toTensor(normal(8, 16, 16, 3));
  const labels = tensor1d([0, 1, 2, 3, 0, 1, 2, 3], 'int32');
  const parameters = { filters: slot(3, 3, 3, 16), gamma: slot(16), beta: slot(16), weight: slot(16, 4) };
  const variables = Object.values(parameters);
  const zeros = () => variables.map((value) => tidy(() => variable(zerosLike(value))));
  const [velocity, firstMoment, secondMoment] = [zeros(), zeros(), zeros()];
  let done = 0;
  const loss = () => {
    const { filters, gamma, beta, weight } = parameters;
    const { y } = batchNormTraining(conv2d(images, filters, { padding: 1 }), { gamma, beta });
    return crossEntropy(linear(globalAvgPool2d(maxPool2d(relu(y), { kernelSize: 2 })), weight), labels);
  };
  const step = (): number =>
    tidy(() => {
      const { value, gradients: slopes } = gradients(loss, parameters);
      const list = Object.values(slopes);
      done += 1;
      adamWUpdate(variables, list, { firstMoment, secondMoment }, { learningRate: 0.01, step: done });
      sgdUpdate(variables, list, { velocity }, { learningRate: 0.001, momentum: 0.9, nesterov: true });
      return value.dataSync()[0]!;
    });
  const close = () => dispose([images, labels, ...variables, ...velocity, ...firstMoment, ...secondMoment]);
  return { step, close };
}

function garbageCollection(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
}
