import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dtypes } from './dtype.ts';
import {
  decodeSafetensors,
  encodeSafetensors,
  SafetensorsError,
  type SafetensorsFile,
  type SafetensorsTensor,
  toStateDict,
} from './safetensors.ts';

/** What fixtures/reference.py says of a file. */
interface Verdict {
  error?: string;
  tensors?: Record<string, { code: string; shape: number[]; data: string }>;
  /** The same tensors, as the reference writes them with the metadata `format: pt`. */
  again?: string;
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));

const f32 = (...values: number[]): SafetensorsTensor => ({
  dtype: 'float32',
  shape: [values.length],
  data: Float32Array.from(values),
});

/** A file with this header, and with this data behind it. */
function file(header: string | Uint8Array, data: Uint8Array | number = 0, length?: bigint): Uint8Array {
  const json = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const body = typeof data === 'number' ? new Uint8Array(data) : data;
  const bytes = new Uint8Array(8 + json.length + body.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(body, 8 + json.length);
  return bytes;
}

function errorOf(run: () => unknown): SafetensorsError {
  try {
    run();
  } catch (error) {
    if (error instanceof SafetensorsError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('encodeSafetensors()', () => {
  it('writes length, header padded to 8 bytes, and data, as the format says', () => {
    const bytes = encodeSafetensors(new Map([['a', f32(1, 2)]]));
    const header = '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}  ';
    expect(bytes).toEqual(file(header, new Uint8Array(Float32Array.of(1, 2).buffer)));
    expect(header.length % 8).toBe(0);
  });

  it('orders by falling alignment, then by name in UTF-8, and sorts metadata', () => {
    const i64 = { dtype: 'int64', shape: [1], data: BigInt64Array.of(1n) } as const;
    const bool = { dtype: 'bool', shape: [1], data: Uint8Array.of(1) } as const;
    const tensors = new Map<string, SafetensorsTensor>([
      ['\u{1f600}', f32(1)], // beyond U+FFFF: after U+FF5E in UTF-8, before it in UTF-16
      ['\uff5e', f32(2)],
      ['10', f32(3)],
      ['a', bool],
      ['9', f32(4)],
      ['z', i64],
    ]);
    const bytes = encodeSafetensors(tensors, { b: '2', a: '1', '7': '3' });
    const header = new TextDecoder().decode(bytes.subarray(8)).split(' ')[0]!;
    expect(header.startsWith('{"__metadata__":{"7":"3","a":"1","b":"2"},"z":')).toBe(true);
    expect([...decodeSafetensors(bytes).tensors.keys()]).toEqual(['z', '10', '9', '\uff5e', '\u{1f600}', 'a']);
    expect(encodeSafetensors(new Map([...tensors].reverse()), { a: '1', b: '2', '7': '3' })).toEqual(bytes);
  });

  it('reads only the part of a buffer that a view covers', () => {
    const data = Float32Array.of(0, 1, 2, 3).subarray(1, 3);
    const { tensors } = decodeSafetensors(encodeSafetensors(new Map([['a', { dtype: 'float32', shape: [2], data }]])));
    expect(tensors.get('a')!.data).toEqual(Float32Array.of(1, 2));
  });

  it.each([
    [{ shape: [3] }, '"a" must have 12 bytes in a Float32Array for float32 [3], got 8 bytes in a Float32Array'],
    [{ dtype: 'int32' }, '"a" must have 8 bytes in a Int32Array for int32 [2], got 8 bytes in a Float32Array'],
    [{ dtype: 'float33' }, '"a" must be of a type of the format, got float33'],
    [{ shape: [-2] }, 'the shape of "a" must hold integers of at least 0, got [-2]'],
    [{ shape: [0.5] }, 'the shape of "a" must hold integers of at least 0, got [0.5]'],
  ])('refuses tensors that are none: %o', (wrong, message) => {
    const tensor = { ...f32(1, 2), ...wrong } as SafetensorsTensor;
    expect(errorOf(() => encodeSafetensors(new Map([['a', tensor]])))).toMatchObject({
      code: 'InvalidTensorView',
      message: `safetensors: ${message} (InvalidTensorView)`,
    });
  });

  it('refuses half a byte, overflow, a name that is taken, and text that UTF-8 has no bytes for', () => {
    const codeOf = (name: string, tensor: SafetensorsTensor, metadata = {}) =>
      errorOf(() => encodeSafetensors(new Map([[name, tensor]]), metadata)).code;
    expect(codeOf('a', { dtype: 'float4', shape: [3], data: new Uint8Array(1) })).toBe('MisalignedSlice');
    expect(codeOf('a', { dtype: 'float32', shape: [2 ** 40, 2 ** 40], data: new Float32Array(1) })).toBe(
      'ValidationOverflow',
    );
    expect(codeOf('__metadata__', f32(1))).toBe('InvalidTensorView');
    expect(codeOf('\ud800', f32(1))).toBe('InvalidHeader');
    expect(codeOf('a', f32(1), { key: '\udc00' })).toBe('InvalidHeader');
  });

  it('refuses a header of more than 100 MB', () => {
    const error = errorOf(() => encodeSafetensors(new Map(), { text: 'x'.repeat(100_000_000) }));
    expect(error.code).toBe('HeaderTooLarge');
    expect(error.message).toContain('at most 100000000 bytes long, got 100000032; put less into the metadata');
  });
});

describe('decodeSafetensors()', () => {
  const anyTensor = fc
    .record({
      dtype: fc.constantFrom(...(Object.keys(dtypes) as SafetensorsTensor['dtype'][])),
      shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
      fill: fc.uint8Array({ minLength: 1, maxLength: 9 }),
    })
    .map(({ dtype, shape, fill }): SafetensorsTensor => {
      const whole = dtypes[dtype].bits % 8 === 0 ? shape : [...shape, 4]; // 4 elements of 4 or 6 bits are whole bytes
      const sizeBytes = whole.reduce((a, b) => a * b, dtypes[dtype].bits) / 8;
      const bytes = Uint8Array.from({ length: sizeBytes }, (_, i) => fill[i % fill.length]!);
      const { array } = dtypes[dtype];
      return { dtype, shape: whole, data: new array(bytes.buffer, 0, sizeBytes / array.BYTES_PER_ELEMENT) };
    });
  const text = fc.string({ unit: 'grapheme', maxLength: 8 });
  const anyFile: fc.Arbitrary<SafetensorsFile> = fc.record({
    tensors: fc
      .uniqueArray(fc.tuple(fc.oneof(text, fc.constantFrom('__proto__', 'toString', '0')), anyTensor), {
        selector: ([name]) => name,
        maxLength: 6,
      })
      .map((entries) => new Map(entries)),
    metadata: fc.dictionary(fc.oneof(text, fc.constant('__proto__')), text, { noNullPrototype: true }),
  });
  const bits = ({ tensors, metadata }: SafetensorsFile) => ({
    tensors: new Map([...tensors].map(([name, { dtype, shape, data }]) => [name, { dtype, shape, data: hex(data) }])),
    metadata: new Map(Object.entries(metadata)),
  });
  const hex = (data: SafetensorsTensor['data']) =>
    `${data.constructor.name} ${Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex')}`; // NaNs have bits too

  it('gives back what was written, bit for bit, also from a misaligned buffer', () => {
    fc.assert(
      fc.property(anyFile, fc.integer({ min: 0, max: 7 }), (original, offset) => {
        const bytes = encodeSafetensors(original.tensors, original.metadata);
        const moved = new Uint8Array(bytes.length + offset).subarray(offset);
        moved.set(bytes);
        expect(bits(decodeSafetensors(moved))).toEqual(bits(original));
      }),
    );
  });

  it('is undone by encodeSafetensors: whatever it accepts is written in one way', () => {
    fc.assert(
      fc.property(anyFile, ({ tensors, metadata }) => {
        const bytes = encodeSafetensors(tensors, metadata);
        const again = decodeSafetensors(bytes);
        expect(encodeSafetensors(again.tensors, again.metadata)).toEqual(bytes);
      }),
    );
  });

  it('refuses damaged files with a SafetensorsError, never with another', () => {
    const damage = fc.record({
      at: fc.nat(),
      to: fc.integer({ min: 0, max: 255 }),
      keep: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(anyFile, damage, ({ tensors, metadata }, { at, to, keep }) => {
        const bytes = encodeSafetensors(tensors, metadata);
        bytes[at % bytes.length] = to;
        const cut = bytes.subarray(0, Math.ceil(bytes.length * keep));
        try {
          decodeSafetensors(cut);
        } catch (error) {
          expect(error).toBeInstanceOf(SafetensorsError);
        }
      }),
    );
  });

  it('makes views where it can, and copies where a tensor lies misaligned', () => {
    const bytes = encodeSafetensors(new Map([['a', f32(1, 2)]]));
    expect(decodeSafetensors(bytes).tensors.get('a')!.data.buffer).toBe(bytes.buffer);
    const misaligned = file(
      '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F64","shape":[1],"data_offsets":[1,9]}}',
      9,
    );
    const { tensors } = decodeSafetensors(misaligned);
    expect(tensors.get('b')!.data).toEqual(Float64Array.of(0));
    expect(tensors.get('b')!.data.buffer).not.toBe(misaligned.buffer);
  });

  it('takes __proto__ for a name, of tensors and of metadata', () => {
    const header = '{"__metadata__":{"__proto__":"m"},"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}';
    const { tensors, metadata } = decodeSafetensors(file(header, Uint8Array.of(7)));
    expect(tensors.get('__proto__')!.data).toEqual(Uint8Array.of(7));
    expect(Object.entries(metadata)).toEqual([['__proto__', 'm']]);
    expect(Object.getPrototypeOf(metadata)).toBe(Object.prototype);
  });

  it('says what must hold, what came, and what that means', () => {
    const messageOf = (bytes: Uint8Array) => errorOf(() => decodeSafetensors(bytes)).message;
    const one = (changes: object) =>
      file(JSON.stringify({ 'fc.bias': { dtype: 'F32', shape: [2], data_offsets: [0, 8], ...changes } }), 8);
    expect(messageOf(new Uint8Array(3))).toBe('safetensors: a file must have at least 8 bytes, got 3 (HeaderTooSmall)');
    expect(messageOf(new TextEncoder().encode('<!doctype html><title>Not found'))).toBe(
      'safetensors: the header must be at most 100000000 bytes long, got 8104636974849335612; is this a safetensors file? (HeaderTooLarge)',
    );
    expect(messageOf(one({ shape: [3] }))).toBe(
      'safetensors: "fc.bias" must have 12 bytes for float32 [3], got data_offsets [0, 8] (TensorInvalidInfo)',
    );
    expect(messageOf(one({}).subarray(0, -1))).toContain(
      'got 8 bytes of tensors in 7; the file is cut off or has something appended (MetadataIncompleteBuffer)',
    );
    expect(messageOf(one({ dtype: 'F33' }))).toContain(`"fc.bias".dtype must be a type of the format, got "F33"`);
    expect(messageOf(one({ shape: ['2'] }))).toContain(`"fc.bias".shape must hold integers in [0, 2^64), got "2"`);
    expect(messageOf(file('{"a":1,}'))).toContain('it must be JSON, expected a string at character 7');
  });

  it('is stricter than the reference: no name twice, no entry that is a list, no dimension beyond 2^53', () => {
    const entry = '{"dtype":"F32","shape":[2],"data_offsets":[0,8]}';
    const twice = errorOf(() => decodeSafetensors(file(`{"a":${entry},"a":${entry}}`, 8)));
    expect(twice.code).toBe('InvalidHeaderDeserialization');
    expect(twice.message).toContain('expected each key once, not "a" twice,');
    expect(errorOf(() => decodeSafetensors(file('{"__metadata__":{"k":"1","k":"2"}}'))).message).toContain(
      'not "k" twice',
    );
    expect(errorOf(() => decodeSafetensors(file('{"a":["F32",[2],[0,8]]}', 8))).message).toContain(
      '"a" must be an object, got a list',
    );
    const huge = '{"a":{"dtype":"F32","shape":[0,9007199254740993],"data_offsets":[0,0]}}';
    expect(errorOf(() => decodeSafetensors(file(huge))).code).toBe('ValidationOverflow');
  });

  describe('judges files as the reference implementation does', () => {
    const cases = readFileSync(new URL('../fixtures/reference.jsonl', import.meta.url), 'utf8')
      .trim()
      .split('\n')
      .map((line): Verdict & { name: string; file: string } => JSON.parse(line));

    it.each(cases)('$name', (one) => expectSameVerdict(bytesOf(one.file), one));

    const python = process.env.IMGCLS_PYTHON;
    it.skipIf(!python)(
      `random files, whole and damaged${python ? '' : ' (set IMGCLS_PYTHON to a Python with safetensors)'}`,
      () => {
        const seed = Date.now();
        const files = fc
          .sample(anyFile, { numRuns: 500, seed })
          .map((one) => encodeSafetensors(one.tensors, one.metadata));
        const damages = fc.sample(fc.tuple(fc.nat(), fc.integer({ min: 32, max: 126 })), { numRuns: 500, seed });
        const damaged = files.map((bytes, i) => bytes.with(damages[i]![0] % bytes.length, damages[i]![1]));
        const all = [...files, ...damaged];
        const script = new URL('../fixtures/reference.py', import.meta.url).pathname;
        const lines = execFileSync(python!, [script, 'check'], {
          input: all.map(base64).join('\n'),
          encoding: 'utf8',
          maxBuffer: 1e9,
        });
        const verdicts = lines.trim().split('\n');
        expect(verdicts).toHaveLength(all.length);
        for (const [i, line] of verdicts.entries())
          expectSameVerdict(all[i]!, JSON.parse(line), `seed ${seed}, file ${i}`);
      },
    );

    function expectSameVerdict(bytes: Uint8Array, { error, tensors, again }: Verdict, message?: string): void {
      if (error !== undefined) {
        expect(errorOf(() => decodeSafetensors(bytes)).code, message).toBe(error);
        return;
      }
      const ours = decodeSafetensors(bytes).tensors;
      expect(new Map([...ours].map(([name, tensor]) => [name, described(tensor)]))).toEqual(
        new Map(Object.entries(tensors!)),
      );
      if (again !== undefined) expect(base64(encodeSafetensors(ours, { format: 'pt' })), message).toBe(again);
    }

    const described = ({ dtype, shape, data }: SafetensorsTensor) => ({
      code: dtypes[dtype].code,
      shape,
      data: base64(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
    });
  });
});

describe('toStateDict()', () => {
  it('passes tensors on as they are', () => {
    const half: SafetensorsTensor = { dtype: 'float16', shape: [1], data: Uint16Array.of(0x3c00) };
    expect(toStateDict(new Map([['a', half]])).get('a')).toBe(half);
  });

  it('refuses types that no network here has, by the name of the tensor', () => {
    const small: SafetensorsTensor = { dtype: 'float8_e5m2', shape: [1], data: Uint8Array.of(0) };
    expect(() => toStateDict(new Map([['fc.weight', small]]))).toThrow(
      new TypeError('toStateDict: fc.weight must be of a type that networks here have, got float8_e5m2'),
    );
  });
});
