import { expect, test } from 'vitest';
import { atMost, inTurn } from './concurrency.ts';

const pause = () => new Promise((resolve) => setImmediate(resolve));

test('inTurn() runs one after the other, in the order of asking', async () => {
  const run = inTurn();
  const log: string[] = [];
  const work = (name: string) => async () => {
    log.push(`${name} begins`);
    await pause();
    log.push(`${name} ends`);
    return name;
  };
  expect(await Promise.all([run(work('a')), run(work('b'))])).toEqual(['a', 'b']);
  expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
});

test('inTurn() goes on after work that failed', async () => {
  const run = inTurn();
  const failing = run(() => Promise.reject(new Error('broken')));
  const next = run(async () => 'fine');
  await expect(failing).rejects.toThrow('broken');
  expect(await next).toBe('fine');
});

test('atMost() refuses what is too much, and takes it again when others are done or have failed', async () => {
  const run = atMost(2, () => new Error('busy'));
  const [first, second] = [run(pause), run(() => pause().then(() => Promise.reject(new Error('broken'))))];
  await expect(run(pause)).rejects.toThrow('busy');
  await first;
  await expect(second).rejects.toThrow('broken');
  await Promise.all([run(pause), run(pause)]);
});
