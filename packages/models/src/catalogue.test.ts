import { disposeModule, namedLayers, namedParameters, parameterCount, stateDict, summary } from '@imgcls/nn';
import { memory, tidy, useBackend } from '@imgcls/tensor';
import { ones, zeros } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { createModel, listModels } from './catalogue.ts';
import { googlenet } from './googlenet.ts';
import { IMAGENET_CLASSES } from './imagenet-classes.ts';
import { weightSources } from './weights.ts';

beforeAll(() => useBackend('wasm'));

test('listModels() has every network once, with a link to its paper', () => {
  const names = listModels().map(({ name }) => name);
  expect(names).toHaveLength(87);
  expect(new Set(names).size).toBe(87);
  for (const { title, paper, inputShape, options } of listModels()) {
    expect(title).not.toBe('');
    expect(paper).toMatch(/^https:/);
    expect(inputShape.length).toBe(3);
    expect(options).toContain('numClasses');
  }
});

test.each([
  ['resnet18', 10], // the stem, eight blocks, the head
  ['resnet50', 18],
  ['vgg16', 16],
  ['googlenet', 15], // among them the two auxiliary heads
  ['mobilenet_v2', 20],
  ['efficientnet_b0', 19],
  ['vit_b_16', 14],
  ['swin_t', 17], // twelve blocks, three that merge patches
  ['convnext_tiny', 23], // eighteen blocks, three that make images smaller
])('%s has %i layers, to which all of its parameters belong', (name, count) => {
  const model = createModel(name);
  const layers = namedLayers(model);
  expect(layers).toHaveLength(count);
  expect(layers.flat()).toEqual(Object.keys(namedParameters(model)));
  expect(layers.at(-1)).toEqual(Object.keys(namedParameters(model)).slice(-2));
  disposeModule(model);
});

// Multiply-adds that their authors state, or that follow from the tables of their papers.
const MULTIPLY_ADDS: Record<string, number> = {
  resnet9: 379_261_952,
  airbench94: 118_147_360,
  cifar_resnet20: 40_551_040,
  cifar_resnet32: 68_862_592,
  cifar_resnet44: 97_174_144,
  cifar_resnet56: 125_485_696,
  resnet18: 1_814_073_344,
};

const entryOf = (name: string) => listModels().find((entry) => entry.name === name)!;

describe.each(['simple_cnn', 'squeezenet1_1', 'mnasnet0_5', 'mobilenet_v3_small', ...Object.keys(MULTIPLY_ADDS)])(
  '%s',
  (name) => {
    test('has the parameters, multiply-adds, input and outputs that the catalogue states', () => {
      const entry = entryOf(name);
      const { parameters, multiplyAdds, outputShape } = summary(createModel(name), entry.inputShape);
      expect(parameters).toBe(entry.parameters);
      expect(outputShape).toEqual([entry.inputShape[0] === 32 ? 10 : 1000]);
      expect(multiplyAdds).toBe(MULTIPLY_ADDS[name] ?? multiplyAdds);
      expect(Math.abs(multiplyAdds / entry.multiplyAdds - 1)).toBeLessThan(0.02); // 57 million is 56.5
    });

    test('takes numClasses, inputChannels and imageSize, and does not leak', () => {
      const model = createModel(name, { numClasses: 3, inputChannels: 1, imageSize: [40, 33] });
      const images = zeros([2, 40, 33, 1]);
      const before = memory().numTensors;
      tidy(() => {
        const logits = model(images);
        expect(logits.shape).toEqual([2, 3]);
        expect(model.head(model.features(images)).dataSync()).toEqual(logits.dataSync());
      });
      expect(memory().numTensors).toBe(before);
    });
  },
);

