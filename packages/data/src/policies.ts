import type { Random } from '@imgcls/random';
import { affine, rotate } from './affine.ts';
import { adjustBrightness, adjustContrast, adjustSaturation } from './color.ts';
import { described } from './description.ts';
import { adjustSharpness } from './filter.ts';
import { blankImage, type Image } from './image.ts';
import { checkWhole, roundHalfEven } from './numbers.ts';
import { autocontrast, equalize, invert, posterize, solarize } from './tone.ts';
import { checkWarp, type WarpOptions } from './warp.ts';

// Random choices are drawn in torchvision's order: the same numbers give the same operations at the same strengths.

const operations = {
  identity: (image: Image) => image,
  shearX: (image: Image, slope: number, options: WarpOptions) => sheared(image, [slope, 0], options),
  shearY: (image: Image, slope: number, options: WarpOptions) => sheared(image, [0, slope], options),
  translateX: (image: Image, pixels: number, options: WarpOptions) =>
    affine(image, { translate: [Math.trunc(pixels), 0] }, options),
  translateY: (image: Image, pixels: number, options: WarpOptions) =>
    affine(image, { translate: [0, Math.trunc(pixels)] }, options),
  rotate: (image: Image, degrees: number, options: WarpOptions) => rotate(image, degrees, options),
  brightness: (image: Image, change: number) => adjustBrightness(image, 1 + change),
  color: (image: Image, change: number) => adjustSaturation(image, 1 + change),
  contrast: (image: Image, change: number) => adjustContrast(image, 1 + change),
  sharpness: (image: Image, change: number) => adjustSharpness(image, 1 + change),
  posterize: (image: Image, bits: number) => posterize(image, Math.trunc(bits)),
  solarize: (image: Image, level: number) => solarize(image, 255 * level),
  autoContrast: (image: Image) => autocontrast(image),
  equalize: (image: Image) => equalize(image),
  invert: (image: Image) => invert(image),
} as const;

type Operation = keyof typeof operations;

/** Sheared from the top left corner, by a slope. */
function sheared(image: Image, [x, y]: readonly [number, number], options: WarpOptions): Image {
  const degrees = (slope: number) => (Math.atan(slope) * 180) / Math.PI;
  return affine(image, { shear: [degrees(x), degrees(y)], center: [0, 0] }, options);
}

/** From the weakest to the strongest, in how many equal steps; `signed` ones go either way. */
interface Strength {
  from: number;
  to: number | ((image: Image) => number);
  signed?: true;
  whole?: true;
}

type Space = Readonly<Partial<Record<Operation, Strength | undefined>>>;

function strengthAt({ from, to, whole }: Strength, step: number, steps: number, image: Image): number {
  const end = typeof to === 'number' ? to : to(image);
  const strength = from + ((end - from) * step) / (steps - 1);
  return whole ? roundHalfEven(strength) : strength;
}

const upTo = (to: Strength['to']): Strength => ({ from: 0, to, signed: true });
const colors = (to: number) => ({ brightness: upTo(to), color: upTo(to), contrast: upTo(to), sharpness: upTo(to) });
const tones = { solarize: { from: 1, to: 0 }, autoContrast: undefined, equalize: undefined } as const;
const bits = (from: number, to: number): Strength => ({ from, to, whole: true });

const autoSpace: Space = {
  shearX: upTo(0.3),
  shearY: upTo(0.3),
  translateX: upTo(({ width }) => (150 / 331) * width),
  translateY: upTo(({ height }) => (150 / 331) * height),
  rotate: upTo(30),
  ...colors(0.9),
  posterize: bits(8, 4),
  ...tones,
  invert: undefined,
};

const { invert: _, ...withoutInvert } = autoSpace;
const randSpace: Space = { identity: undefined, ...withoutInvert };

const wideSpace: Space = {
  identity: undefined,
  shearX: upTo(0.99),
  shearY: upTo(0.99),
  translateX: upTo(32),
  translateY: upTo(32),
  rotate: upTo(135),
  ...colors(0.99),
  posterize: bits(8, 2),
  ...tones,
};

const mixSpace: Space = {
  shearX: upTo(0.3),
  shearY: upTo(0.3),
  translateX: upTo(({ width }) => width / 3),
  translateY: upTo(({ height }) => height / 3),
  rotate: upTo(30),
  posterize: bits(4, 0),
  ...tones,
  ...colors(0.9),
};

/** Applies an operation of a space at a step, which is asked for only if the operation has strengths. */
function apply(
  image: Image,
  name: Operation,
  space: Space,
  step: () => number,
  steps: number,
  random: Random,
  options: WarpOptions,
): Image {
  const range = space[name];
  if (!range) return operations[name](image, 0, options);
  const strength = strengthAt(range, step(), steps, image);
  const sign = range.signed && random.uniform() <= 0.5 ? -1 : 1;
  return operations[name](image, sign * strength, options);
}

