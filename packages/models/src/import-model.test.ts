import { parameterCount } from '@imgcls/nn';
import { useBackend } from '@imgcls/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import { BUILDERS } from './builders.ts';
import { createModel, listModels } from './catalogue.ts';
import { familyOf } from './create.ts';
import { importModel } from './import-model.ts';
import { MODULES } from './modules.ts';

beforeAll(() => useBackend('cpu'));

describe('importModel()', () => {
  test('builds the network that createModel() builds', async () => {
    const options = { numClasses: 3, imageSize: 12, channels: [4], hidden: [], seed: 1 };
    const [imported, created] = [await importModel('simple_cnn', options), createModel('simple_cnn', options)];
    expect(imported.architecture).toEqual(created.architecture);
    expect(parameterCount(imported)).toBe(parameterCount(created));
  });

  test.each([
    ['ResNet-18', {}, 'no network is called "ResNet-18", did you mean "resnet18"'],
    [
      'resnet18',
      { zeroInitResidua: true },
      'resnet18 has no option "zeroInitResidua", did you mean "zeroInitResidual"',
    ],
    ['resnet18', { pretrained: true }, 'weights must be fetched'],
  ])('refuses what createModel() refuses: %s %o', async (name, options, text) => {
    expect(() => createModel(name, options)).toThrow(text);
    await expect(importModel(name, options)).rejects.toThrow(RangeError);
    await expect(importModel(name, options)).rejects.toThrow(text);
  });

  test.each(listModels().map(({ name }) => name))('finds the function of %s', async (name) => {
    const functions: Record<string, unknown> = await MODULES[familyOf(name).module]();
    expect(functions[name]).toBe(BUILDERS[name]);
  });
});
