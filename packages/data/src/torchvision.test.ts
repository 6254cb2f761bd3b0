import { readFileSync } from 'node:fs';
import { type Random, random } from '@imgcls/random';
import { describe, expect, it } from 'vitest';
import { affine, rotate } from './affine.ts';
import { adjustBrightness, adjustContrast, adjustHue, adjustSaturation } from './color.ts';
import { pad } from './crop.ts';
import { adjustSharpness, gaussianBlur } from './filter.ts';
import type { Image } from './image.ts';
import { perspective } from './perspective.ts';
import { type AutoAugmentPolicy, autoAugment, randAugment, trivialAugmentWide } from './policies.ts';
import { type ResizeOptions, resize } from './resize.ts';
import { autocontrast, equalize, invert, posterize, solarize } from './tone.ts';

/** An image as scripts/torchvision-fixtures.py writes it. */
type Packed = Omit<Image, 'data'> & { data: string };

interface Fixtures {
  torchvision: string;
  images: Record<string, Packed>;
  results: { name: string; image: string; arguments: unknown[]; result: Packed }[];
  policies: { name: string; numbers: number[]; result: Packed }[];
}

const fixtures: Fixtures = JSON.parse(readFileSync(new URL('../test/torchvision.json', import.meta.url), 'utf8'));
const unpacked = ({ data, ...size }: Packed): Image => ({
  ...size,
  data: Uint8Array.from(Buffer.from(data, 'base64')),
});

const transforms: Record<string, (image: Image, ...rest: never[]) => Image> = {
  adjustBrightness,
  adjustContrast,
  adjustSaturation,
  adjustSharpness,
  adjustHue,
  invert,
  posterize,
  solarize,
  autocontrast,
  equalize,
  pad,
  affine,
  rotate,
  perspective,
  gaussianBlur: (image, size: number, sigma: number) => gaussianBlur(size, { sigma })(image, random(0)),
  resize: (image, height: number, width: number, options: ResizeOptions) => resize(height, width, options)(image),
};

/** Of which a pixel may come out another where rounding puts its origin on the other side of a pixel's edge. */
const geometric = new Set(['affine', 'rotate', 'perspective']);

describe(`compared with torchvision ${fixtures.torchvision}`, () => {
  const names = [...new Set(fixtures.results.map(({ name }) => name))];

  it.each(names)('%s() is the same within a level', (name) => {
    const all = fixtures.results.filter((result) => result.name === name);
    const off = all.flatMap((fixture) => {
      const image = unpacked(fixtures.images[fixture.image]!);
      const expected = unpacked(fixture.result);
      const actual = transforms[name]!(image, ...(fixture.arguments as never[]));
      expect([actual.height, actual.width, actual.channels]).toEqual([
        expected.height,
        expected.width,
        expected.channels,
      ]);
      const share = differing(actual, expected);
      return share > (geometric.has(name) ? 0.001 : 0)
        ? [{ image: fixture.image, arguments: fixture.arguments, share }]
        : [];
    });
    expect(off).toEqual([]);
  });

  it.each(['randAugment', 'trivialAugmentWide', 'imagenet', 'cifar10', 'svhn'])(
    '%s picks the same operations at the same strengths for the same random numbers',
    (name) => {
      const transform =
        name === 'randAugment'
          ? randAugment()
          : name === 'trivialAugmentWide'
            ? trivialAugmentWide()
            : autoAugment(name as AutoAugmentPolicy);
      const photo = unpacked(fixtures.images.photo!);
      const all = fixtures.policies.filter((policy) => policy.name === name);
      const off = all.filter(({ numbers, result }) => {
        const source = given(numbers);
        const actual = transform(photo, source.random);
        return source.left() > 0 || differing(actual, unpacked(result)) > 0.001;
      });
      expect(off).toEqual([]);
    },
  );
});

/** The part of the values that differ by more than a level. */
function differing(actual: Image, expected: Image): number {
  const count = actual.data.reduce((sum, value, i) => sum + (Math.abs(value - expected.data[i]!) > 1 ? 1 : 0), 0);
  return count / actual.data.length;
}

/** Random numbers that are given. */
function given(numbers: readonly number[]): { random: Random; left: () => number } {
  let next = 0;
  const uniform = () => {
    if (next === numbers.length) throw new Error('more random numbers were drawn than torchvision draws');
    return numbers[next++]!;
  };
  const stand = { ...random(0), uniform, int: (bound: number) => Math.floor(uniform() * bound) };
  return { random: stand, left: () => numbers.length - next };
}
