import type { Tensor } from '@imgcls/tensor';

/**
 * Checks the input of a layer: its rank and the size of its last axis.
 *
 * @throws {TypeError} for another rank.
 * @throws {RangeError} for another number of channels.
 */
export function checkInput(layer: string, x: Tensor, expected: { rank?: 2 | 4; channels?: number }): void {
  const { rank, channels } = expected;
  if (rank !== undefined && x.rank !== rank)
    throw new TypeError(
      `${layer}: expects ${RANKS[rank]}, got [${x.shape}]${rank === 2 ? '; put flatten() before it' : ''}`,
    );
  if (channels !== undefined && x.shape.at(-1) !== channels)
    throw new RangeError(`${layer}: expects ${channels} ${rank === 2 ? 'features' : 'channels'}, got [${x.shape}]`);
}

const RANKS = { 2: 'features [N, in]', 4: 'images [N, H, W, C]' };

/**
 * Checks that an option is a whole number of at least 1.
 *
 * @throws {RangeError} if it is not.
 */
export function checkCounts(layer: string, options: Record<string, number>): void {
  for (const [name, value] of Object.entries(options))
    if (!Number.isInteger(value) || value < 1)
      throw new RangeError(`${layer}: ${name} must be a whole number of at least 1, got ${value}`);
}
