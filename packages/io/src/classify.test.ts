import type { Image } from '@imgcls/data';
import { globalAvgPool2d, module, sequential } from '@imgcls/nn';
import { concat, memory, scale, type Tensor, useBackend } from '@imgcls/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Classifier } from './classifier.ts';
import { classify } from './classify.ts';
import { ClassifierError } from './manifest.ts';

beforeAll(async () => {
  await useBackend('cpu');
});

/** Its logits are the mean red, green and blue, in [0, 1]. */
const colours: Classifier = {
  model: globalAvgPool2d(),
  labels: ['red', 'green', 'blue'],
  preprocessing: { height: 2, width: 2, channels: 3, resize: 'squash', mean: [0, 0, 0], std: [1, 1, 1] },
};
const colour = (r: number, g: number, b: number, height = 2, width = 2): Image => ({
  data: Uint8Array.from({ length: height * width * 3 }, (_, i) => [r, g, b][i % 3]!),
  height,
  width,
  channels: 3,
});
const gray: Image = { data: new Uint8Array(4).fill(80), height: 2, width: 2, channels: 1 };

describe('classify()', () => {
  it('gives the softmax of the logits, the likeliest label first', async () => {
    const [answer] = await classify(colours, [colour(51, 255, 0)]);
    const e = [Math.exp(0.2), Math.exp(1), Math.exp(0)];
    const sum = e[0]! + e[1]! + e[2]!;
    expect(answer!.top.map(({ label }) => label)).toEqual(['green', 'red', 'blue']);
    expect(answer!.label).toBe('green');
    expect(answer!.probability).toBe(answer!.top[0]!.probability);
    for (const [i, k] of [1, 0, 2].entries()) expect(answer!.top[i]!.probability).toBeCloseTo(e[k]! / sum, 6);
  });

  it('gives each label a probability by itself where it tells several, and those from the threshold on', async () => {
    const preprocessing = { ...colours.preprocessing, mean: [0.5, 0.5, 0.5], std: [0.1, 0.1, 0.1] };
    const answers = (multiLabel: Classifier['multiLabel']) =>
      classify({ ...colours, preprocessing, multiLabel }, [colour(255, 0, 102), colour(0, 0, 0)], { top: 2 });
    const [pink, black] = await answers({});
    const [red, blue] = [1 / (1 + Math.exp(-5)), 1 / (1 + Math.exp(1))];
    expect(pink!.top.map(({ label }) => label)).toEqual(['red', 'blue']);
    expect(pink!.top[0]!.probability).toBeCloseTo(red, 6);
    expect(pink!.top[1]!.probability).toBeCloseTo(blue, 6);
    expect(pink!.labels).toEqual([pink!.top[0]]);
    expect(black!.labels).toEqual([]);
    expect((await answers({ threshold: 0.2 }))[0]!.labels).toEqual(pink!.top);
  });

  it('preprocesses: any size, any channels, normalised', async () => {
    const shifted = { ...colours, preprocessing: { ...colours.preprocessing, mean: [0, 1, 0] } };
    const [large] = await classify(colours, [colour(0, 0, 255, 30, 7)]);
    const [black] = await classify(colours, [gray]);
    const [normalised] = await classify(shifted, [colour(51, 255, 0)]);
    expect(large!.label).toBe('blue');
    expect(black!.top.map(({ probability }) => probability.toFixed(4))).toEqual(['0.3333', '0.3333', '0.3333']);
    expect(normalised!.label).toBe('red');
  });

  it('gives the same in batches of any size', async () => {
    const images = Array.from({ length: 7 }, (_, i) => colour(40 * i, 100, 255 - 30 * i));
    const all = await classify(colours, images);
    expect(all).toHaveLength(7);
    expect(await classify(colours, images, { batchSize: 3 })).toEqual(all);
    expect(await classify(colours, images, { batchSize: 1 })).toEqual(all);
  });

  it('tells as many labels as asked for, at most all', async () => {
    const lengths = [1, 2, 3, 9].map(async (top) => (await classify(colours, [gray], { top }))[0]!.top.length);
    expect(await Promise.all(lengths)).toEqual([1, 2, 3, 3]);
  });

  it('says nothing of no images', async () => {
    expect(await classify(colours, [])).toEqual([]);
  });

  it('refuses a model that has another number of classes than labels, or no numbers', async () => {
    const double = module({}, (_, x: Tensor) => concat([x, x], 1));
    const nan = module({}, (_, x: Tensor) => scale(x, Number.NaN));
    const classifying = (model: Classifier['model']) => classify({ ...colours, model }, [gray]);
    const before = memory().numTensors;
    await expect(classifying(sequential(globalAvgPool2d(), double))).rejects.toThrow(
      new ClassifierError('classify: the model must give [1, 3] logits for 1 images and 3 labels, got [1,6]'),
    );
    await expect(classifying(sequential(globalAvgPool2d(), nan))).rejects.toThrow(ClassifierError);
    expect(memory().numTensors).toBe(before);
  });

  it('refuses options that are no counts', async () => {
    await expect(classify(colours, [gray], { top: 0 })).rejects.toThrow(
      new RangeError('classify: top must be a positive integer, got 0'),
    );
    await expect(classify(colours, [gray], { batchSize: 1.5 })).rejects.toThrow('batchSize must be a positive integer');
  });

  it('leaves no tensors behind', async () => {
    const before = memory().numTensors;
    await classify(colours, [gray, colour(1, 2, 3)], { batchSize: 1 });
    expect(memory().numTensors).toBe(before);
  });
});
