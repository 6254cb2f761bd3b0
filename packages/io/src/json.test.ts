import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseStrictJson, type StrictJson } from './json.ts';

const plain = (value: StrictJson): unknown => {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [key, plain(item)]));
  if (Array.isArray(value)) return value.map(plain);
  return typeof value === 'bigint' ? Number(value) : value;
};

describe('parseStrictJson()', () => {
  it('agrees with JSON.parse on JSON', () => {
    fc.assert(
      fc.property(
        fc.json({ maxDepth: 5, stringUnit: 'grapheme' }),
        fc.constantFrom(undefined, 1, '\t'),
        (json, space) => {
          const text = JSON.stringify(JSON.parse(json), null, space);
          expect(plain(parseStrictJson(text))).toEqual(JSON.parse(text));
        },
      ),
    );
  });

  it('agrees with JSON.parse on what is no JSON', () => {
    const symbols = fc.string({ unit: fc.constantFrom(...'{}[]:,"\\ 0123.eE+-truefalsn'), maxLength: 12 });
    fc.assert(
      fc.property(symbols, (text) => {
        let expected: unknown;
        try {
          expected = JSON.parse(text);
        } catch {
          expect(() => parseStrictJson(text)).toThrow(SyntaxError);
          return;
        }
        expect(plain(parseStrictJson(text))).toEqual(expected);
      }),
      { numRuns: 2000 },
    );
  });

  it('keeps integers exact and tells them from floats', () => {
    expect(parseStrictJson('[18446744073709551615, 1.0, 1e2, -1]')).toEqual([18446744073709551615n, 1, 100, -1]);
  });

  it('finds the end of strings behind backslashes', () => {
    expect(parseStrictJson('["\\\\", "\\"", "\\\\\\"", ""]')).toEqual(['\\', '"', '\\"', '']);
  });

  it('takes strings of megabytes', () => {
    const long = '\\"'.repeat(2_000_000);
    expect(parseStrictJson(JSON.stringify(long))).toBe(long);
  });

  it.each([
    ['{"a":1,"a":2}', 'expected each key once, not "a" twice, at character 10'],
    ['"\\ud800"', 'expected a well-formed string at character 0'],
    ['"\n"', 'expected a well-formed string at character 0'],
    ['"\\x"', 'expected a well-formed string at character 0'],
    ['"abc', 'expected a string at character 0'],
    ['[1 2]', 'expected "," or "]" at character 3'],
    ['{"a" 1}', 'expected ":" at character 5'],
    ['{1:1}', 'expected a string at character 1'],
    ['', 'expected a value at character 0'],
    ['1 2', 'expected nothing more at character 2'],
    ['[01]', 'expected "," or "]" at character 2'],
  ])('refuses %s', (text, message) => {
    expect(() => parseStrictJson(text)).toThrow(new SyntaxError(message));
  });

  it('refuses more than 128 levels instead of running out of stack', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(() => parseStrictJson(nested(128))).not.toThrow();
    expect(() => parseStrictJson(nested(1e6))).toThrow('expected at most 128 levels of nesting at character 129');
  });
});
