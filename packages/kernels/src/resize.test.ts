import { describe, expect, it } from 'vitest';
import { type ResizeOptions, type ResizeShape, resize, resizeGradient } from './resize.ts';
import { get, normals, put } from './test/buffers.ts';
import { everyCarrier } from './test/carriers.ts';

/** Where each pixel of the result comes from along one edge: pairs of a pixel and its share. */
function shares(
  { from, to }: { from: number; to: number },
  { method, alignCorners, halfPixelCenters }: ResizeOptions,
): [number, number][][] {
  const less = alignCorners && to > 1 ? 1 : 0;
  const ratio = (from - less) / (to - less);
  return Array.from({ length: to }, (_, i) => {
    if (method === 'nearest') {
      const place = ratio * (halfPixelCenters ? i + 0.5 : i);
      return [[Math.min(from - 1, alignCorners ? Math.round(place) : Math.floor(place)), 1]];
    }
    const place = halfPixelCenters ? ratio * (i + 0.5) - 0.5 : ratio * i;
    const low = Math.max(0, Math.floor(place));
    return [
      [low, 1 - (place - low)],
      [Math.min(from - 1, Math.ceil(place)), place - low],
    ];
  });
}

/** Calls `visit(place in x, place in y, share)` for all that resizing joins. */
function eachShare(
  shape: ResizeShape,
  options: ResizeOptions,
  visit: (x: number, y: number, share: number) => void,
): void {
  const { images, channels, height, width } = shape;
  const [rows, columns] = [shares(height, options), shares(width, options)];
  for (let n = 0; n < images; n++)
    for (const [r, row] of rows.entries())
      for (const [k, column] of columns.entries())
        for (const [fromRow, rowShare] of row)
          for (const [fromColumn, columnShare] of column)
            for (let c = 0; c < channels; c++)
              visit(
                ((n * height.from + fromRow) * width.from + fromColumn) * channels + c,
                ((n * height.to + r) * width.to + k) * channels + c,
                rowShare * columnShare,
              );
}

const shapes: ResizeShape[] = [
  { images: 1, channels: 1, height: { from: 1, to: 1 }, width: { from: 1, to: 3 } },
  { images: 2, channels: 3, height: { from: 5, to: 10 }, width: { from: 7, to: 14 } },
  { images: 2, channels: 19, height: { from: 9, to: 4 }, width: { from: 11, to: 1 } },
  { images: 1, channels: 16, height: { from: 4, to: 7 }, width: { from: 6, to: 5 } },
  { images: 1, channels: 3, height: { from: 2, to: 31 }, width: { from: 40, to: 3 } },
];
const conventions = [
  { alignCorners: false, halfPixelCenters: false },
  { alignCorners: true, halfPixelCenters: false },
  { alignCorners: false, halfPixelCenters: true },
];

describe.each(await everyCarrier())('$name', ({ kernels }) => {
  it.each(
    (['bilinear', 'nearest'] as const).flatMap((method) =>
      conventions.map((convention) => ({ method, ...convention })),
    ),
  )('resize() and its gradient: %j', (options) => {
    for (const shape of shapes) {
      const { images, channels, height, width } = shape;
      const [fromSize, toSize] = [
        images * channels * height.from * width.from,
        images * channels * height.to * width.to,
      ];
      const [x, dy] = [normals(fromSize, 'x').map(Math.fround), normals(toSize, 'dy').map(Math.fround)];
      const blocks = [
        put(kernels, x),
        put(kernels, new Float64Array(toSize)),
        put(kernels, dy),
        put(kernels, normals(fromSize, 'else')),
      ];
      const [xAt, yAt, dyAt, dxAt] = blocks.map(({ block }) => block);
      resize(kernels, shape, options, { x: xAt!, y: yAt! });
      resizeGradient(kernels, shape, options, { dy: dyAt!, dx: dxAt! });

      const [y, dx] = [new Float64Array(toSize), new Float64Array(fromSize)];
      eachShare(shape, options, (from, to, share) => {
        y[to]! += x[from]! * share;
        dx[from]! += dy[to]! * share;
      });
      for (const [block, expected] of [
        [blocks[1]!, y],
        [blocks[3]!, dx],
      ] as const)
        get(kernels, block, expected.length).forEach((value, i) => {
          expect(Math.abs(value - expected[i]!)).toBeLessThan(3e-6 * Math.max(1, Math.abs(expected[i]!)));
        });
      for (const { block } of blocks) kernels.memory.release(block);
    }
  });
});
