import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DownloadProgress } from '@imgcls/data';
import { createModel as newModel } from '@imgcls/models';
import { disposeModule, type StateDict, stateDict } from '@imgcls/nn';
import { memory, tidy, useBackend } from '@imgcls/tensor';
import { tensor4d } from '@tensorflow/tfjs-core';
import { beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { ClassifierError } from './manifest.ts';
import { createModel, loadPretrained, type PublishedWeights } from './pretrained.ts';
import { encodeSafetensors } from './safetensors.ts';
import { writeTorchCheckpoint } from './torch-writer.ts';

const preprocessing = {
  height: 8,
  width: 8,
  channels: 3,
  resize: 'crop',
  mean: [0.3, 0.5, 0.7],
  std: [0.1, 0.2, 0.3],
} as const;
let weights: StateDict;
let file: Uint8Array;
let cacheDir: string;

beforeAll(async () => {
  await useBackend('wasm');
  const model = newModel('cifar_resnet20', { numClasses: 4, seed: 5 });
  weights = await stateDict(model);
  disposeModule(model);
  file = writeTorchCheckpoint({ state_dict: weights });
});

beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'imgcls-pretrained-'));
  return () => rm(cacheDir, { recursive: true });
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Weights on a server of this machine, which knows ranges; and what it has been asked. */
async function offered(
  bytes = file,
  { answer = (_, response) => void response, name = 'mine.pth' }: { answer?: Answer; name?: string } = {},
): Promise<PublishedWeights & { requests: (string | undefined)[] }> {
  const requests: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    requests.push(request.headers.range);
    answer(request, response);
    if (response.headersSent) return;
    const start = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0);
    const range = start > 0 ? { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {};
    response
      .writeHead(start > 0 ? 206 : 200, { 'content-length': bytes.length - start, ...range })
      .end(bytes.subarray(start));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/some/${name}`;
  const sha256 = createHash('sha256').update(bytes).digest('hex').slice(0, 10);
  return {
    name: 'MINE_V1',
    url,
    sha256,
    preprocessing,
    classes: ['a', 'b', 'c', 'd'],
    options: { imageSize: 8 },
    requests,
  };
}

describe('loadPretrained()', () => {
  it('fetches weights, builds their network and loads them, once fetched from the cache', async () => {
    const offer = await offered();
    const progress: DownloadProgress[] = [];
    for (let i = 0; i < 2; i++) {
      const { model, ...rest } = await loadPretrained('cifar_resnet20', {
        weights: offer,
        cacheDir,
        onProgress: (now) => progress.push(now),
      });
      expect(await stateDict(model)).toEqual(weights);
      expect(model.architecture).toEqual({ name: 'cifar_resnet20', options: { numClasses: 4, imageSize: 8 } });
      expect(rest).toEqual({ preprocessing, labels: offer.classes, weights: 'MINE_V1', adapted: [], fresh: [] });
    }
    expect(offer.requests).toEqual([undefined]);
    expect(progress.at(-1)).toEqual({ file: 'mine.pth', receivedBytes: file.length, totalBytes: file.length });
    expect(new Uint8Array(await readFile(join(cacheDir, 'weights/cifar_resnet20/mine.pth')))).toEqual(file);
  });

  it('replaces the head for other classes, and adapts the first convolution to other channels', async () => {
    const offer = await offered(encodeSafetensors(weights), { name: 'mine.safetensors' });
    const options = { numClasses: 3, inputChannels: 1, imageSize: 16, seed: 7 };
    const { model, ...rest } = await loadPretrained('cifar_resnet20', { weights: offer, cacheDir, ...options });
    expect(rest).toEqual({
      preprocessing: {
        ...preprocessing,
        height: 16,
        width: 16,
        channels: 1,
        mean: [0.5],
        std: [expect.closeTo(0.2, 6)],
      },
      labels: undefined,
      weights: 'MINE_V1',
      adapted: ['conv1.weight'],
      fresh: ['linear.weight', 'linear.bias'],
    });
    const loaded = await stateDict(model);
    const untrained = await stateDict(newModel('cifar_resnet20', options));
    expect(loaded.get('layer3.2.conv2.weight')).toEqual(weights.get('layer3.2.conv2.weight'));
    expect(loaded.get('linear.weight')).toEqual(untrained.get('linear.weight'));
    expect(loaded.get('conv1.weight')?.shape).toEqual([16, 1, 3, 3]);
  });

  it('goes on where a transfer has broken off, also that of an earlier process', async () => {
    let broken = false;
    const answer: Answer = (_, response) => {
      if (broken) return;
      broken = true;
      response.writeHead(200, { 'content-length': file.length });
      response.write(file.subarray(0, 50_000), () => setTimeout(() => response.destroy(), 20));
    };
    const offer = await offered(file, { answer });
    const { model } = await loadPretrained('cifar_resnet20', { weights: offer, cacheDir });
    expect(offer.requests).toEqual([undefined, 'bytes=50000-']);
    expect(await stateDict(model)).toEqual(weights);
  });

  it('fetches from IMGCLS_MIRROR, and nothing when offline', async () => {
    onTestFinished(() => void vi.unstubAllEnvs());
    const mirror = await offered();
    vi.stubEnv('IMGCLS_MIRROR', new URL('..', mirror.url).href);
    const elsewhere = { ...mirror, url: 'http://127.0.0.1:1/mine.pth' };
    await loadPretrained('cifar_resnet20', { weights: elsewhere, cacheDir });
    expect(mirror.requests).toHaveLength(1);
    vi.stubEnv('IMGCLS_OFFLINE', '1');
    await loadPretrained('cifar_resnet20', { weights: elsewhere, cacheDir });
    await expect(loadPretrained('cifar_resnet32', { weights: elsewhere, cacheDir })).rejects.toThrow(
      `download: mine.pth must lie in ${join(cacheDir, 'weights/cifar_resnet32')}, as nothing may be fetched (offline), got no such file`,
    );
  });

  it('refuses and deletes a file with another checksum', async () => {
    const offer = { ...(await offered()), sha256: '0123456789' };
    await expect(loadPretrained('cifar_resnet20', { weights: offer, cacheDir })).rejects.toThrow(
      /its sha256 must be 0123456789, got [\da-f]{64}/,
    );
    expect(await readdir(join(cacheDir, 'weights/cifar_resnet20'))).toEqual([]);
  });

  it('refuses weights of another network, and leaves no memory behind', async () => {
    const offer = await offered();
    const before = memory().numTensors;
    const wrong = loadPretrained('cifar_resnet32', { weights: offer, cacheDir });
    await expect(wrong).rejects.toThrow(ClassifierError);
    await expect(wrong).rejects.toThrow(
      /^loadPretrained: MINE_V1 for cifar_resnet32: all tensors but the head must fit, got the weights lack layer1\.3\.conv1\.weight; .* and \d+ more; build the network with the options/,
    );
    expect(memory().numTensors).toBe(before);
  });

  it('says which weights there are', async () => {
    await expect(loadPretrained('simple_cnn')).rejects.toThrow(
      new RangeError(
        'loadPretrained: simple_cnn must have published weights, got none; pass weights of your own, { weights: { name, url, sha256, preprocessing, classes } }',
      ),
    );
    await expect(loadPretrained('resnet50', { weights: 'V3' })).rejects.toThrow(
      'resnet50 must have weights called "V3", got timm/resnet50.a1_in1k, IMAGENET1K_V1, IMAGENET1K_V2;',
    );
    const noFile = { ...(await offered()), url: 'https://example.com/' };
    await expect(loadPretrained('cifar_resnet20', { weights: noFile, cacheDir })).rejects.toThrow(
      new TypeError('loadPretrained: the URL of weights must end with the name of a file, got "https://example.com/"'),
    );
  });

  it.each([
    ['densenet121', 'features.denseblock1.denselayer1.norm.1.weight', 'features.denseblock1.denselayer1.norm1.weight'],
    ['vit_b_16', 'encoder.layers.encoder_layer_0.mlp.linear_2.bias', 'encoder.layers.encoder_layer_0.mlp.3.bias'],
  ])('knows names in old files of %s', async (network, old, now) => {
    const tensor = { dtype: 'float32', shape: [1], data: new Float32Array(1) } as const;
    const offer = await offered(encodeSafetensors(new Map([[old, tensor]])), { name: 'old.safetensors' });
    // the only tensor is found under its new name, where it has another shape
    await expect(loadPretrained(network, { weights: { ...offer, options: {} }, cacheDir })).rejects.toThrow(
      `got ${now} is [1] in the weights but [`,
    );
  });

  const python = process.env.IMGCLS_PYTHON;
  it.skipIf(!python).each([
    ['resnet18', 'resnet18'],
    ['mobilenetv2_100', 'mobilenet_v2'],
    ['efficientnet_b0', 'efficientnet_b0'],
    ['convnext_tiny', 'convnext_tiny'],
  ])(
    `has of %s of timm the logits that it has there${python ? '' : ' (set IMGCLS_PYTHON to a Python with timm)'}`,
    async (theirs, network) => {
      execFileSync(python!, [new URL('../fixtures/timm.py', import.meta.url).pathname, cacheDir, theirs]);
      const bytes = new Uint8Array(await readFile(join(cacheDir, 'model.safetensors')));
      const offer = await offered(bytes, { name: 'model.safetensors' });
      const classes = ['a', 'b', 'c', 'd', 'e'];
      const weights = { ...offer, classes, publisher: 'timm', options: { imageSize: 64 } } as const;
      const { model, fresh } = await loadPretrained(network, { weights, cacheDir });
      expect(fresh).toEqual([]);
      const pixels = Float32Array.from({ length: 64 * 64 * 3 }, (_, i) => Math.sin(Math.fround(i * Math.fround(0.37))));
      const expected = JSON.parse(await readFile(join(cacheDir, 'logits.json'), 'utf8')) as number[];
      const size = Math.max(...expected.map(Math.abs));
      const logits = tidy(() => model(tensor4d(pixels, [1, 64, 64, 3])).dataSync());
      for (const [i, logit] of logits.entries()) expect(logit / size).toBeCloseTo(expected[i]! / size, 3);
      disposeModule(model);
    },
    240_000, // PyTorch takes its time to start
  );

  it('takes the published weights of the catalogue, and those of timm by name', async () => {
    const ofTimm = loadPretrained('resnet18', { weights: 'timm/resnet18.a1_in1k', offline: true, cacheDir });
    await expect(ofTimm).rejects.toThrow(
      `download: model.safetensors must lie in ${join(cacheDir, 'weights/resnet18')}`,
    );
    const offer = loadPretrained('resnet18', { offline: true, cacheDir });
    await expect(offer).rejects.toThrow(
      `download: resnet18-f37072fd.pth must lie in ${join(cacheDir, 'weights/resnet18')}`,
    );
  });
});

describe('createModel()', () => {
  it('has published weights if it is asked for them, and a new head for other classes', async () => {
    const pretrained = await offered();
    const model = await createModel('cifar_resnet20', { pretrained, numClasses: 10, cacheDir });
    expect(model.architecture.options).toEqual({ numClasses: 10, imageSize: 8 });
    const loaded = await stateDict(model);
    expect(loaded.get('conv1.weight')).toEqual(weights.get('conv1.weight'));
    expect(loaded.get('linear.weight')?.shape).toEqual([10, 64]);
  });

  it('takes the newest weights for true, and others by name', async () => {
    const lies = (file: string) => `download: ${file} must lie in ${join(cacheDir, 'weights/resnet50')}`;
    const options = { numClasses: 10, offline: true, cacheDir };
    await expect(createModel('resnet50', { pretrained: true, ...options })).rejects.toThrow(
      lies('resnet50-11ad3fa6.pth'),
    );
    await expect(createModel('resnet50', { pretrained: 'IMAGENET1K_V1', ...options })).rejects.toThrow(
      lies('resnet50-0676ba61.pth'),
    );
  });

  it('is that of @imgcls/models otherwise', async () => {
    const [one, other] = [await createModel('cifar_resnet20', { seed: 3 }), newModel('cifar_resnet20', { seed: 3 })];
    expect(await stateDict(one)).toEqual(await stateDict(other));
    await expect(createModel('resnet', { pretrained: false })).rejects.toThrow(RangeError);
  });
});
