import { count, duration } from './format.ts';

/** How far an epoch is. */
export interface Progress {
  /** Images done in this epoch. */
  done: number;
  total: number;
  imagesPerSecond: number;
  /** Until the end of the whole run. */
  secondsLeft: number;
}

/**
 * A progress bar in one line.
 *
 * ```text
 * epoch 3/12 ━━━━━━━━━━━━──────────── 640/1,280 · 310 images/s · 3:07 left
 * ```
 */
export function progressLine(title: string, { done, total, imagesPerSecond, secondsLeft }: Progress): string {
  const filled = Math.round((BAR_WIDTH * done) / total);
  const bar = '━'.repeat(filled) + '─'.repeat(BAR_WIDTH - filled);
  return `${title} ${bar} ${count(done)}/${count(total)} · ${count(Math.round(imagesPerSecond))} images/s · ${duration(secondsLeft)} left`;
}

const BAR_WIDTH = 24;

/** Tells the speed of something that goes on, by what was done since the start. */
export interface Meter {
  /** `done` more of them are finished. */
  add(done: number): void;
  /** Per second; 0 before the first is finished. */
  rate(): number;
}

/** @param now A clock in milliseconds. */
export function meter(now: () => number = performance.now.bind(performance)): Meter {
  const start = now();
  let total = 0;
  return {
    add(done) {
      total += done;
    },
    rate: () => (total === 0 ? 0 : (1000 * total) / (now() - start)),
  };
}
