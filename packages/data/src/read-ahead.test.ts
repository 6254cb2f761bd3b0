import { describe, expect, it } from 'vitest';
import { limiter, readAhead } from './read-ahead.ts';

const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

describe('readAhead()', () => {
  it('gives results in order, of functions that answer at once or later', async () => {
    const made = [];
    for await (const value of readAhead((i) => (i % 2 ? i : tick().then(() => i)), 3, 9, 4)) made.push(value);
    expect(made).toEqual([3, 4, 5, 6, 7, 8]);
  });

  it('throws where the failure is reached', async () => {
    const seen: number[] = [];
    const reading = (async () => {
      for await (const value of readAhead((i) => (i === 2 ? Promise.reject(new Error('two')) : i), 0, 9, 8))
        seen.push(value);
    })();
    await expect(reading).rejects.toThrow('two');
    expect(seen).toEqual([0, 1]);
  });
});

describe('limiter()', () => {
  it('runs no more at a time, all of them, in order, though some fail', async () => {
    const limit = limiter(3);
    let running = 0;
    let most = 0;
    const started: number[] = [];
    const task = (i: number) => async () => {
      started.push(i);
      most = Math.max(most, ++running);
      await tick();
      running--;
      if (i % 4 === 0) throw new Error(`${i}`);
      return i;
    };
    const settled = await Promise.allSettled(Array.from({ length: 12 }, (_, i) => limit(task(i))));
    expect(settled.filter(({ status }) => status === 'rejected').length).toBe(3);
    expect([most, started]).toEqual([3, Array.from({ length: 12 }, (_, i) => i)]);
  });
});
