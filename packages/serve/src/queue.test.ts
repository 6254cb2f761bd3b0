import { expect, test } from 'vitest';
import { queue } from './queue.ts';

test('queue() runs one at a time, in the order of asking', async () => {
  const { run } = queue(5);
  const log: string[] = [];
  const work = (name: string) => async () => {
    log.push(`${name} begins`);
    await new Promise((resolve) => setImmediate(resolve));
    log.push(`${name} ends`);
    return name;
  };
  expect(await Promise.all([run(work('a')), run(work('b'))])).toEqual(['a', 'b']);
  expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
});

test('queue() refuses what would wait behind too much, and takes it again later', async () => {
  const { run } = queue(1);
  const working = run(async () => 1);
  const waiting = run(async () => 2);
  expect(run(async () => 3)).toBeUndefined();
  expect(await Promise.all([working, waiting])).toEqual([1, 2]);
  expect(await run(async () => 4)).toBe(4);
});

test('queue() goes on after work that failed', async () => {
  const { run } = queue(1);
  const failing = run(async () => {
    throw new Error('broken');
  });
  const next = run(async () => 'fine');
  await expect(failing).rejects.toThrow('broken');
  expect(await next).toBe('fine');
});
