import { afterAll, describe, expect, test } from 'vitest';
import { inThisProcess, resultOf } from '../test/cli.ts';
import { temporaryFolder } from '../test/photos.ts';

const folder = await temporaryFolder(afterAll);
const run = (...args: string[]) => inThisProcess(args, folder);

describe('imgcls models', () => {
  test('lists networks, those that all words are about', async () => {
    const { code, stdout } = await run('models', 'resnet', 'SMALL');
    expect(code).toBe(0);
    expect(stdout).toBe(`\
name            parameters  multiply-adds  images  ImageNet
cifar_resnet20       0.3 M           41 M   32×32            ResNet-20 for small images
cifar_resnet32       0.5 M           69 M   32×32            ResNet-32 for small images
cifar_resnet44       0.7 M           97 M   32×32            ResNet-44 for small images
cifar_resnet56       0.9 M          126 M   32×32            ResNet-56 for small images

4 networks. Layers and memory: imgcls summary cifar_resnet20
`);
    expect((await run('models', 'resnet50')).stdout).toContain(
      'resnet50               26 M        4,089 M  224×224    80.9 %  ResNet-50\n',
    );
  });

  test('lists all of them, also for programs', async () => {
    const names = resultOf(await run('models', '--json')).map(({ name }: { name: string }) => name);
    expect(names).toContain('simple_cnn');
    expect(names).toContain('resnet50');
  });

  test('says so where there is none', async () => {
    const { code, stderr } = await run('models', 'gpt');
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^imgcls models: none of the \d+ networks is called "gpt"; imgcls models lists them all$/m),
    ]);
  });
});
