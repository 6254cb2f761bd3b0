import { createModel } from '@imgcls/models';
import { namedParameters, training } from '@imgcls/nn';
import { random } from '@imgcls/random';
import { type BackendName, crossEntropy, dispose, gradients, normalize, useBackend } from '@imgcls/tensor';
import { sgd } from '@imgcls/train';
import { tensor1d } from '@tensorflow/tfjs-core';

const imageSize = 32;

/**
 * How many images a second an engine learns from: steps of SGD on a network of two convolutions and 32 images of 32 x 32, for about a second
 * after one that warms up. `cpu`, which takes a second and more for an image, gets 4.
 */
export async function trainingSpeed(backend: BackendName): Promise<number> {
  await useBackend(backend);
  const batchSize = backend === 'cpu' ? 4 : 32;
  const model = createModel('simple_cnn', { numClasses: 10, inputChannels: 3, imageSize, seed: 1 });
  const parameters = namedParameters(model);
  const optimizer = sgd({ learningRate: 0.01 });
  const images = normalize(new Uint8Array(batchSize * imageSize ** 2 * 3), [batchSize, imageSize, imageSize, 3]);
  const labels = tensor1d(new Int32Array(batchSize), 'int32');
  const step = async () => {
    const loss = () => crossEntropy(model(images), labels);
    const { value, gradients: slopes } = training(random(1), () => gradients(loss, parameters));
    optimizer.update(parameters, slopes);
    await value.data();
    dispose([value, slopes]);
  };
  try {
    await step();
    return batchSize * (await rate(step));
  } finally {
    dispose([images, labels, parameters]);
    optimizer.dispose();
  }
}

/** Steps a second. */
async function rate(step: () => Promise<void>): Promise<number> {
  const start = performance.now();
  let steps = 0;
  do {
    await step();
    steps += 1;
  } while (performance.now() - start < 1000);
  return (1000 * steps) / (performance.now() - start);
}
