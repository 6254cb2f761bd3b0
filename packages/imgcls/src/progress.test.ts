import { expect, test } from 'vitest';
import { meter, progressLine } from './progress.ts';

test('progressLine() shows how far it is, how fast, and how long it will take', () => {
  expect(progressLine('epoch 3/12', { done: 640, total: 1280, imagesPerSecond: 310.4, secondsLeft: 187 })).toBe(
    'epoch 3/12 ━━━━━━━━━━━━──────────── 640/1,280 · 310 images/s · 3:07 left',
  );
});

test('progressLine() is as long at the start and at the end', () => {
  const bar = (done: number) =>
    progressLine('', { done, total: 100, imagesPerSecond: 1, secondsLeft: 0 }).split(' ')[1];
  expect(bar(0)).toBe('─'.repeat(24));
  expect(bar(100)).toBe('━'.repeat(24));
});

test('meter() tells the speed since the start', () => {
  let time = 1000;
  const { add, rate } = meter(() => time);
  expect(rate()).toBe(0);
  time += 500;
  add(32);
  expect(rate()).toBe(64);
  time += 500;
  add(16);
  expect(rate()).toBe(48);
});
