import { expect, test } from 'vitest';
import { expectations, matches } from './expectations.ts';

test('expectations() reads the comment behind a console.log and records that line', () => {
  expect(expectations('const a = 1;\nconsole.log(a + 1); // => 2\n// Then go on.')).toEqual({
    code: 'const a = 1;\n__log(2)(a + 1); // => 2\n// Then go on.',
    expectations: [{ line: 2, expected: '2' }],
  });
});

test('expectations() reads the comment below a statement of several lines, and its indented lines', () => {
  const code = 'console.log(\n  table,\n);\n// => a b\n//    1 2\n// Something else.';
  expect(expectations(code).expectations).toEqual([{ line: 3, expected: 'a b\n1 2' }]);
});

test('expectations() leaves a console.log without a comment alone', () => {
  expect(expectations('console.log(1);\nconsole.log(2); // => 2').code).toBe('console.log(1);\n__log(2)(2); // => 2');
});

test('expectations() refuses a comment that belongs to no console.log', () => {
  const message = 'line 1: a "// =>" must stand behind a console.log(…) or on the line below it';
  expect(() => expectations('add(1, 2); // => 3')).toThrow(new SyntaxError(message));
});

test('matches() compares text, whitespace squeezed, with … for anything', () => {
  expect(matches('[ 1, 2 ]', '[\n  1,\n  2 ]')).toBe(true);
  expect(matches('0.98…', '0.9812')).toBe(true);
  expect(matches('0.98', '0.9812')).toBe(false);
  expect(matches('a.c', 'abc')).toBe(false);
  expect(matches('', 'x')).toBe(false);
});
