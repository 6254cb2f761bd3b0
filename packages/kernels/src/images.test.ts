import { random } from '@imgcls/random';
import { describe, expect, it } from 'vitest';
import type { Storage } from './buffer.ts';
import { normalizeImages } from './images.ts';
import { rounded } from './test/buffers.ts';
import { everyCarrier } from './test/carriers.ts';
import { getElements, putElements } from './test/elements.ts';

const beyonds = ['zero', 'edge', 'reflect'] as const;
type Beyond = (typeof beyonds)[number];

/** The pixel at a place along an edge, or nothing where all is black. */
function source(place: number, length: number, beyond: Beyond): number | undefined {
  if (place >= 0 && place < length) return place;
  if (beyond === 'zero') return undefined;
  if (beyond === 'edge') return place < 0 ? 0 : length - 1;
  return place < 0 ? -place : 2 * length - 2 - place;
}

describe.each(await everyCarrier())('$name', ({ kernels }) => {
  const draw = random(4);

  it.each([
    { count: 1, height: 1, width: 1, channels: 1 },
    { count: 3, height: 5, width: 7, channels: 3 },
    { count: 2, height: 32, width: 32, channels: 3, padding: 4 },
    { count: 2, height: 9, width: 17, channels: 1, padding: 3 },
    { count: 2, height: 6, width: 33, channels: 4, padding: 2, cropHeight: 5, cropWidth: 20 },
    { count: 1, height: 4, width: 5, channels: 19, padding: 1 },
    { count: 1, height: 64, width: 100, channels: 3, cropHeight: 50, cropWidth: 61 },
  ])('normalizeImages() of %j', ({ padding = 0, ...shape }) => {
    const { count, height, width, channels } = shape;
    const { cropHeight = height, cropWidth = width } = shape as { cropHeight?: number; cropWidth?: number };
    const [mean, std] = [0.4, 0.2].map((base) => Array.from({ length: channels }, (_, c) => base + 0.01 * c)) as [
      number[],
      number[],
    ];
    const pixels = Array.from({ length: count * height * width * channels }, () => draw.int(256));
    const places = Array.from({ length: count }, () => [
      draw.int(height + 2 * padding - cropHeight + 1) - padding,
      draw.int(width + 2 * padding - cropWidth + 1) - padding,
    ]);
    const flipped = Array.from({ length: count }, (_, i) => i % 2);

    const [images, crops, flips] = [
      putElements(kernels, pixels, 'bool'),
      putElements(kernels, places.flat(), 'int32'),
      putElements(kernels, flipped, 'bool'),
    ];
    const run = (storage: Storage, beyond: Beyond, moved: boolean): number[] => {
      const size = count * cropHeight * cropWidth * channels;
      const y = putElements(kernels, new Array<number>(size).fill(0), storage);
      const operands = { images: images.block, y: { block: y.block, storage } };
      normalizeImages(
        kernels,
        shape,
        { mean, std, beyond },
        moved ? { ...operands, crops: crops.block, flips: flips.block } : operands,
      );
      const got = [...getElements(kernels, y, size)];
      kernels.memory.release(y.block);
      return got;
    };
    const expected = (beyond: Beyond, moved: boolean): number[] => {
      const values: number[] = [];
      for (let n = 0; n < count; n++)
        for (let r = 0; r < cropHeight; r++)
          for (let k = 0; k < cropWidth; k++) {
            const [top, left] = moved ? places[n]! : [0, 0];
            const row = source(top! + r, height, beyond);
            const column = source(left! + (moved && flipped[n] ? cropWidth - 1 - k : k), width, beyond);
            for (let c = 0; c < channels; c++) {
              const pixel =
                row === undefined || column === undefined
                  ? 0
                  : pixels[((n * height + row) * width + column) * channels + c]!;
              values.push((pixel / 255 - mean[c]!) / std[c]!);
            }
          }
      return values;
    };

    for (const beyond of beyonds)
      for (const moved of [false, true]) {
        const values = expected(beyond, moved);
        const [single, half] = [run('float32', beyond, moved), run('bf16', beyond, moved)];
        values.forEach((value, i) => {
          expect(Math.abs(single[i]! - value)).toBeLessThan(1e-6);
          expect(half[i]).toBe(rounded(single[i]!, 'bf16'));
        });
      }
    for (const { block } of [images, crops, flips]) kernels.memory.release(block);
  });
});
