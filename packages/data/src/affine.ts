import type { Random } from '@imgcls/random';
import { outside, type Padding } from './crop.ts';
import { blankImage, type Image } from './image.ts';

/** How far `randomAffine` moves an image. */
export interface RandomAffineOptions {
  /** The rotation is drawn from `[-degrees, degrees]`. Default 0. */
  degrees?: number;
  /** The shift is drawn from `[-translate, translate]` of the height and of the width. Default 0. */
  translate?: number;
  /** The factor of size is drawn from here. Default `[1, 1]`. */
  scale?: readonly [least: number, most: number];
  /** What shows where the image has gone. Default `edge`. */
  fill?: Padding;
}

/**
 * A transform that turns, shifts and scales about the centre at random, interpolating bilinearly.
 *
 * @throws {RangeError} if an option is out of its range.
 * @example
 * ```ts
 * import { random } from '@imgcls/random';
 * import { randomAffine } from '@imgcls/data';
 *
 * const image = { data: Uint8Array.from([1, 2, 3, 4]), height: 2, width: 2, channels: 1 as const };
 * const moved = randomAffine({ degrees: 10, translate: 0.1, scale: [0.9, 1.1] })(image, random(1));
 * console.log(moved.height, moved.width); // => 2 2
 * ```
 */
export function randomAffine(options: RandomAffineOptions = {}): (image: Image, random: Random) => Image {
  const { degrees = 0, translate = 0, scale = [1, 1], fill = 'edge' } = options;
  if (!(degrees >= 0 && translate >= 0 && scale[0] > 0 && scale[0] <= scale[1] && scale[1] < Number.POSITIVE_INFINITY))
    throw new RangeError(
      `randomAffine: degrees and translate must be >= 0 and scale [least > 0, most >= least], got ${JSON.stringify({ degrees, translate, scale })}`,
    );
  return (image, random) => {
    const between = (low: number, high: number): number => low + (high - low) * random.uniform();
    const angle = (between(-degrees, degrees) * Math.PI) / 180;
    const shift = { y: between(-translate, translate) * image.height, x: between(-translate, translate) * image.width };
    return affine(image, angle, shift, between(...scale), fill);
  };
}

/**
 * The image turned by `angle` radians (clockwise), scaled about its centre, then shifted by pixels.
 *
 * Each output pixel is taken back to where it comes from, between four pixels of the input.
 */
export function affine(
  image: Image,
  angle: number,
  shift: { y: number; x: number },
  scale: number,
  fill: Padding,
): Image {
  const { height, width, channels } = image;
  const result = blankImage(height, width, channels);
  const [cos, sin] = [Math.cos(angle) / scale, Math.sin(angle) / scale];
  const [centerY, centerX] = [(height - 1) / 2, (width - 1) / 2];
  const sample = sampler(image, fill);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += channels) {
      const dy = y - centerY - shift.y;
      const dx = x - centerX - shift.x;
      sample(centerY + cos * dy - sin * dx, centerX + sin * dy + cos * dx, result.data, to);
    }
  }
  return result;
}

/** A function that writes the pixel at a place between four pixels. */
function sampler({ data, height, width, channels }: Image, fill: Padding) {
  const beyond = outside[fill];
  const offset = (y: number, x: number): number => {
    const row = beyond(y, height);
    const column = beyond(x, width);
    return row < 0 || column < 0 ? data.length : (row * width + column) * channels; // past the end: black
  };
  return (y: number, x: number, target: Uint8Array, to: number): void => {
    const top = Math.floor(y);
    const left = Math.floor(x);
    const down = y - top;
    const right = x - left;
    const inside = top >= 0 && left >= 0 && top < height - 1 && left < width - 1; // as most are: nothing to look up
    const a = inside ? (top * width + left) * channels : offset(top, left);
    const b = inside ? a + channels : offset(top, left + 1);
    const c = inside ? a + width * channels : offset(top + 1, left);
    const d = inside ? c + channels : offset(top + 1, left + 1);
    for (let i = 0; i < channels; i++) {
      const upper = (data[a + i] ?? 0) * (1 - right) + (data[b + i] ?? 0) * right;
      const lower = (data[c + i] ?? 0) * (1 - right) + (data[d + i] ?? 0) * right;
      target[to + i] = upper * (1 - down) + lower * down + 0.5;
    }
  };
}
