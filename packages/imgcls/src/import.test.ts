import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cifar10Classes } from '@imgcls/data';
import { loadWeights, readTorchCheckpoint, writeTorchCheckpoint } from '@imgcls/io';
import { createModel } from '@imgcls/models';
import { stateDict } from '@imgcls/nn';
import { useBackend } from '@imgcls/tensor';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inThisProcess, resultOf } from '../test/cli.ts';
import { temporaryFolder, writePhotos } from '../test/photos.ts';

const folder = await temporaryFolder(afterAll);
const run = (line: string) => inThisProcess(line.split(' '), folder);
const weights = async () => stateDict(createModel('cifar_resnet20', { numClasses: 3, seed: 5 }));
const inNumbers = '--size 8 --mean 0.5,0.5,0.5 --std 0.25,0.25,0.25 --backend cpu';

/** A checkpoint as training programs write them, and photos of three colours. */
beforeAll(async () => {
  await useBackend('cpu');
  const wrapped = new Map([...(await weights())].map(([name, tensor]) => [`module.${name}`, tensor]));
  await writeFile(join(folder, 'best.th'), writeTorchCheckpoint({ epoch: 7, state_dict: wrapped }));
  const ema = { state_dict_ema: await weights(), teacher: await weights() };
  await writeFile(join(folder, 'several.pth'), writeTorchCheckpoint(ema));
  await writeFile(join(folder, 'labels.txt'), 'blue\ngreen\n\nred\n');
  await writePhotos(join(folder, 'photos'), 2);
}, 60_000);

