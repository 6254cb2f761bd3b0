import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { digits } from './digits.ts';

it('digits() are the 1,797 images of the table, in its order', async () => {
  const { length, classes, packed, get } = await digits();
  expect([length, classes.join('')]).toEqual([1797, '0123456789']);
  // The first row of the table, scaled from 0..16: 0,0,5,13,9,1,0,0, 0,0,13,15,10,15,5,0, …
  expect(Array.from(get(0).image.data.subarray(0, 16))).toEqual([
    0, 0, 80, 207, 143, 16, 0, 0, 0, 0, 207, 239, 159, 239, 80, 0,
  ]);
  expect(Array.from(packed.labels.subarray(0, 12))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
  const counts = Array.from({ length: 10 }, (_, digit) => packed.labels.filter((label) => label === digit).length);
  expect(counts).toEqual([178, 182, 177, 183, 181, 182, 181, 179, 174, 180]); // as scikit-learn's load_digits
  expect(
    createHash('sha256')
      .update(packed.data.map((value) => Math.round((value * 16) / 255)))
      .digest('hex'),
  ).toBe('8f26b2bd9d135c256808f68f14fdabddde6d9c7f869ae419704b051f0f14b3b3');
});

it('digits() say where they come from', async () => {
  const { origin } = await digits();
  expect(origin).toMatchObject({
    license: 'CC BY 4.0',
    attribution: expect.stringContaining('Alpaydin and C. Kaynak'),
  });
});
