import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { affine } from './affine.ts';
import { blended, meanGray } from './color.ts';
import { type Image, toChannels } from './image.ts';
import { type Box, resizeBox } from './resize.ts';

/** An image as scripts/pillow-fixtures.py writes it. */
type Packed = Omit<Image, 'data'> & { data: string };

interface Fixtures {
  pillow: string;
  resizes: { image: Packed; box: Box; resized: Packed; rowsFirst: Packed }[];
  gray: { image: Packed; converted: Packed };
  brightness: { image: Packed; factor: number; changed: Packed }[];
  contrast: { image: Packed; factor: number; changed: Packed }[];
  affines: {
    image: Packed;
    degrees: number;
    scale: number;
    shift: { y: number; x: number };
    moved: Packed;
    inside: Packed;
  }[];
}

const fixtures: Fixtures = JSON.parse(readFileSync(new URL('../test/pillow.json', import.meta.url), 'utf8'));
const unpacked = ({ data, ...size }: Packed): Image => ({
  ...size,
  data: Uint8Array.from(Buffer.from(data, 'base64')),
});
const words = ({ height, width, channels }: Packed): string => `${height}x${width}x${channels}`;

describe(`compared with Pillow ${fixtures.pillow}`, () => {
  it.each(fixtures.resizes.map((fixture) => [words(fixture.image), words(fixture.resized), fixture] as const))(
    'resize() of %s to %s is the same: bit for bit where Pillow filters rows first, within a level where columns',
    (_, __, { image, box, resized, rowsFirst }) => {
      const result = resizeBox(unpacked(image), resized.height, resized.width, box);
      expect(result).toEqual(unpacked(rowsFirst));
      expectWithin(1, result, unpacked(resized));
    },
  );

  it('toChannels() makes the same gray', () => {
    expect(toChannels(unpacked(fixtures.gray.image), 1)).toEqual(unpacked(fixtures.gray.converted));
  });

  it.each(fixtures.brightness.map((fixture) => [fixture.factor, words(fixture.image), fixture] as const))(
    'brightness by %f on %s is the same within a level',
    (factor, _, { image, changed }) => {
      expectWithin(1, blended(unpacked(image), 0, factor), unpacked(changed));
    },
  );

  it.each(fixtures.contrast.map((fixture) => [fixture.factor, words(fixture.image), fixture] as const))(
    'contrast by %f on %s is the same within a level',
    (factor, _, { image, changed }) => {
      const before = unpacked(image);
      expectWithin(1, blended(before, meanGray(before), factor), unpacked(changed));
    },
  );

  it.each(fixtures.affines.map((fixture) => [fixture.degrees, fixture.scale, fixture] as const))(
    'affine() by %f degrees and %f is the same within a level, where Pillow sees the image',
    (degrees, scale, { image, shift, moved, inside }) => {
      const result = affine(
        unpacked(image),
        { degrees, translate: [shift.x, shift.y], scale },
        { interpolation: 'bilinear', fill: 'edge' },
      );
      const seen = toChannels(unpacked(inside), image.channels).data;
      const visible = (data: Uint8Array): Uint8Array => data.filter((_, i) => seen[i] === 255);
      const expected = unpacked(moved);
      expect(visible(expected.data).length).toBeGreaterThan(expected.data.length / 2);
      expectWithin(1, { ...result, data: visible(result.data) }, { ...expected, data: visible(expected.data) });
    },
  );
});

function expectWithin(levels: number, actual: Image, expected: Image): void {
  expect([actual.height, actual.width, actual.data.length]).toEqual([
    expected.height,
    expected.width,
    expected.data.length,
  ]);
  const distance = actual.data.reduce((most, value, i) => Math.max(most, Math.abs(value - expected.data[i]!)), 0);
  expect(distance).toBeLessThanOrEqual(levels);
}
