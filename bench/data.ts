// How many images a second the loader decodes, crops to 224, flips and batches, and how many it shifts and flips that lie in memory, beside torchvision's.
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  arrayDataset,
  byRecipe,
  type Dataset,
  horizontalFlip,
  type Loader,
  loader,
  randomCrop,
  randomResizedCrop,
} from '@imgcls/data';
import { type BenchCase, bench, type Missing, python } from './harness/index.ts';

const workers = availableParallelism();
const root = fileURLToPath(new URL('..', import.meta.url));
const folder = resolve(root, process.env.IMGCLS_PHOTOS ?? '../shared/data/photos');

const torch = await python(new URL('./data.py', import.meta.url));

/** Images a second over one epoch, another one each time. */
function rateOf(batches: Loader): () => Promise<number> {
  let epoch = 0;
  return async () => {
    const start = performance.now();
    let images = 0;
    for await (const { indices } of batches.epoch(epoch++)) images += indices.length;
    return images / ((performance.now() - start) / 1000);
  };
}

const peer = (request: Record<string, unknown>): { peerName: string; peer: (() => Promise<number>) | Missing } =>
  'missing' in torch
    ? { peerName: 'torchvision', peer: torch }
    : { peerName: `${torch.greeting}, ${workers} workers`, peer: () => torch.ask<number>({ workers, ...request }) };

/** The photos again and again, as many as are asked for. */
function photos(length: number): Dataset {
  const files = readdirSync(folder).filter((name) => /\.jpe?g$/i.test(name));
  const get = byRecipe(
    (index) => ({ file: join(folder, files[index % files.length]!) }),
    () => 0,
  );
  return { length, classes: ['photo'], get, label: () => 0 };
}

await bench('data', ({ quick }) => {
  const files = (length: number): BenchCase => ({
    name: `photos: decode, crop to 224, flip, ${workers} workers`,
    unit: 'images/s',
    prepare: () => {
      if (!existsSync(folder))
        throw new Error(`bench data: needs a folder of JPEG photos, got ${folder}; set IMGCLS_PHOTOS to one`);
      const augment = [randomResizedCrop(224, 224), horizontalFlip()];
      const batches = loader(photos(length), {
        batchSize: 64,
        shuffle: true,
        seed: 1,
        augment,
        workers,
        prefetch: 2 * workers,
      });
      return { ours: rateOf(batches), ...peer({ task: 'photos', folder, length }) };
    },
  });
  const memory = (length: number): BenchCase => ({
    name: 'images of 32 x 32 in memory: shift, flip',
    unit: 'images/s',
    prepare: () => {
      const data = new Uint8Array(length * 32 * 32 * 3).map((_, i) => Math.imul(i, 2_654_435_761) >>> 24);
      const size = { height: 32, width: 32, channels: 3 } as const;
      const dataset = arrayDataset({ data, ...size, labels: new Int32Array(length), classes: ['any'] });
      const augment = [randomCrop(32, 32, { padding: 4 }), horizontalFlip()];
      const batches = loader(dataset, { batchSize: 512, shuffle: true, seed: 1, augment });
      return { ours: rateOf(batches), ...peer({ task: 'memory', length }) };
    },
  });
  return [files(quick ? 500 : 2000), memory(quick ? 20_000 : 50_000)];
});

if (!('missing' in torch)) torch.close();
