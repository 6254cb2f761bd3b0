import { type ChanceOptions, withProbability } from './chance.ts';
import { describedWith } from './description.ts';
import type { Transform } from './loader.ts';

/**
 * A transform that applies all of several or none, as torchvision's `RandomApply`.
 *
 * @throws {RangeError} if there is none, or the probability is outside [0, 1].
 * @example
 * ```ts
 * import { colorJitter, randomApply } from '@imgcls/data';
 * import { random } from '@imgcls/random';
 *
 * const image = { data: Uint8Array.from([200, 100, 50]), height: 1, width: 1, channels: 3 as const };
 * const sometimes = randomApply([colorJitter({ brightness: 0.4 })], { probability: 0.3 });
 * console.log(sometimes(image, random(1)).data.length); // => 3
 * ```
 */
export function randomApply(transforms: readonly Transform[], options: ChanceOptions = {}): Transform {
  checkSome('randomApply', transforms);
  const all: Transform = (image, random) =>
    transforms.reduce((changed, transform) => transform(changed, random), image);
  const sometimes = withProbability('randomApply', options.probability ?? 0.5, all);
  return describedWith(transforms, 'randomApply', [options], sometimes);
}

/** How `randomChoice` chooses. */
export interface RandomChoiceOptions {
  /** How often each is chosen, relative to the others. Default: all as often. */
  weights?: readonly number[];
}

/**
 * A transform that applies one of several, as torchvision's `RandomChoice`.
 *
 * @throws {RangeError} if there is none, or not one weight >= 0 for each, of which one is > 0.
 */
export function randomChoice(transforms: readonly Transform[], options: RandomChoiceOptions = {}): Transform {
  checkSome('randomChoice', transforms);
  const { weights = transforms.map(() => 1) } = options;
  const total = weights.reduce((a, b) => a + b, 0);
  if (weights.length !== transforms.length || !weights.every((weight) => weight >= 0) || !(total > 0))
    throw new RangeError(
      `randomChoice: weights must be ${transforms.length} numbers >= 0, not all 0, got ${JSON.stringify(weights)}`,
    );
  return describedWith(transforms, 'randomChoice', [options], (image, random) => {
    const at = random.uniform() * total;
    let [chosen, passed] = [0, 0];
    for (const [i, weight] of weights.entries()) {
      if (weight > 0 && at >= passed) chosen = i;
      passed += weight;
    }
    return transforms[chosen]!(image, random);
  });
}

/**
 * A transform that applies several in random order, as torchvision's `RandomOrder`.
 *
 * @throws {RangeError} if there is none.
 */
export function randomOrder(transforms: readonly Transform[]): Transform {
  checkSome('randomOrder', transforms);
  return describedWith(transforms, 'randomOrder', [], (image, random) => {
    let result = image;
    for (const i of random.permutation(transforms.length)) result = transforms[i]!(result, random);
    return result;
  });
}

function checkSome(where: string, transforms: readonly Transform[]): void {
  if (transforms.length === 0) throw new RangeError(`${where}: there must be at least one transform, got none`);
}
