import { ByteReader } from './byte-reader.ts';
import { allOf, type Bytes, place } from './bytes.ts';
import { byteSwapped, type Dtype, dtypes } from './dtype.ts';
import type { SafetensorsTensor } from './safetensors.ts';
import { gather } from './strides.ts';
import { WeightsFileError } from './weights-file-error.ts';
import { readZip, unpack } from './zip.ts';

/**
 * Reads a file of NumPy's `savez` or `savez_compressed`: its arrays by name, in the order of the file.
 *
 * Arrays are views of `bytes` where they are aligned, in order and not compressed. Arrays of Python objects are refused.
 *
 * @throws {WeightsFileError} if it is no such file, damaged, or holds what tensors can't be made of.
 * @example
 * ```ts no-run
 * import { readFile } from 'node:fs/promises';
 * import { readNpz } from '@imgcls/io';
 *
 * const tensors = await readNpz(await readFile('weights.npz')); // np.savez('weights.npz', **{'fc.weight': …})
 * ```
 * It reads a file, so it is not run here.
 * The format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
export async function readNpz(bytes: Bytes): Promise<Map<string, SafetensorsTensor>> {
  const tensors = new Map<string, SafetensorsTensor>();
  for (const [name, entry] of readZip(bytes, WHERE)) {
    if (!name.endsWith('.npy'))
      throw new WeightsFileError(`${WHERE}: the archive must hold arrays (.npy), got ${JSON.stringify(name)}`);
    tensors.set(
      name.slice(0, -'.npy'.length),
      readNpy(new ByteReader(await unpack(entry, WHERE), `${WHERE}: ${name}`)),
    );
  }
  return tensors;
}

const WHERE = 'readNpz';

const HEADER =
  /^\{'descr': '([<>|=])(\w{1,8})', 'fortran_order': (True|False), 'shape': \(((?:\d{1,16}(?:, \d{1,16})*)?),?\)(?:, *)?\}\s*$/;

const DTYPES: Readonly<Record<string, Dtype>> = {
  b1: 'bool',
  i1: 'int8',
  u1: 'uint8',
  i2: 'int16',
  u2: 'uint16',
  f2: 'float16',
  i4: 'int32',
  u4: 'uint32',
  f4: 'float32',
  i8: 'int64',
  u8: 'uint64',
  f8: 'float64',
  c8: 'complex64',
};

function readNpy(reader: ByteReader): SafetensorsTensor {
  if (String.fromCharCode(...reader.take(6)) !== '\x93NUMPY') reader.fail('an array of NumPy', 'something else');
  const [major] = [reader.uint8(), reader.uint8()];
  if (major > 3) reader.fail('a format version of at most 3', major);
  const header = reader.text(major === 1 ? reader.uint16() : reader.uint32());
  const [, order, code, isFortran, sizes] =
    HEADER.exec(header) ?? reader.fail('a description of an array', JSON.stringify(header.slice(0, 100)));
  const dtype = Object.hasOwn(DTYPES, code!)
    ? DTYPES[code!]!
    : reader.fail('an array of numbers', `one of type ${JSON.stringify(code)}`);
  const shape = sizes === '' ? [] : sizes!.split(', ').map(Number);
  const size = shape.reduce((product, n) => product * n, 1) * (dtypes[dtype].bits / 8);
  if (size !== reader.left) reader.fail(`${size} bytes for ${dtype} [${shape}]`, reader.left);
  if (shape.length > 32) reader.fail('at most 32 dimensions', shape.length); // NumPy's own limit
  const part = reader.skip(size);
  const bytes = order === '>' ? byteSwapped(allOf(part), dtype) : part;
  const isTurned = isFortran === 'True' && shape.length > 1;
  return place({ dtype, shape }, isTurned ? inRowOrder(allOf(bytes), dtype, shape) : bytes);
}

/** Elements whose first index runs fastest, put in the order where the last does. */
function inRowOrder(bytes: Uint8Array, dtype: Dtype, shape: readonly number[]): Uint8Array {
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((product, n) => product * n, 1));
  return gather(bytes, dtype, 0, shape, strides);
}
