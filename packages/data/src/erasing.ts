import type { Random } from '@imgcls/random';
import { between, type ChanceOptions, withProbability } from './chance.ts';
import { described } from './description.ts';
import { checkFill, colorOf } from './fill.ts';
import type { Image } from './image.ts';

/** What `randomErasing` paints over. */
export interface RandomErasingOptions extends ChanceOptions {
  /** The part of the image's area. Default `[0.02, 0.33]`. */
  scale?: readonly [least: number, most: number];
  /** Height to width; its logarithm is drawn evenly. Default `[0.3, 3.3]`. */
  ratio?: readonly [least: number, most: number];
  /** The colour, or noise of all levels. Default 0, black. */
  value?: number | readonly number[] | 'random';
}

/**
 * A transform that paints over a random rectangle of some images, as torchvision's `RandomErasing`.
 *
 * @throws {RangeError} if an option is out of its range.
 * Zhong et al. 2017, https://arxiv.org/abs/1708.04896
 */
export function randomErasing(options: RandomErasingOptions = {}): (image: Image, random: Random) => Image {
  const { scale = [0.02, 0.33], ratio = [0.3, 3.3], value = 0, probability = 0.5 } = options;
  if (!(scale[0] >= 0 && scale[0] <= scale[1] && scale[1] <= 1 && ratio[0] > 0 && ratio[0] <= ratio[1]))
    throw new RangeError(
      `randomErasing: scale must be in [0, 1], ratio > 0, both in order, got ${JSON.stringify({ scale, ratio })}`,
    );
  if (value !== 'random') checkFill('randomErasing', value);
  return described(
    'randomErasing',
    [options],
    withProbability('randomErasing', probability, (image, random) => {
      for (let attempt = 0; attempt < 10; attempt++) {
        const area = image.height * image.width * between(...scale, random);
        const aspect = Math.exp(between(Math.log(ratio[0]), Math.log(ratio[1]), random));
        const [height, width] = [Math.round(Math.sqrt(area * aspect)), Math.round(Math.sqrt(area / aspect))];
        if (height >= image.height || width >= image.width) continue;
        const top = random.int(image.height - height + 1);
        const left = random.int(image.width - width + 1);
        const color = value === 'random' ? undefined : colorOf(value, image);
        return erased(image, { top, left, height, width }, (channel) => color?.[channel] ?? random.int(256));
      }
      return image;
    }),
  );
}

function erased(
  image: Image,
  box: { top: number; left: number; height: number; width: number },
  level: (channel: number) => number,
): Image {
  const data = image.data.slice();
  for (let y = box.top; y < box.top + box.height; y++) {
    const start = (y * image.width + box.left) * image.channels;
    for (let i = 0; i < box.width * image.channels; i++) data[start + i] = level(i % image.channels);
  }
  return { ...image, data };
}
