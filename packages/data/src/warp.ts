import { type Beyond, beyondOf, checkFill, colorOf, type Fill } from './fill.ts';
import { blankImage, type Image } from './image.ts';

/** How a value between pixels is found: that of the pixel it lies in, or the weighted mean of the four around it. */
export type Interpolation = 'nearest' | 'bilinear';

/** What geometric transforms have in common. */
export interface WarpOptions {
  /** Default `nearest`. */
  interpolation?: Interpolation;
  /** What shows where the image has gone. Default 0, black. */
  fill?: Fill;
}

/** Where in the input a place in the output comes from. Coordinates go from 0 to the size: pixel centres lie at halves. */
export type Source = (x: number, y: number, from: { x: number; y: number }) => void;

/** @throws {RangeError} if an option is none of those there are. */
export function checkWarp(where: string, { interpolation = 'nearest', fill = 0 }: WarpOptions): void {
  if (interpolation !== 'nearest' && interpolation !== 'bilinear')
    throw new RangeError(
      `${where}: interpolation must be 'nearest' or 'bilinear', got ${JSON.stringify(interpolation)}`,
    );
  checkFill(where, fill);
}

/** The image, of the same size, with each pixel taken from where `source` says, as Pillow's `Image.transform` does. */
export function warp(image: Image, source: Source, { interpolation = 'nearest', fill = 0 }: WarpOptions = {}): Image {
  const { height, width, channels } = image;
  const result = blankImage(height, width, channels);
  const color = colorOf(fill, image);
  const fills = typeof fill !== 'string';
  const write = samplers[interpolation](image, fill);
  const from = { x: 0, y: 0 };
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += channels) {
      source(x + 0.5, y + 0.5, from);
      const inside = from.x >= 0 && from.x < width && from.y >= 0 && from.y < height;
      if (inside || !fills) write(from.x, from.y, result.data, to);
      else for (let c = 0; c < channels; c++) result.data[to + c] = color[c]!;
    }
  }
  return result;
}

type Sampler = (x: number, y: number, target: Uint8Array, to: number) => void;

const samplers: Record<Interpolation, (image: Image, fill: Fill) => Sampler> = {
  nearest({ data, height, width, channels }, fill) {
    const beyond = beyondOf(fill);
    return (x, y, target, to) => {
      const from = (beyond(Math.floor(y), height) * width + beyond(Math.floor(x), width)) * channels;
      for (let c = 0; c < channels; c++) target[to + c] = data[from + c]!;
    };
  },
  bilinear({ data, height, width, channels }, fill) {
    const beyond: Beyond = beyondOf(typeof fill === 'string' ? fill : 'edge'); // a place within an edge pixel has no pixel beyond it
    return (x, y, target, to) => {
      const left = Math.floor(x - 0.5);
      const top = Math.floor(y - 0.5);
      const right = x - 0.5 - left;
      const down = y - 0.5 - top;
      const upper = beyond(top, height) * width;
      const lower = beyond(top + 1, height) * width;
      const columnA = beyond(left, width);
      const columnB = beyond(left + 1, width);
      const [upperA, upperB] = [(upper + columnA) * channels, (upper + columnB) * channels];
      const [lowerA, lowerB] = [(lower + columnA) * channels, (lower + columnB) * channels];
      for (let c = 0; c < channels; c++) {
        const above = data[upperA + c]! * (1 - right) + data[upperB + c]! * right;
        const below = data[lowerA + c]! * (1 - right) + data[lowerB + c]! * right;
        target[to + c] = above * (1 - down) + below * down + 0.5;
      }
    };
  },
};
