import { expect, test } from 'vitest';
import { type State, xoshiro128 } from './xoshiro.ts';

// Computed with the published C code.
test.each<{ state: State; outputs: number[] }>([
  { state: [1, 2, 3, 4], outputs: [11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849] },
  { state: [0xffffffff, 0, 0x80000000, 0x12345678], outputs: [0, 4294962103, 1717985378, 3938939137] },
])('xoshiro128() gives what the reference implementation gives from state $state', ({ state, outputs }) => {
  const next = xoshiro128(state);
  expect(outputs.map(() => next())).toEqual(outputs);
});
