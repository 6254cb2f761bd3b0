import { expect, it } from 'vitest';
import { parseIdx } from './idx.ts';

it('parseIdx() reads the shape and the bytes', () => {
  const bytes = Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6);
  expect(parseIdx(bytes, 'x')).toEqual({ shape: [2, 3], data: Uint8Array.of(1, 2, 3, 4, 5, 6) });
});

it.each([
  [[], 'x: must be an IDX file of bytes, got one that starts with []'],
  [[0, 0, 8], 'x: must be an IDX file of bytes, got one that starts with [0, 0, 8]'],
  [[0, 0, 8, 0], 'x: must be an IDX file of bytes, got one that starts with [0, 0, 8, 0]'],
  [[0, 1, 8, 1, 0, 0, 0, 0], 'x: must be an IDX file of bytes, got one that starts with [0, 1, 8, 1]'],
  [[0, 0, 13, 1, 0, 0, 0, 1, 5], 'x: must be an IDX file of bytes, got one that starts with [0, 0, 13, 1]'],
  [[0, 0, 8, 1, 0, 0, 0], 'x: must be an IDX file of bytes, got one that starts with [0, 0, 8, 1]'],
  [[0, 0, 8, 1, 0, 0, 0, 3, 7, 7], 'x: must hold 3 = 3 bytes as its header says, got 2; is it complete?'],
  [[0, 0, 8, 1, 0, 0, 0, 1, 7, 7], 'x: must hold 1 = 1 bytes as its header says, got 2; is it complete?'],
])('parseIdx() refuses [%s]', (bytes, message) => {
  expect(() => parseIdx(Uint8Array.from(bytes), 'x')).toThrow(new SyntaxError(message));
});