const anyOf = (space: Space, random: Random): Operation => {
  const names = Object.keys(space) as Operation[];
  return names[random.int(names.length)]!;
};

/** How `randAugment` augments. */
export interface RandAugmentOptions extends WarpOptions {
  /** Operations on an image, one after the other. Default 2. */
  operations?: number;
  /** Their strength, of `bins`. Default 9. */
  magnitude?: number;
  /** Steps of strength. Default 31. */
  bins?: number;
}

/**
 * A transform that applies random operations at one strength, as torchvision's `RandAugment`.
 *
 * @throws {RangeError} if an option is out of its range.
 * Cubuk et al. 2019, https://arxiv.org/abs/1909.13719
 */
export function randAugment(options: RandAugmentOptions = {}): (image: Image, random: Random) => Image {
  const { operations: count = 2, magnitude = 9, bins = 31 } = options;
  checkWhole('randAugment', 'operations', count, 0);
  checkWhole('randAugment', 'bins', bins, 2);
  if (!(Number.isInteger(magnitude) && magnitude >= 0 && magnitude < bins))
    throw new RangeError(`randAugment: magnitude must be an integer of 0 to ${bins - 1}, got ${magnitude}`);
  checkWarp('randAugment', options);
  return described('randAugment', [options], (image, random) => {
    let result = image;
    for (let i = 0; i < count; i++)
      result = apply(result, anyOf(randSpace, random), randSpace, () => magnitude, bins, random, options);
    return result;
  });
}

/** How `trivialAugmentWide` augments. */
export interface TrivialAugmentOptions extends WarpOptions {
  /** Steps of strength. Default 31. */
  bins?: number;
}

/**
 * A transform that applies one random operation at a random strength, as torchvision's `TrivialAugmentWide`: nothing to tune.
 *
 * @throws {RangeError} if there are fewer than two steps.
 * Müller, Hutter 2021, https://arxiv.org/abs/2103.10158
 */
export function trivialAugmentWide(options: TrivialAugmentOptions = {}): (image: Image, random: Random) => Image {
  const { bins = 31 } = options;
  checkWhole('trivialAugmentWide', 'bins', bins, 2);
  checkWarp('trivialAugmentWide', options);
  return described('trivialAugmentWide', [options], (image, random) =>
    apply(image, anyOf(wideSpace, random), wideSpace, () => random.int(bins), bins, random, options),
  );
}

/** How `augMix` augments. */
export interface AugMixOptions extends WarpOptions {
  /** Strength, of 10. Default 3. */
  severity?: number;
  /** Chains of operations whose results are mixed. Default 3. */
  mixtureWidth?: number;
  /** Operations in a chain; without it one to three. */
  chainDepth?: number;
  /** Of the Dirichlet distributions that the weights are drawn from. Default 1. */
  alpha?: number;
}

/**
 * A transform that mixes the image with others that several chains of random operations made of it, as torchvision's `AugMix`.
 *
 * @throws {RangeError} if an option is out of its range.
 * Hendrycks et al. 2019, https://arxiv.org/abs/1912.02781
 */
export function augMix(options: AugMixOptions = {}): (image: Image, random: Random) => Image {
  const { severity = 3, mixtureWidth = 3, chainDepth, alpha = 1, interpolation = 'bilinear' } = options;
  if (!(Number.isInteger(severity) && severity >= 1 && severity <= 10))
    throw new RangeError(`augMix: severity must be an integer of 1 to 10, got ${severity}`);
  checkWhole('augMix', 'mixtureWidth', mixtureWidth, 1);
  if (chainDepth !== undefined) checkWhole('augMix', 'chainDepth', chainDepth, 1);
  if (!(alpha > 0)) throw new RangeError(`augMix: alpha must be > 0, got ${alpha}`);
  checkWarp('augMix', options);
  return described('augMix', [options], (image, random) => {
    const [original, others] = dirichlet(2, alpha, random) as [number, number];
    const shares = dirichlet(mixtureWidth, alpha, random);
    const mix = Float64Array.from(image.data, (value) => original * value);
    for (const share of shares) {
      let chain = image;
      for (let depth = chainDepth ?? 1 + random.int(3); depth > 0; depth--) {
        const name = anyOf(mixSpace, random);
        chain = apply(chain, name, mixSpace, () => random.int(severity), 10, random, { ...options, interpolation });
      }
      for (let i = 0; i < mix.length; i++) mix[i] = mix[i]! + others * share * chain.data[i]!;
    }
    const result = blankImage(image.height, image.width, image.channels);
    for (let i = 0; i < mix.length; i++) result.data[i] = mix[i]! + 1e-9; // weights add up to 1 but for rounding
    return result;
  });
}

/** Weights that add up to 1, drawn from a symmetric Dirichlet distribution: gamma variates, divided by their sum. */
export function dirichlet(count: number, alpha: number, random: Random): number[] {
  const variates = Array.from({ length: count }, () => gammaVariate(alpha, random));
  const total = variates.reduce((a, b) => a + b, 0);
  return variates.map((variate) => variate / total);
}

