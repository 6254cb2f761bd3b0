import { describe, expect, it } from 'vitest';
import type { Image } from './image.ts';
import { type Preprocessing, parsePreprocessing, preprocess } from './preprocessing.ts';
import { resizeBox } from './resize.ts';

const preprocessing: Preprocessing = {
  height: 2,
  width: 2,
  channels: 1,
  resize: 'squash',
  mean: [0.5],
  std: [0.25],
};

/** Two rows of four columns, one value per column. */
const columns = (...values: number[]): Image => ({
  data: Uint8Array.from([...values, ...values]),
  height: 2,
  width: values.length,
  channels: 1,
});

describe('preprocess()', () => {
  it('leaves an image alone that is as it should be', () => {
    const image = columns(1, 2);
    expect(preprocess(image, preprocessing)).toBe(image);
  });

  it('squashes the whole image', () => {
    const image = columns(0, 0, 200, 200);
    expect(preprocess(image, preprocessing)).toEqual(resizeBox(image, 2, 2));
  });

  it('crops the middle', () => {
    expect(preprocess(columns(9, 100, 200, 9), { ...preprocessing, resize: 'crop' })).toEqual(columns(100, 200));
    const tall: Image = { data: Uint8Array.of(9, 9, 50, 60, 70, 80, 9, 9), height: 4, width: 2, channels: 1 };
    expect(preprocess(tall, { ...preprocessing, resize: 'crop' }).data).toEqual(Uint8Array.of(50, 60, 70, 80));
  });

  it('crops a part of the middle', () => {
    const image = columns(9, 9, 100, 200, 9, 9);
    const wide: Image = { data: Uint8Array.from([...image.data, ...image.data]), height: 4, width: 6, channels: 1 };
    const half = preprocess(wide, { ...preprocessing, resize: 'crop', cropFraction: 0.5 });
    expect(half.data).toEqual(Uint8Array.of(100, 200, 100, 200));
  });

  it('interpolates as it is told to', () => {
    const image = columns(0, 0, 200, 200, 0, 0);
    const sharp = preprocess(image, { ...preprocessing, width: 3, interpolation: 'bicubic' });
    expect(sharp).toEqual(resizeBox(image, 2, 3, { top: 0, left: 0, height: 2, width: 6 }, 'bicubic'));
    expect(sharp).not.toEqual(preprocess(image, { ...preprocessing, width: 3 }));
  });

  it('pads with black', () => {
    const image = columns(80, 80, 80, 80);
    expect(preprocess(image, { ...preprocessing, height: 4, width: 4, resize: 'pad' }).data).toEqual(
      Uint8Array.of(0, 0, 0, 0, 80, 80, 80, 80, 80, 80, 80, 80, 0, 0, 0, 0),
    );
    const tall: Image = { data: new Uint8Array(12).fill(7), height: 4, width: 1, channels: 3 };
    expect(preprocess(tall, { ...preprocessing, channels: 3, height: 2, width: 3, resize: 'pad' }).data).toEqual(
      Uint8Array.of(0, 0, 0, 7, 7, 7, 0, 0, 0, 0, 0, 0, 7, 7, 7, 0, 0, 0),
    );
  });

  it('keeps at least a line of an image that is all but flat', () => {
    const flat: Image = { data: new Uint8Array(1000).fill(9), height: 1, width: 1000, channels: 1 };
    expect(preprocess(flat, { ...preprocessing, resize: 'pad' }).data).toEqual(Uint8Array.of(9, 9, 0, 0));
  });

  it('turns gray to colour and colour to gray', () => {
    expect(preprocess(columns(5, 6), { ...preprocessing, channels: 3 }).data).toEqual(
      Uint8Array.of(5, 5, 5, 6, 6, 6, 5, 5, 5, 6, 6, 6),
    );
    const red: Image = {
      data: Uint8Array.of(255, 0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0),
      height: 2,
      width: 2,
      channels: 3,
    };
    expect(preprocess(red, preprocessing).data).toEqual(Uint8Array.of(76, 76, 76, 76));
  });
});

describe('parsePreprocessing()', () => {
  it('reads what JSON.stringify has written', () => {
    for (const written of [
      preprocessing,
      { ...preprocessing, resize: 'crop', cropFraction: 0.875, interpolation: 'bicubic' },
    ])
      expect(parsePreprocessing(JSON.parse(JSON.stringify(written)))).toEqual(written);
  });

  it.each([
    [null, 'preprocessing: must be an object, got null'],
    [[], 'preprocessing: must be an object, got []'],
    [{ ...preprocessing, height: 0 }, 'preprocessing: height must be an integer >= 1, got 0'],
    [{ ...preprocessing, width: '8' }, 'preprocessing: width must be an integer >= 1, got "8"'],
    [{ ...preprocessing, channels: 4 }, 'preprocessing: channels must be 1 or 3, got 4'],
    [
      { ...preprocessing, resize: 'toString' },
      'preprocessing: resize must be one of squash, crop, pad, got "toString"',
    ],
    [{ ...preprocessing, cropFraction: 1.1 }, 'preprocessing: cropFraction must be in (0, 1], or left out, got 1.1'],
    [
      { ...preprocessing, interpolation: 'nearest' },
      'preprocessing: interpolation must be bilinear, bicubic, or left out, got "nearest"',
    ],
    [
      { ...preprocessing, mean: [0.5, 0.5] },
      'preprocessing: mean must be a list of numbers, one per channel, got [0.5,0.5]',
    ],
    [{ ...preprocessing, std: [0] }, 'preprocessing: std must be a list of numbers > 0, one per channel, got [0]'],
    [
      { ...preprocessing, std: undefined },
      'preprocessing: std must be a list of numbers > 0, one per channel, got undefined',
    ],
    [
      { ...preprocessing, rotate: 90 },
      'preprocessing: has no member "rotate", only height, width, channels, resize, cropFraction, interpolation, mean, std; was it written by a newer version?',
    ],
  ])('refuses %j', (value, message) => {
    expect(() => parsePreprocessing(value)).toThrow(new TypeError(message));
  });
});
