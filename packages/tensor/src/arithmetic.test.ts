import { zeros } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { add, mul, scale } from './arithmetic.ts';
import { useBackend } from './backend.ts';

beforeAll(async () => {
  await useBackend('cpu');
});

describe('add(), mul(), scale()', () => {
  it('refuse shapes that cannot be broadcast', () => {
    const message = 'shapes must be equal or 1 from the last axis on, got [2,3] and [2]';
    expect(() => add(zeros([2, 3]), zeros([2]))).toThrow(new RangeError(`add: ${message}`));
    expect(() => mul(zeros([2, 3]), zeros([2]))).toThrow(new RangeError(`mul: ${message}`));
  });

  it('refuse integers', () => {
    const message = 'must be float32, got int32; convert it with cast(), or images with normalize()';
    expect(() => add(zeros([2]), zeros([2], 'int32'))).toThrow(new TypeError(`add: b ${message}`));
    expect(() => scale(zeros([2], 'int32'), 2)).toThrow(new TypeError(`scale: x ${message}`));
  });
});
