import { zeros } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from './backend.ts';
import { concat, flatten, reshape } from './shape.ts';

beforeAll(async () => {
  await useBackend('cpu');
});

describe('reshape()', () => {
  it('finds the open length', () => {
    expect(reshape(zeros([2, 6]), [3, -1]).shape).toEqual([3, 4]);
  });

  it.each([[[5]], [[5, -1]], [[-1, -1, 12]], [[-2, -6]], [[3.5, -1]]])('refuses 12 values as %j', (shape) => {
    const call = () => reshape(zeros([2, 6]), shape);
    expect(call).toThrow(new RangeError(`reshape: the shape must hold 12 values as [2,6] does, got [${shape}]`));
  });
});

describe('flatten()', () => {
  it('makes each example a row, of a scalar one of one', () => {
    expect(flatten(zeros([2, 3, 4])).shape).toEqual([2, 12]);
    expect(flatten(zeros([5])).shape).toEqual([5, 1]);
    expect(flatten(zeros([])).shape).toEqual([1, 1]);
  });
});

describe('concat()', () => {
  it('refuses no tensors, an axis that is not there, and shapes that do not fit', () => {
    const [a, b] = [zeros([2, 3]), zeros([2, 4])];
    expect(() => concat([], 0)).toThrow(new RangeError('concat: at least one tensor is needed, got none'));
    expect(() => concat([a, a], 2)).toThrow(new RangeError('concat: axis must lie in [-2, 2), got 2'));
    expect(() => concat([a, b], 0)).toThrow(
      new RangeError('concat: shapes must agree but for axis 0, got [2,3] and [2,4]'),
    );
    expect(() => concat([a, zeros([2])], 1)).toThrow(RangeError);
  });
});
