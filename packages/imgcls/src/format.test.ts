import { expect, test } from 'vitest';
import { duration, percent, plural, someOf } from './format.ts';

test('percent() has one decimal', () => expect(percent(0.97561)).toBe('97.6 %'));

test.each([
  [0, '0:00'],
  [59.6, '1:00'],
  [187, '3:07'],
  [3735, '1:02:15'],
  [-3, '0:00'],
])('duration() of %d seconds is %s', (seconds, text) => expect(duration(seconds)).toBe(text));

test('plural() counts', () => {
  expect(plural(1, 'image')).toBe('1 image');
  expect(plural(1645, 'image')).toBe('1,645 images');
  expect(plural(2, 'class', 'classes')).toBe('2 classes');
});

test('someOf() names the first few', () => {
  expect(someOf(['a', 'b'])).toBe('a, b');
  expect(someOf(['a', 'b', 'c', 'd'], 2)).toBe('a, b and 2 more');
});
