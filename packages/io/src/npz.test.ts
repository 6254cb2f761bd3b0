import { readFileSync } from 'node:fs';
import { random } from '@imgcls/random';
import { describe, expect, it } from 'vitest';
import { readNpz } from './npz.ts';
import { WeightsFileError } from './weights-file-error.ts';
import { writeZip } from './zip.ts';

/** Written by NumPy (fixtures/make-torch.py). */
const fixture = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../fixtures/torch/${name}`, import.meta.url)));
const expected = JSON.parse(new TextDecoder().decode(fixture('expected.json'))) as Record<
  string,
  Record<string, unknown>
>;

/** An archive of one array, `x`. */
function npz(header: string, data = new Uint8Array(), version = 1): Uint8Array {
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  length.writeUInt16LE(header.length);
  const array = Buffer.concat([
    Buffer.from(`\x93NUMPY${String.fromCharCode(version)}\0`, 'latin1'),
    length,
    Buffer.from(header),
    data,
  ]);
  return writeZip(new Map([['x.npy', new Uint8Array(array)]]), 1);
}

const header = (descr: string, shape: string): string =>
  `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }\n`;

describe('readNpz()', () => {
  it.each(['plain.npz', 'compressed.npz'])('reads in %s what NumPy does, bit for bit', async (name) => {
    const tensors = await readNpz(fixture(name));
    const { zeros, ...others } = Object.fromEntries(tensors);
    expect(zeros).toEqual({ dtype: 'float32', shape: [40, 50], data: new Float32Array(2000) });
    const got = Object.entries(others).map(([key, { dtype, shape, data }]) => [
      key,
      [dtype, shape, Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex')],
    ]);
    expect(Object.fromEntries(got)).toEqual(expected[name]);
  });

  it('reads headers of version 2, and those of other spacing', async () => {
    expect((await readNpz(npz(header('<f4', '(1,)'), new Uint8Array(4), 2))).get('x')?.shape).toEqual([1]);
    expect(
      (await readNpz(npz("{'descr': '|u1', 'fortran_order': False, 'shape': ()}", Uint8Array.of(7)))).get('x')?.data,
    ).toEqual(Uint8Array.of(7));
  });

  it.each<[string, Uint8Array, string]>([
    [
      'objects of Python',
      npz(header('|O', '(1,)')),
      'there must be an array of numbers before byte 67, got one of type "O"',
    ],
    [
      'records',
      npz("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }\n"),
      'there must be a description of an array before byte',
    ],
    ['text', npz(header('<U5', '(1,)')), 'an array of numbers'],
    [
      'arrays that are cut off',
      npz(header('<f4', '(3,)'), new Uint8Array(8)),
      'there must be 12 bytes for float32 [3] before byte 68, got 8',
    ],
    ['sizes beyond all memory', npz(header('<f4', '(9999999999999999, 9999999999999999)')), ' bytes for float32'],
    [
      'another version',
      npz(header('<f4', '(0,)'), new Uint8Array(), 4),
      'there must be a format version of at most 3 before byte 8, got 4',
    ],
    [
      'another file',
      writeZip(new Map([['x.npy', new Uint8Array(10)]]), 1),
      'there must be an array of NumPy before byte 6, got something else',
    ],
    [
      'files that are no arrays',
      writeZip(new Map([['x.txt', new Uint8Array(10)]]), 1),
      'readNpz: the archive must hold arrays (.npy), got "x.txt"',
    ],
  ])('refuses %s', async (_, bytes, message) => {
    await expect(readNpz(bytes)).rejects.toThrow(message);
    await expect(readNpz(bytes)).rejects.toThrow(WeightsFileError);
  });

  it('ends in a typed error, or in other arrays, for 1,000 damaged files', async () => {
    const whole = [fixture('plain.npz'), fixture('compressed.npz')];
    for (let n = 0; n < 1000; n++) {
      const rng = random(1, 'npz', n);
      const bytes = whole[n % 2]!.slice();
      for (let changes = 1 + rng.int(3); changes > 0; changes--) bytes[rng.int(bytes.length)] = rng.int(256);
      await readNpz(bytes).catch((error) => expect(error).toBeInstanceOf(WeightsFileError));
    }
  });
});
