import type { Batch } from '@imgcls/data';
import { confusionMatrix, topK } from '@imgcls/metrics';
import { dropout, flatten, type Module, module, sequential } from '@imgcls/nn';
import { memory, reshape, type Tensor, useBackend } from '@imgcls/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { evaluate, predictions } from './evaluate.ts';

beforeAll(async () => {
  await useBackend('cpu');
});

/** Images of one pixel with three channels: with `flatten` as the model, the pixel is the logits. */
const batchOf = (logits: number[][], labels: number[], first = 0): Batch => ({
  images: Float32Array.from(logits.flat()),
  shape: [labels.length, 1, 1, 3],
  labels: Int32Array.from(labels),
  indices: Int32Array.from(labels, (_, i) => first + i),
});
const batches = [
  batchOf(
    [
      [2, 0, 0],
      [0, 1, 0],
    ],
    [0, 2],
  ),
  batchOf([[0, 0, 3]], [2], 2),
]; // prettier-ignore
const model = flatten();

/** -log softmax(logits)[label], by hand. */
const nats = (logits: number[], label: number): number =>
  Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0)) - logits[label]!;
const losses = [nats([2, 0, 0], 0), nats([0, 1, 0], 2), nats([0, 0, 3], 2)] as const;
const mean = (losses[0] + losses[1] + losses[2]) / 3;

describe('evaluate()', () => {
  it('gives the mean loss and the accuracy over images, not over batches', async () => {
    const { loss, accuracy } = await evaluate(model, batches);
    expect(loss).toBeCloseTo(mean, 6);
    expect(accuracy).toBeCloseTo(2 / 3, 12);
  });

  it('weighs classes as the loss does', async () => {
    const { loss } = await evaluate(model, batches, { classWeights: [1, 0, 4] });
    expect(loss).toBeCloseTo((losses[0] + 4 * losses[1] + 4 * losses[2]) / 9, 6);
  });

  it('takes batches from anything that iterates, and epoch 0 of a loader', async () => {
    const asked: number[][] = [];
    const loader = {
      async *epoch(...arguments_: [number, number]) {
        asked.push(arguments_);
        yield* batches;
      },
    };
    const whole = await evaluate(model, batches);
    expect(await evaluate(model, batches.values())).toEqual(whole);
    expect(await evaluate(model, loader)).toEqual(whole);
    expect(asked).toEqual([[0, 0]]);
  });

  it('adds the results of metrics by their names', async () => {
    const metrics = { top2: topK(2), confusion: confusionMatrix(3) };
    const { accuracy, top2, confusion } = await evaluate(model, batches, { metrics });
    expect({ accuracy, top2, confusion }).toEqual({
      accuracy: 2 / 3,
      top2: 2 / 3, // the tie of image 1 goes to class 0
      confusion: [
        [1, 0, 0],
        [0, 0, 0],
        [0, 1, 1],
      ],
    });
  });

  it('runs the model as prediction does: dropout drops nothing', async () => {
    expect(await evaluate(sequential(flatten(), dropout(0.9)), batches)).toEqual(await evaluate(model, batches));
  });

  it('says which model gives no logits, and that there are no batches', async () => {
    const keepsImages: Module = module({}, (_, x: Tensor) => reshape(x, x.shape));
    await expect(evaluate(keepsImages, batches)).rejects.toThrow(
      new RangeError('evaluate: the model must give logits of the shape [2, classes] for 2 images, got [2, 1, 1, 3]'),
    );
    await expect(evaluate(model, [])).rejects.toThrow(
      new RangeError('evaluate: there must be at least one batch, got none'),
    );
  });

  it('leaves nothing behind, also when a metric fails', async () => {
    const before = memory().numTensors;
    await evaluate(model, batches);
    const failing = { update: () => expect.fail('no'), result: () => 0 };
    await expect(evaluate(model, batches, { metrics: { failing } })).rejects.toThrow('no');
    expect(memory().numTensors).toBe(before);
  });
});

it('predictions() collects scores, labels and indices in order', async () => {
  const soft: Batch = { ...batches[1]!, labels: Float32Array.of(0.2, 0.7, 0.1) };
  expect(await predictions(model, [batches[0]!, soft])).toEqual({
    scores: Float32Array.of(2, 0, 0, 0, 1, 0, 0, 0, 3),
    numClasses: 3,
    labels: Int32Array.of(0, 2, 1),
    indices: Int32Array.of(0, 1, 2),
  });
});
