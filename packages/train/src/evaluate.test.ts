import type { Batch } from '@imgcls/data';
import { averagePrecision, confusionMatrix, topK } from '@imgcls/metrics';
import { dropout, flatten, type Module, module, sequential } from '@imgcls/nn';
import { memory, reshape, type Tensor, useBackend } from '@imgcls/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { evaluate, multiLabelPredictions, predictions } from './evaluate.ts';

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

describe('of images that may show several classes', () => {
  const rows = [[2, -1, -1], [-1, 1, -2], [-1, -1, 3]]; // biome-ignore format: one line
  const several: Batch[] = [
    { ...batchOf(rows.slice(0, 2), [0, 0]), labels: Float32Array.of(1, 0, 0, 0, 1, 1), multiLabel: true },
    { ...batchOf(rows.slice(2), [0], 2), labels: Float32Array.of(0, 0, 1), multiLabel: true },
  ];
  /** -log of the probability of what is so, of the class that this logit is for. */
  const bits = (logit: number, mark: number): number => Math.log(1 + Math.exp(mark ? -logit : logit));
  const logits = rows.flat();
  const marks = [1, 0, 0, 0, 1, 1, 0, 0, 1];

  it('evaluate() takes binary cross-entropy, and counts images of which every class is told', async () => {
    const metrics = { ranked: averagePrecision(3) };
    const { loss, accuracy, ranked } = await evaluate(model, several, { metrics });
    expect(loss).toBeCloseTo(logits.reduce((sum, logit, i) => sum + bits(logit, marks[i]!), 0) / 9, 6);
    expect(accuracy).toBeCloseTo(2 / 3, 12); // the third class of the second image is missed
    expect(ranked.macro).toBeCloseTo((1 + 1 + 5 / 6) / 3, 12);
  });

  it('evaluate() weighs positives', async () => {
    const { loss } = await evaluate(model, several, { positiveWeights: [1, 1, 4] });
    const weight = (i: number) => (marks[i] && i % 3 === 2 ? 4 : 1);
    expect(loss).toBeCloseTo(logits.reduce((sum, logit, i) => sum + weight(i) * bits(logit, marks[i]!), 0) / 9, 6);
  });

  it('multiLabelPredictions() collects scores, labels and indices in order', async () => {
    expect(await multiLabelPredictions(model, several)).toEqual({
      scores: Float32Array.from(logits),
      numClasses: 3,
      labels: Uint8Array.from(marks),
      indices: Int32Array.of(0, 1, 2),
    });
  });

  it.each<[string, () => Promise<unknown>, Error]>([
    [
      'predictions()',
      () => predictions(model, several),
      new TypeError('predictions: the labels of batches must be one class each; use multiLabelPredictions'),
    ],
    [
      'multiLabelPredictions()',
      () => multiLabelPredictions(model, batches),
      new TypeError('multiLabelPredictions: the labels of batches must be multi-label; use predictions'),
    ],
    [
      'class weights',
      () => evaluate(model, several, { classWeights: [1, 2, 3] }),
      new TypeError(
        'evaluate: classWeights are for images of one class, got a multi-label batch; give positiveWeights',
      ),
    ],
    [
      'positive weights',
      () => evaluate(model, batches, { positiveWeights: [1, 2, 3] }),
      new TypeError(
        'evaluate: positiveWeights are for multi-label batches, got one of images of one class; give classWeights',
      ),
    ],
    [
      'a negative weight',
      () => evaluate(model, several, { positiveWeights: [1, -2, 3] }),
      new RangeError('evaluate: positiveWeights must be at least 0, got -2 for class 1'),
    ],
    [
      'marks above 1',
      () => evaluate(model, [{ ...several[1]!, labels: Float32Array.of(0, 0, 2) }]),
      new RangeError('evaluate: labels of a multi-label batch must lie in [0, 1], got 2 for image 2, class 2'),
    ],
    [
      'class indices',
      () => evaluate(model, [{ ...batches[1]!, multiLabel: true }]),
      new RangeError(
        'toTensors: a multi-label batch must have 1 rows of K labels (Float32Array), got 1 in an Int32Array',
      ),
    ],
    [
      'a metric of one class',
      () => evaluate(model, several, { metrics: { top2: topK(2) } }),
      new TypeError('topK(2): labels must be one class for each image (Int32Array), got those of several classes'),
    ],
  ])('refuses %s where they do not belong', async (_, call, error) => {
    await expect(call()).rejects.toThrow(error);
  });
});
