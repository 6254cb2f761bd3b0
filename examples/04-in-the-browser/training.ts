// The training itself: nothing in here knows of browsers.
import { digits, type Image, imageStatistics, loader, splitDataset } from '@imgcls/data';
import { classify, opfs, type Prediction, saveClassifier } from '@imgcls/io';
import { createModel } from '@imgcls/models';
import { type BackendName, useBackend } from '@imgcls/tensor';
import { adamW, evaluate, fit, oneCycle } from '@imgcls/train';

/** What the page is told while the worker trains. */
export type Progress =
  | { kind: 'started'; engine: string }
  | { kind: 'epoch'; epoch: number; training: number; validation: number; imagesPerSecond: number }
  | { kind: 'done'; accuracy: number; saved: boolean };

/** Answers for drawings, once there is something to ask. */
export type Recognise = (image: Image) => Promise<Prediction>;

export async function* train(epochs: number, backend?: BackendName): AsyncGenerator<Progress, Recognise> {
  const { name, device } = await useBackend(backend);
  yield { kind: 'started', engine: `${name} (${device})` };

  const { train, validation, test } = splitDataset(await digits(), { seed: 1 });
  const normalization = await imageStatistics(train);
  const batches = loader(train, { batchSize: 64, shuffle: true, seed: 1, normalization });
  const held = (part: typeof test) => loader(part, { batchSize: 256, normalization });
  const model = createModel('simple_cnn', { inputChannels: 1, imageSize: 8, channels: [32, 64], seed: 1 });
  const optimizer = adamW({
    learningRate: oneCycle({ maxLearningRate: 0.005, totalSteps: epochs * batches.length }),
    weightDecay: 0.01,
  });

  for await (const { epoch, train, validation: unseen, imagesPerSecond } of fit(model, {
    train: batches,
    validation: held(validation),
    optimizer,
    epochs,
    labelSmoothing: 0.1,
    seed: 1,
    compiled: true,
  }))
    yield { kind: 'epoch', epoch, training: train.loss, validation: unseen.loss, imagesPerSecond };

  const { accuracy } = await evaluate(model, held(test));
  const classifier = {
    model,
    architecture: model.architecture,
    labels: test.classes,
    preprocessing: { height: 8, width: 8, channels: 1, resize: 'pad', ...normalization } as const,
    scores: { test: { accuracy } },
  };
  const saved = await saveClassifier(opfs('first-classifier'), classifier).then(
    () => true,
    () => false, // not every browser lets a page write files
  );
  yield { kind: 'done', accuracy, saved };
  return async (image) => (await classify(classifier, [image]))[0]!;
}
