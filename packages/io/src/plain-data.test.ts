import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePlain, stringifyPlain } from './plain-data.ts';

const again = (value: unknown) => parsePlain(stringifyPlain(value, 'state'));

describe('stringifyPlain()', () => {
  it('loses nothing of plain data', () => {
    const leaf = fc.oneof(
      fc.double(),
      fc.constantFrom(-0, Number.NaN, Number.MIN_VALUE, Number.MAX_VALUE, null, true, false),
      fc.bigInt(),
      fc.string({ unit: 'binary' }),
    );
    const key = fc.oneof(fc.string(), fc.constant('__proto__')).filter((name) => !name.startsWith('$'));
    const { plain } = fc.letrec((tie) => ({
      plain: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie('plain')),
        fc.dictionary(key, tie('plain'), { noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(plain, (value) => {
        expect(again(value)).toStrictEqual(value);
      }),
    );
  });

  it('writes ordinary data as ordinary JSON', () => {
    expect(stringifyPlain({ epoch: 1, loss: [0.1, -2e-300], done: false }, 'state')).toBe(
      '{"epoch":1,"loss":[0.1,-2e-300],"done":false}',
    );
    expect(stringifyPlain([Number.NaN, 2n ** 64n], 'state')).toBe(
      '[{"$number":"NaN"},{"$bigint":"18446744073709551616"}]',
    );
  });

  it('leaves out members that are undefined', () => {
    expect(stringifyPlain({ a: undefined, b: 1 }, 'state')).toBe('{"b":1}');
  });

  it('takes objects of another realm', () => {
    expect(again(runInNewContext('({ a: [1, { b: 2 }] })'))).toEqual({ a: [1, { b: 2 }] });
  });

  it.each([
    [{ a: { b: [1, new Float32Array(1)] } }, 'state.a.b[1] must be plain data, got a Float32Array'],
    [{ when: new Date() }, 'state.when must be plain data, got a Date'],
    [{ f: () => 1 }, 'state.f must be plain data, got a function'],
    [[undefined], 'state[0] must be plain data, got undefined'],
    [{ m: { n: new Map() } }, 'state.m.n must be plain data, got a Map'],
    [new (class Fit {})(), 'state must be plain data, got a Fit'],
    [{ $number: 'NaN' }, 'state must have no member that begins with "$", got "$number"'],
  ])('refuses %o', (value, message) => {
    expect(() => stringifyPlain(value, 'state')).toThrow(new TypeError(message));
  });
});