test.each(listModels().map(({ name }) => name))('%s has the parameters that the catalogue states', (name) => {
  expect(parameterCount(createModel(name))).toBe(entryOf(name).parameters);
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
        'createModel: no network is called "ResNet-18", did you mean "resnet18"? There are: 87, see listModels()',
      ),
    );
    expect(() => createModel('cifar_resnet')).toThrow(/did you mean "cifar_resnet20" or "cifar_resnet32" or/);
    expect(() => createModel('transformer')).toThrow(
      new RangeError('createModel: no network is called "transformer"; there are: 87, see listModels()'),
    );
  });

  test('says where pretrained weights come from', () => {
    expect(() => createModel('resnet18', { pretrained: true } as object)).toThrow(
      new RangeError(
        'createModel: weights must be fetched, so they come with a promise, got the option "pretrained"; import createModel from @imgcls/io instead, and await it',
      ),
    );
  });

  test('tells the nearest option when there is none such', () => {
    expect(() => createModel('resnet18', { numClases: 3 })).toThrow(
      new RangeError(
        'createModel: resnet18 has no option "numClases", did you mean "numClasses"? There are: numClasses, inputChannels, imageSize, zeroInitResidual, replaceStrideWithDilation',
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

describe('weightSources()', () => {
  test('has what timm and torchvision publish of a network, the newest last', () => {
    const sources = weightSources('resnet50');
    expect(sources.map(({ name }) => name)).toEqual(['timm/resnet50.a1_in1k', 'IMAGENET1K_V1', 'IMAGENET1K_V2']);
    expect(sources[2]).toEqual({
      publisher: 'torchvision',
      name: 'IMAGENET1K_V2',
      url: 'https://download.pytorch.org/models/resnet50-11ad3fa6.pth',
      sha256: '11ad3fa6',
      options: {},
      preprocessing: {
        height: 224,
        width: 224,
        channels: 3,
        resize: 'crop',
        cropFraction: 224 / 232,
        interpolation: 'bilinear',
        mean: [0.485, 0.456, 0.406],
        std: [0.229, 0.224, 0.225],
      },
      classes: 'imagenet',
      accuracy: { top1: 80.858, top5: 95.434 },
    });
  });

  test('says what the network must be built with, and the licence where there is one of its own', () => {
    expect(weightSources('inception_v3')[0]!.options).toEqual({ transformInput: true });
    const [, fine] = weightSources('vit_b_16');
    expect(fine!.name).toBe('IMAGENET1K_SWAG_E2E_V1');
    expect(fine!.options).toEqual({ imageSize: 384 });
    expect(fine!.license).toBe('https://github.com/facebookresearch/SWAG/blob/main/LICENSE');
    expect(weightSources('efficientnet_v2_l')[0]!.preprocessing.mean).toEqual([0.5, 0.5, 0.5]);
  });

  test('has the addresses of safetensors on the hub, and the size that their accuracy is for', () => {
    expect(weightSources('convnext_tiny')[0]).toMatchObject({
      name: 'timm/convnext_tiny.in12k_ft_in1k',
      url: 'https://huggingface.co/timm/convnext_tiny.in12k_ft_in1k/resolve/main/model.safetensors',
      license: 'https://www.apache.org/licenses/LICENSE-2.0',
      preprocessing: { height: 288, width: 288, cropFraction: 1, interpolation: 'bicubic' },
      accuracy: { top1: 84.45, top5: 97.34 },
    });
  });

  test('knows some for every network of torchvision, with options that it has', () => {
    for (const { name, weights, options } of listModels().slice(7)) {
      expect(weights.length, name).toBeGreaterThan(0);
      for (const source of weights) {
        expect(source.sha256).toMatch(source.publisher === 'timm' ? /^[0-9a-f]{64}$/ : /^[0-9a-f]{8,10}$/);
        for (const option of Object.keys(source.options)) expect(options).toContain(option);
      }
    }
    expect(weightSources('simple_cnn')).toEqual([]);
    expect(IMAGENET_CLASSES).toHaveLength(1000);
    expect([IMAGENET_CLASSES[0], IMAGENET_CLASSES[999]]).toEqual(['tench', 'toilet tissue']);
  });
});

test('auxiliary heads give logits of their own, beside those of the network', () => {
  const model = googlenet({ numClasses: 2 });
  const images = ones([1, 64, 64, 3]);
  tidy(() => {
    const all = model.allLogits(images);
    expect(all.shape).toEqual([1, 3, 2]);
    expect(Array.from(all.dataSync().slice(0, 2))).toEqual(Array.from(model(images).dataSync()));
    expect(googlenet({ numClasses: 2, auxLogits: false }).allLogits(images).shape).toEqual([1, 1, 2]);
  });
});
