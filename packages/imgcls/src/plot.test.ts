import { expect, test } from 'vitest';
import { plot } from './plot.ts';

test('plot() draws curves with their range, their steps and a legend', () => {
  const curves = [
    { name: 'down', mark: '•', values: [3, 2, 1, 0] },
    { name: 'flat', mark: '○', values: [1, 1, 1, 1] },
  ];
  expect(plot(curves, { width: 4, height: 4 })).toBe(
    [
      '3.00 ┤•', //
      '     │ •',
      '     │○○•○',
      '0.00 ┤   •',
      '     └────',
      '      1  4',
      '      • down   ○ flat',
    ].join('\n'),
  );
});

test('plot() joins steps by straight lines, and leaves a gap where there is no value', () => {
  const [top, middle, bottom] = plot([{ name: '', mark: 'x', values: [0, 2] }], { width: 5, height: 3 }).split('\n');
  expect([top, middle, bottom]).toEqual(['2.00 ┤    x', '     │  xx', '0.00 ┤xx']);
  const gap = plot([{ name: '', mark: 'x', values: [1, Number.NaN, 1] }], { width: 5, height: 1 }).split('\n')[0];
  expect(gap).toBe('1.00 ┤x   x');
});

test('plot() needs two steps', () => {
  expect(() => plot([{ name: '', mark: 'x', values: [1] }])).toThrow(RangeError);
});