/** Marsaglia, Tsang 2000, "A simple method for generating gamma variables"; below 1 by their boost. */
function gammaVariate(shape: number, random: Random): number {
  if (shape < 1) return gammaVariate(shape + 1, random) * (1 - random.uniform()) ** (1 / shape);
  const d = shape - 1 / 3;
  for (;;) {
    const x = random.normal();
    const v = (1 + x / Math.sqrt(9 * d)) ** 3;
    if (v > 0 && Math.log(1 - random.uniform()) < 0.5 * x * x + d * (1 - v + Math.log(v))) return d * v;
  }
}

/** The data set whose learned policy `autoAugment` follows. */
export type AutoAugmentPolicy = 'imagenet' | 'cifar10' | 'svhn';

/**
 * A transform that applies one of 25 learned pairs of operations, as torchvision's `AutoAugment`.
 *
 * @throws {RangeError} if there is no such policy.
 * Cubuk et al. 2018, https://arxiv.org/abs/1805.09501
 */
export function autoAugment(
  policy: AutoAugmentPolicy = 'imagenet',
  options: WarpOptions = {},
): (image: Image, random: Random) => Image {
  const pairs = policies[policy];
  if (!pairs)
    throw new RangeError(`autoAugment: policy must be 'imagenet', 'cifar10' or 'svhn', got ${JSON.stringify(policy)}`);
  checkWarp('autoAugment', options);
  return described('autoAugment', [policy, options], (image, random) => {
    let result = image;
    for (const [name, probability, magnitude] of pairs[random.int(pairs.length)]!) {
      if (random.uniform() > probability) continue;
      result = apply(result, name, autoSpace, () => magnitude, 10, random, options);
    }
    return result;
  });
}

type Step = readonly [name: Operation, probability: number, magnitude: number];

const letters: Readonly<Record<string, Operation>> = {
  b: 'brightness',
  c: 'color',
  k: 'contrast',
  s: 'sharpness',
  p: 'posterize',
  o: 'solarize',
  a: 'autoContrast',
  e: 'equalize',
  i: 'invert',
  r: 'rotate',
  x: 'shearX',
  y: 'shearY',
  X: 'translateX',
  Y: 'translateY',
};

/** Two steps a pair: the letter of an operation, the tenths of its probability, and its magnitude (`-` where it has none). */
const parsed = (text: string): Step[][] =>
  text.split(' ').map((pair) =>
    pair.split('+').map((step) => {
      const [, letter, tenths, magnitude] = /^(.)(\d+)[:](-|\d)$/.exec(step)!;
      return [letters[letter!]!, Number(tenths) / 10, magnitude === '-' ? 0 : Number(magnitude)] as const;
    }),
  );

/** Tables of the paper's appendix, as torchvision has them. */
const policies: Readonly<Record<AutoAugmentPolicy, Step[][]>> = {
  imagenet: parsed(
    'p4:8+r6:9 o6:5+a6:- e8:-+e6:- p6:7+p6:6 e4:-+o2:4 e4:-+r8:8 o6:3+e6:- p8:5+e10:- r2:3+o6:8 e6:-+p4:6 r8:8+c4:0 r4:9+e6:- e0:-+e8:- ' +
      'i6:-+e10:- c6:4+k10:8 r8:8+c10:2 c8:8+o8:7 s4:7+i6:- x6:5+e10:- c4:0+e6:- e4:-+o2:4 o6:5+a6:- i6:-+e10:- c6:4+k10:8 e8:-+e6:-',
  ),
  cifar10: parsed(
    'i1:-+k2:6 r7:2+X3:9 s8:1+s9:3 y5:8+Y7:9 a5:-+e9:- y2:7+p3:7 c4:3+b6:7 s3:9+b7:9 e6:-+e5:- k6:7+s6:5 c7:7+X5:8 e3:-+a4:- Y4:3+s2:6 ' +
      'b9:6+c2:8 o5:2+i0:- e2:-+a6:- e2:-+e6:- c9:9+e6:- a8:-+o2:8 b1:3+c7:0 o4:5+a9:- Y9:9+Y7:9 a9:-+o8:3 e8:-+i1:- Y7:9+a9:-',
  ),
  svhn: parsed(
    'x9:4+i2:- y9:8+i7:- e6:-+o6:6 i9:-+e6:- e6:-+r9:3 x9:4+a8:- y9:8+i4:- y9:5+o2:6 i9:-+a8:- e6:-+r9:3 x9:4+o3:3 y8:8+i7:- e9:-+Y6:6 ' +
      'i9:-+e6:- k3:3+r8:4 i8:-+Y0:2 y7:6+o4:8 i6:-+r8:4 y3:7+X9:3 x1:6+i6:- o7:2+Y6:7 y8:4+i8:- x7:9+Y8:3 y8:5+a7:- x7:2+i1:-',
  ),
};
