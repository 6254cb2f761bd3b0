import { expect, test } from 'vitest';
import { arrayOf, type HostDType, toFloat32, toInt32 } from './host-tensor.ts';

test.each<{ dtype: HostDType; data: ArrayLike<number> | bigint[]; expected: number[] }>([
  { dtype: 'float64', data: [0.1, -2], expected: [Math.fround(0.1), -2] },
  { dtype: 'float32', data: [0.5, 3], expected: [0.5, 3] },
  // numpy.float16: 1, -2, the largest, the smallest, 1/3, zero, -zero
  {
    dtype: 'float16',
    data: [0x3c00, 0xc000, 0x7bff, 0x0001, 0x3555, 0, 0x8000],
    expected: [1, -2, 65504, 2 ** -24, 0.333251953125, 0, -0],
  },
  {
    dtype: 'float16',
    data: [0x7c00, 0xfc00, 0x7e00],
    expected: [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN],
  },
  { dtype: 'bfloat16', data: [0x3f80, 0xc000, 0x3eab], expected: [1, -2, 0.333984375] },
  { dtype: 'int64', data: [5n, -7n], expected: [5, -7] },
  { dtype: 'uint8', data: [255, 0], expected: [255, 0] },
  { dtype: 'bool', data: [1, 0], expected: [1, 0] },
])('toFloat32() reads $dtype', ({ dtype, data, expected }) => {
  const values = Object.assign(new arrayOf[dtype](data.length), data);
  expect(Array.from(toFloat32({ dtype, shape: [data.length], data: values }))).toEqual(expected);
});

test('toInt32() reads int64', () => {
  expect(toInt32({ dtype: 'int64', shape: [2], data: new BigInt64Array([3n, -4n]) })).toEqual(new Int32Array([3, -4]));
});
