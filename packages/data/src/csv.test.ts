import { describe, expect, it } from 'vitest';
import { parseCsv } from './csv.ts';

describe('parseCsv()', () => {
  it.each([
    [
      'plain',
      'a,b\n1,2\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'with carriage returns, empty lines and no end',
      '\uFEFFa,b\r\n\r\n1,2',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'with empty fields',
      'a,b,c\n,2,\n',
      [
        ['a', 'b', 'c'],
        ['', '2', ''],
      ],
    ],
    [
      'quoted',
      '"a, b","say ""hi""",x\n"two\nlines",,"y"',
      [
        ['a, b', 'say "hi"', 'x'],
        ['two\nlines', '', 'y'],
      ],
    ],
    [
      'with semicolons',
      'a;b\n1;2,5',
      [
        ['a', 'b'],
        ['1', '2,5'],
      ],
    ],
    [
      'with tabs',
      'a\tb\n1\t2',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    ['empty', '', []],
  ])('reads a table %s', (_, text, rows) => {
    expect(parseCsv(text, 'here')).toEqual(rows);
  });

  it('refuses a field without an end', () => {
    expect(() => parseCsv('a,b\n1,"2\n', 'here')).toThrow(
      new SyntaxError('here: a quoted field must end, got "2 in row 2'),
    );
  });
});
