import { describe, expect, it } from 'vitest';
import { everyCarrier } from './test/carriers.ts';

describe.each(await everyCarrier())('$name', ({ kernels }) => {
  it('fill() writes what it was told to, and no more', () => {
    const y = kernels.memory.allocate(64 * 4);
    kernels.call('fill', y, 64, 1);
    kernels.call('fill', y, 37, 2.5);
    expect([...kernels.memory.floats(y, 64)]).toEqual([...Array(37).fill(2.5), ...Array(27).fill(1)]);
  });
});
