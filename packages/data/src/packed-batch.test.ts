import { random } from '@imgcls/random';
import { describe, expect, it } from 'vitest';
import { horizontalFlip, randomCrop } from './crop.ts';
import { arrayDataset, type Dataset, subset } from './dataset.ts';
import type { Channels } from './image.ts';
import { loader, type Transform } from './loader.ts';

const noise = (height: number, width: number, channels: Channels): Dataset => {
  const draw = random(1, height, width, channels);
  const data = Uint8Array.from({ length: 6 * height * width * channels }, () => draw.int(256));
  const all = arrayDataset({ data, height, width, channels, labels: [0, 1, 0, 1, 0, 1], classes: ['a', 'b'] });
  return subset(all, [5, 3, 4, 1]);
};

/** The same images, one by one, through the transforms themselves. */
const unpacked = ({ packed: _, ...dataset }: Dataset): Dataset => dataset;

const flip = horizontalFlip();
const cases: [string, (height: number, width: number) => Transform[]][] = [
  ['nothing', () => []],
  ['a flip', () => [flip]],
  ['a crop', (h, w) => [randomCrop(h, w, { padding: 2 })]],
  ['a crop of the image itself', (h, w) => [randomCrop(h, w)]],
  ['a crop and a flip', (h, w) => [randomCrop(h, w, { padding: 2, fill: 77 }), flip]],
  [
    'a crop that may miss the image',
    (h, w) => [randomCrop(h, w, { padding: 9 }), horizontalFlip({ probability: 0.9 })],
  ],
];
const sizes = [
  [5, 8, 3],
  [5, 7, 3],
  [4, 4, 1],
  [3, 5, 1],
] as const;

describe.each(cases)('loader() on images in memory with %s', (_, augment) => {
  it.each(sizes)('gives what the transforms give, of images of %i x %i x %i', async (height, width, channels) => {
    const dataset = noise(height, width, channels);
    const options = { batchSize: 3, seed: 4, shuffle: true, augment: augment(height, width) };
    const [quick, slow] = [loader(dataset, options), loader(unpacked(dataset), options)];
    for (let epoch = 0; epoch < 8; epoch++) {
      const expected = slow.epoch(epoch)[Symbol.asyncIterator]();
      for await (const batch of quick.epoch(epoch)) expect(batch).toEqual((await expected.next()).value);
    }
  });
});
