import type { Image } from './image.ts';

/**
 * What lies beyond an image's edge: a gray level or a colour (0..255), its outermost pixels again and again (`edge`), or the image
 * mirrored, at its outermost pixels (`reflect`) or behind them (`symmetric`).
 */
export type Fill = number | readonly number[] | 'edge' | 'reflect' | 'symmetric';

/** The index within `[0, size)` that stands for one that may lie outside; -1 is the colour. */
export type Beyond = (i: number, size: number) => number;

const modes: Readonly<Record<'color' | 'edge' | 'reflect' | 'symmetric', Beyond>> = {
  color: (i, size) => (i >= 0 && i < size ? i : -1),
  edge: (i, size) => Math.min(Math.max(i, 0), size - 1),
  reflect: (i, size) => mirrored(i, Math.max(1, 2 * (size - 1)), size - 1, 0),
  symmetric: (i, size) => mirrored(i, 2 * size, size - 1, 1),
};

/** Folds an index back into `[0, last]`, where the edge pixel is (1) or is not (0) seen twice. */
function mirrored(i: number, period: number, last: number, twice: number): number {
  if (i >= 0 && i <= last) return i;
  const phase = ((i % period) + period) % period;
  return Math.min(phase, period - twice - phase);
}

export const beyondOf = (fill: Fill): Beyond => modes[typeof fill === 'string' ? fill : 'color'];

/** The colour for an image's channels: one level stands for all of them. */
export function colorOf(fill: Fill, { channels }: Pick<Image, 'channels'>): readonly number[] {
  if (typeof fill === 'string') return [0, 0, 0];
  const levels = typeof fill === 'number' ? [fill, fill, fill] : fill;
  return levels.length === 1 ? [levels[0]!, levels[0]!, levels[0]!] : levels.slice(0, channels === 1 ? 1 : 3);
}

/** @throws {RangeError} unless it is a mode, a level or a colour of levels 0..255. */
export function checkFill(where: string, fill: Fill): void {
  const isLevel = (level: unknown) => typeof level === 'number' && level >= 0 && level <= 255;
  const valid =
    typeof fill === 'string'
      ? fill in modes && fill !== ('color' as string)
      : typeof fill === 'number'
        ? isLevel(fill)
        : (fill.length === 1 || fill.length === 3) && fill.every(isLevel);
  if (!valid)
    throw new RangeError(
      `${where}: fill must be 'edge', 'reflect', 'symmetric', a level 0..255 or three of them, got ${JSON.stringify(fill)}`,
    );
}
