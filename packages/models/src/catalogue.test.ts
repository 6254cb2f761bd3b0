import { namedParameters, parameterCount, stateDict, summary } from '@imgcls/nn';
import { memory, tidy, useBackend } from '@imgcls/tensor';
import { zeros } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { createModel, listModels } from './catalogue.ts';

beforeAll(() => useBackend('wasm'));

const NAMES = [
  'simple_cnn',
  'resnet9',
  'airbench94',
  'cifar_resnet20',
  'cifar_resnet32',
  'cifar_resnet44',
  'cifar_resnet56',
  'resnet18',
  'resnet34',
];

test('listModels() has every network, with a link to its paper', () => {
  expect(listModels().map(({ name }) => name)).toEqual(NAMES);
  for (const { title, paper, inputShape, options } of listModels()) {
    expect(title).not.toBe('');
    expect(paper).toMatch(/^https:/);
    expect(inputShape.length).toBe(3);
    expect(options).toContain('numClasses');
  }
});

// Multiply-adds that their authors or torchvision state, or that follow from the tables of their papers.
const MULTIPLY_ADDS: Record<string, number> = {
  resnet9: 379_261_952,
  airbench94: 118_147_360,
  cifar_resnet20: 40_551_040,
  cifar_resnet32: 68_862_592,
  cifar_resnet44: 97_174_144,
  cifar_resnet56: 125_485_696,
  resnet18: 1_814_073_344,
};

describe.each(listModels().filter(({ name }) => name !== 'resnet34'))('$name', (entry) => {
  test('has the parameters, input and outputs that the catalogue states', () => {
    const { parameters, multiplyAdds, outputShape } = summary(createModel(entry.name), entry.inputShape);
    expect(parameters).toBe(entry.parameters);
    expect(outputShape).toEqual([entry.name.startsWith('resnet1') ? 1000 : 10]);
    expect(multiplyAdds).toBe(MULTIPLY_ADDS[entry.name] ?? multiplyAdds);
  });

  test('takes numClasses, inputChannels and imageSize, and does not leak', () => {
    const model = createModel(entry.name, { numClasses: 3, inputChannels: 1, imageSize: [40, 33] });
    const images = zeros([2, 40, 33, 1]);
    const before = memory().numTensors;
    expect(tidy(() => model(images).shape)).toEqual([2, 3]);
    expect(memory().numTensors).toBe(before);
  });
});

test('resnet34 has the parameters that the catalogue states', () => {
  expect(parameterCount(createModel('resnet34'))).toBe(
    listModels().find(({ name }) => name === 'resnet34')?.parameters,
  );
});

describe('createModel()', () => {
  test('remembers how the network was made, without the seed', () => {
    const options = { numClasses: 3, imageSize: [12, 12], channels: [4] };
    expect(createModel('simple_cnn', { ...options, seed: 5 }).architecture).toEqual({ name: 'simple_cnn', options });
  });

  test('builds the same network from what it remembers', async () => {
    const model = createModel('cifar_resnet20', { shortcut: 'B', seed: 7 });
    const { name, options } = JSON.parse(JSON.stringify(model.architecture)) as typeof model.architecture;
    const [again, before] = [await stateDict(createModel(name, { ...options, seed: 7 })), await stateDict(model)];
    expect([...again.keys()]).toEqual([...before.keys()]);
    expect(again.get('layer3.0.shortcut.0.weight')).toEqual(before.get('layer3.0.shortcut.0.weight'));
  });

  test('starts from the seed', async () => {
    const weights = async (seed: number) =>
      (await stateDict(createModel('simple_cnn', { channels: [2], hidden: [4], seed }))).get('features.0.weight');
    expect(await weights(1)).toEqual(await weights(1));
    expect(await weights(1)).not.toEqual(await weights(2));
  });

  test('tells the nearest names when there is none such', () => {
    expect(() => createModel('ResNet-18')).toThrow(
      new RangeError(
        `createModel: no network is called "ResNet-18", did you mean "resnet18"? There are: ${NAMES.join(', ')}`,
      ),
    );
    expect(() => createModel('cifar_resnet')).toThrow(/did you mean "cifar_resnet20" or "cifar_resnet32" or/);
    expect(() => createModel('transformer')).toThrow(
      new RangeError(`createModel: no network is called "transformer"; there are: ${NAMES.join(', ')}`),
    );
  });

  test('tells the nearest option when there is none such', () => {
    expect(() => createModel('resnet18', { numClases: 3 })).toThrow(
      new RangeError(
        'createModel: resnet18 has no option "numClases", did you mean "numClasses"? There are: numClasses, inputChannels, imageSize',
      ),
    );
  });

  test.each([
    [
      'simple_cnn',
      7,
      'simpleCnn: images must be at least 8×8, got 7×7; enlarge them, or take a network with fewer poolings',
    ],
    [
      'resnet9',
      7,
      'resnet9: images must be at least 8×8, got 7×7; enlarge them, or take a network with fewer poolings',
    ],
    [
      'airbench94',
      8,
      'airbench94: images must be at least 9×9, got 8×8; enlarge them, or take a network with fewer poolings',
    ],
    ['resnet18', 0, 'resnet18: images must be at least 1×1, got 0×0'],
  ])('refuses images for %s that are too small', (name, imageSize, message) => {
    expect(() => createModel(name, { imageSize })).toThrow(new RangeError(message));
  });

  test('refuses smaller or other images when called, too', () => {
    const model = createModel('resnet9', { channels: [2, 2, 2, 2] });
    expect(() => model(zeros([1, 8, 4, 3]))).toThrow(/^resnet9: images must be at least 8×8, got 8×4/);
    expect(() => model(zeros([8, 8, 3]))).toThrow(new TypeError('resnet9: expects images [N, H, W, C], got [8,8,3]'));
    expect(() => model(zeros([1, 8, 8, 1]))).toThrow(
      new RangeError('prep.conv: conv2d: expects 3 channels, got [1,8,8,1]'),
    );
  });
});

test('airbench94 trains its 1,971,352 other parameters and neither whitening weights nor scales', () => {
  const trainable = namedParameters(createModel('airbench94'));
  expect(Object.values(trainable).reduce((sum, { size }) => sum + size, 0)).toBe(1_971_352);
  expect(Object.keys(trainable).slice(0, 4)).toEqual([
    'whiten.bias',
    'group1.conv1.weight',
    'group1.norm1.bias',
    'group1.conv2.weight',
  ]);
});
