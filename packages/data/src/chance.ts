import type { Random } from '@imgcls/random';
import type { Image } from './image.ts';

/** How often a transform is applied. */
export interface ChanceOptions {
  /** Of being applied. Default 0.5. */
  probability?: number;
}

/** A transform that is applied to some images, and leaves the others as they are. */
export function withProbability(
  where: string,
  probability: number,
  transform: (image: Image, random: Random) => Image,
): (image: Image, random: Random) => Image {
  if (!(probability >= 0 && probability <= 1))
    throw new RangeError(`${where}: probability must be in [0, 1], got ${probability}`);
  return (image, random) => (random.uniform() < probability ? transform(image, random) : image);
}

/** A number drawn evenly from `[low, high)`. */
export const between = (low: number, high: number, random: Random): number => low + (high - low) * random.uniform();