describe('imgcls import', () => {
  test('makes a classifier of a checkpoint, which is evaluated and exported like one that was trained', async () => {
    const ended = await run(
      `import best.th --model cifar_resnet20 --classes labels.txt ${inNumbers} --output mine --json`,
    );
    expect(ended.code).toBe(0);
    expect(resultOf(ended)).toMatchObject({
      output: 'mine',
      format: 'torch',
      labels: ['blue', 'green', 'red'],
      architecture: { name: 'cifar_resnet20', options: { numClasses: 3, inputChannels: 3, imageSize: 8 } },
      preprocessing: { height: 8, width: 8, resize: 'crop', mean: [0.5, 0.5, 0.5] },
    });
    expect(await loadWeights(join(folder, 'mine'))).toEqual(await weights());
    const { provenance } = JSON.parse(await readFile(join(folder, 'mine/classifier.json'), 'utf8'));
    expect(provenance).toMatchObject({ imported: { file: 'best.th', format: 'torch' }, versions: {} });

    const evaluated = await run('evaluate mine photos --backend cpu --json');
    expect(resultOf(evaluated)).toMatchObject({ count: 6, split: 'all' });

    expect((await run('export mine --format torch')).stdout).toMatch(/^mine\.pth: \d+ tensors, [\d,]+ bytes\n$/);
    const exported = readTorchCheckpoint(new Uint8Array(await readFile(join(folder, 'mine.pth'))));
    expect([exported.member, exported.tensors]).toEqual(['', await weights()]);
    expect((await run('export mine --format torch')).stderr).toContain(
      'mine.pth exists already; choose another --output, or delete it',
    );

    expect(await run('export mine --format safetensors --output out.safetensors')).toMatchObject({ code: 0 });
    await run(`import out.safetensors --model cifar_resnet20 ${inNumbers} --output again`);
    expect(await loadWeights(join(folder, 'again'))).toEqual(await weights());
  }, 30_000);

  test('names classes by number where nobody has, and those of CIFAR-10 where there are ten', async () => {
    const three = await run(`import best.th --model cifar_resnet20 ${inNumbers} --output numbered --json`);
    expect(resultOf(three).labels).toEqual(['class 0', 'class 1', 'class 2']);
    await writeFile(join(folder, 'ten.th'), writeTorchCheckpoint(await stateDict(createModel('cifar_resnet20'))));
    const ten = await run(
      'import ten.th --model cifar_resnet20 --preprocessing cifar10 --output ten --backend cpu --json',
    );
    expect(resultOf(ten).labels).toEqual(cifar10Classes);
    expect(resultOf(ten).preprocessing).toMatchObject({ height: 32, mean: [0.4914, 0.4822, 0.4465] });
  }, 30_000);

  test('takes a member, labels in a list or in JSON, and preprocessing from a file', async () => {
    const preprocessing = { height: 8, width: 8, channels: 3, resize: 'pad', mean: [0, 0, 0], std: [1, 1, 1] };
    await writeFile(join(folder, 'preprocessing.json'), JSON.stringify(preprocessing));
    await writeFile(join(folder, 'labels.json'), '["a", "b", "c"]');
    const common = 'import several.pth --model cifar_resnet20 --member teacher --backend cpu --json';
    const first = await run(`${common} --classes x,y,z --preprocessing preprocessing.json --output first`);
    expect(resultOf(first)).toMatchObject({ labels: ['x', 'y', 'z'], preprocessing });
    const second = await run(`${common} --classes labels.json --preprocessing imagenet --output second`);
    expect(resultOf(second)).toMatchObject({
      labels: ['a', 'b', 'c'],
      preprocessing: { height: 32, cropFraction: 0.875 },
    });
  }, 30_000);

  test.each<[string, number, string]>([
    [
      'best.th --model cifar_resnet20 --output x',
      2,
      'what is done to images must be said by --preprocessing (imagenet, cifar10 or a file), or by --size, --mean and --std together',
    ],
    ['best.th --model cifar_resnet20 --output x --size 8 --mean 1,1,1', 2, 'what is done to images must be said by'],
    [
      `best.th --model cifar_resnet20 --output x --preprocessing imagenet ${inNumbers}`,
      2,
      'what is done to images must be said by',
    ],
    [
      'best.th --model cifar_resnet20 --output x --preprocessing coco',
      2,
      '--preprocessing must be imagenet, cifar10 or a file with its JSON, got "coco"',
    ],
    ['best.th --model cifar_resnet20 --output x --preprocessing labels.txt', 2, 'labels.txt: Unexpected token'],
    [
      'best.th --model cifar_resnet20 --output x --size 8 --mean 1,1 --std 1,1',
      2,
      '--mean and --std must be one or three numbers, --std above 0, got --mean 1,1 --std 1,1',
    ],
    [
      'best.th --model cifar_resnet20 --output x --size 8 --mean 1,,1 --std 1,1,1',
      2,
      '--mean must be numbers with commas between them, got "1,,1"',
    ],
    [
      `best.th --model cifar_resnet20 --output x --classes a,b ${inNumbers}`,
      2,
      '--classes must be 3 different names, as many as the weights tell apart, got 2: a, b',
    ],
    [
      `best.th --model cifar_resnet20 --output x --classes no.txt ${inNumbers}`,
      2,
      '--classes: there is no file "no.txt"',
    ],
    [`none.th --model cifar_resnet20 --output x ${inNumbers}`, 1, 'there is no file "none.th"'],
    [
      `labels.txt --model cifar_resnet20 --output x ${inNumbers}`,
      1,
      'readTorchCheckpoint: the file must hold a zip archive, a tar archive or a pickle, got',
    ],
    [
      `several.pth --model cifar_resnet20 --output x ${inNumbers}`,
      1,
      'readTorchCheckpoint: the file must hold one state dict, or a member that says which, got state_dict_ema',
    ],
    [
      `best.th --model cifar_resnet32 --output x ${inNumbers}`,
      1,
      'loadStateDict: the state dict lacks layer1.3.conv1.weight',
    ],
    [
      `best.th --model resnet18 --output x ${inNumbers}`,
      1,
      'the weights must be of resnet18, whose last tensor is fc.bias, got',
    ],
  ])(
    'refuses %s',
    async (line, code, message) => {
      const ended = await run(`import ${line}`);
      expect([ended.code, ended.stderr]).toEqual([code, expect.stringContaining(`imgcls import: ${message}`)]);
    },
    30_000,
  );

  test('does not write over a classifier', async () => {
    await mkdir(join(folder, 'taken'));
    await writeFile(join(folder, 'taken/classifier.json'), '{}');
    const ended = await run(`import best.th --model cifar_resnet20 ${inNumbers} --output taken`);
    expect([ended.code, ended.stderr]).toEqual([
      1,
      expect.stringContaining('taken holds a classifier already; choose another --output'),
    ]);
  });
});
