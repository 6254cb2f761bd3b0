import { arrayOf, type HostArray, type HostTensor, type StateDict } from '@imgcls/nn';
import { type Bytes, Lookup, partOf, place } from './bytes.ts';
import { type Dtype, dtypeOf, dtypes, rankOf } from './dtype.ts';
import { parseStrictJson, type StrictJson } from './json.ts';
import { WeightsFileError } from './weights-file-error.ts';

/** A tensor as a safetensors file holds it: a `HostTensor`, of more types. */
export interface SafetensorsTensor {
  dtype: Dtype;
  shape: readonly number[];
  /** Row-major. A complex number is two elements, real and imaginary; types smaller than a byte are packed. */
  data: HostArray;
  /** As that of a `HostTensor`. */
  read?(): HostArray;
}

/** What a safetensors file holds. */
export interface SafetensorsFile {
  /** By name, in the order of the file. */
  tensors: Map<string, SafetensorsTensor>;
  metadata: Record<string, string>;
}

/** Why a file was refused: the names of the reference implementation (the Rust crate `safetensors`), which checks in this order. */
export type SafetensorsErrorCode =
  | 'HeaderTooSmall'
  | 'HeaderTooLarge'
  | 'InvalidHeaderLength'
  | 'InvalidHeader'
  | 'InvalidHeaderDeserialization'
  | 'InvalidOffset'
  | 'ValidationOverflow'
  | 'MisalignedSlice'
  | 'TensorInvalidInfo'
  | 'MetadataIncompleteBuffer'
  | 'InvalidTensorView';

/** Bytes that are no safetensors file, or tensors that can't become one. */
export class SafetensorsError extends WeightsFileError {
  override readonly name = 'SafetensorsError';
  readonly code: SafetensorsErrorCode;

  constructor(code: SafetensorsErrorCode, message: string) {
    super(`safetensors: ${message} (${code})`);
    this.code = code;
  }
}

const MAX_HEADER_BYTES = 100_000_000;
const U64 = 2n ** 64n;
const METADATA = '__metadata__';

/** A header's entry, in the exact integers of the format. */
interface Entry {
  name: string;
  dtype: Dtype;
  shape: bigint[];
  begin: bigint;
  end: bigint;
}

/**
 * Reads a safetensors file.
 *
 * @param bytes The whole file. Tensors are views of it where they are aligned (always, in files that `encodeSafetensors` wrote); elsewhere
 * they are copied when they are first asked for.
 * @throws {SafetensorsError} for every file that the reference implementation refuses, and for names that occur twice.
 * @example
 * ```ts
 * import { decodeSafetensors, encodeSafetensors } from '@imgcls/io';
 *
 * const weight = { dtype: 'float32', shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) } as const;
 * const bytes = encodeSafetensors(new Map([['weight', weight]]), { format: 'pt' });
 * const { tensors, metadata } = decodeSafetensors(bytes);
 * console.log(tensors.get('weight')?.data, metadata.format); // => Float32Array(4) [ 1, 2, 3, 4 ] pt
 * ```
 * The format: https://github.com/huggingface/safetensors#format
 */
export function decodeSafetensors(bytes: Bytes): SafetensorsFile {
  const { header, dataOffset } = readHeader(bytes);
  const { entries, metadata } = parseHeader(header);
  entries.sort((a, b) => Number(a.begin - b.begin) || Number(a.end - b.end));
  const dataLength = checkEntries(entries);
  if (dataLength !== BigInt(bytes.length - dataOffset))
    throw new SafetensorsError(
      'MetadataIncompleteBuffer',
      `the tensors must fill the file after its header, got ${dataLength} bytes of tensors in ${bytes.length - dataOffset}; the file is cut off or has something appended`,
    );
  const tensor = ({ dtype, shape, begin, end }: Entry): SafetensorsTensor =>
    place({ dtype, shape: shape.map(Number) }, partOf(bytes, dataOffset + Number(begin), dataOffset + Number(end)));
  return { tensors: new Map(entries.map((entry) => [entry.name, tensor(entry)])), metadata };
}

/**
 * Writes a safetensors file. The same tensors and metadata give the same bytes, in whatever order they come: those that the reference
 * implementation writes.
 *
 * @param metadata Anything that is text.
 * @throws {SafetensorsError} if a tensor's data does not fill its shape (`InvalidTensorView`), or the header passes 100 MB.
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, SafetensorsTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const sorted = [...tensors].sort(
    ([nameA, a], [nameB, b]) => rankOf(b.dtype) - rankOf(a.dtype) || compareCodePoints(nameA, nameB),
  );
  const header = encodeHeader(sorted, metadata);
  const total = sorted.reduce((sum, [, { data }]) => sum + data.byteLength, 8 + header.length);
  const bytes = new Uint8Array(total);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, 8);
  let offset = 8 + header.length;
  for (const [, { data }] of sorted) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return bytes;
}

/**
 * The tensors of a file as a state dict, which `loadStateDict` takes. Nothing is copied.
 *
 * @throws {TypeError} if a tensor is of a type that a state dict can't hold: complex, or smaller than a byte or float16.
 */
export function toStateDict(tensors: ReadonlyMap<string, SafetensorsTensor>): StateDict {
  const entries = [...tensors].map(([name, tensor]): [string, HostTensor] => {
    if (!(tensor.dtype in arrayOf))
      throw new TypeError(`toStateDict: ${name} must be of a type that networks here have, got ${tensor.dtype}`);
    return [name, tensor as HostTensor];
  });
  return new Map(entries);
}

function readHeader(bytes: Bytes): { header: string; dataOffset: number } {
  if (bytes.length < 8)
    throw new SafetensorsError('HeaderTooSmall', `a file must have at least 8 bytes, got ${bytes.length}`);
  const length = new Lookup(bytes).uint64(0);
  if (length > MAX_HEADER_BYTES)
    throw new SafetensorsError(
      'HeaderTooLarge',
      `the header must be at most ${MAX_HEADER_BYTES} bytes long, got ${length}; is this a safetensors file?`,
    );
  const dataOffset = 8 + Number(length);
  if (dataOffset > bytes.length)
    throw new SafetensorsError(
      'InvalidHeaderLength',
      `the header must end within the file, got a header of ${length} bytes in a file of ${bytes.length}; the file is cut off`,
    );
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    return { header: decoder.decode(bytes.subarray(8, dataOffset)), dataOffset };
  } catch {
    throw new SafetensorsError('InvalidHeader', 'the header must be UTF-8');
  }
}

function parseHeader(header: string): { entries: Entry[]; metadata: Record<string, string> } {
  const members = asMap(parseJson(header), 'the header');
  const metadata = members.get(METADATA) ?? new Map();
  members.delete(METADATA);
  const texts = [...asMap(metadata, METADATA)].map(([key, value]): [string, string] => {
    if (typeof value !== 'string') throw invalid(`${METADATA}.${key} must be a string, got ${describe(value)}`);
    return [key, value];
  });
  return {
    entries: [...members].map(([name, value]) => parseEntry(name, value)),
    metadata: Object.fromEntries(texts), // defines, never assigns: "__proto__" is a key like any other
  };
}

function parseEntry(name: string, value: StrictJson): Entry {
  const where = JSON.stringify(name);
  const entry = asMap(value, where);
  const code = entry.get('dtype');
  const dtype = dtypeOf(code);
  if (dtype === undefined) throw invalid(`${where}.dtype must be a type of the format, got ${describe(code)}`);
  const shape = integers(entry.get('shape'), `${where}.shape`);
  const offsets = integers(entry.get('data_offsets'), `${where}.data_offsets`);
  if (offsets.length !== 2) throw invalid(`${where}.data_offsets must be two integers, got ${offsets.length}`);
  return { name, dtype, shape, begin: offsets[0]!, end: offsets[1]! };
}

function integers(value: StrictJson | undefined, where: string): bigint[] {
  const isInteger = (item: StrictJson): item is bigint => typeof item === 'bigint' && item < U64;
  if (!Array.isArray(value)) throw invalid(`${where} must be a list of integers, got ${describe(value)}`);
  if (!value.every(isInteger))
    throw invalid(`${where} must hold integers in [0, 2^64), got ${value.map(describe).join(', ')}`);
  return value;
}

/** Checks that the tensors lie one behind the other, each as long as its shape says; returns where the last one ends. */
function checkEntries(entries: readonly Entry[]): bigint {
  let last = 0n;
  for (const { name, dtype, shape, begin, end } of entries) {
    const where = JSON.stringify(name);
    if (begin !== last || end < begin)
      throw new SafetensorsError(
        'InvalidOffset',
        `${where} must begin at ${last}, where the tensor before it ends, got data_offsets [${begin}, ${end}]`,
      );
    const size = sizeBytes(where, dtype, shape);
    if (end - begin !== size)
      throw new SafetensorsError(
        'TensorInvalidInfo',
        `${where} must have ${size} bytes for ${dtype} [${shape}], got data_offsets [${begin}, ${end}]`,
      );
    last = end;
  }
  return last;
}

/** Refused where the reference overflows (2⁶⁴), and where a dimension is no exact `number` (2⁵³). */
function sizeBytes(where: string, dtype: Dtype, shape: readonly bigint[]): bigint {
  const { bits } = dtypes[dtype];
  let size = 1n;
  for (const factor of [...shape, BigInt(bits)]) {
    size *= factor;
    if (size >= U64 || factor > Number.MAX_SAFE_INTEGER)
      throw new SafetensorsError(
        'ValidationOverflow',
        `${where} must be of a size in [0, 2^64) bits, got ${dtype} [${shape}]`,
      );
  }
  if (size % 8n !== 0n)
    throw new SafetensorsError(
      'MisalignedSlice',
      `${where} must fill whole bytes, got ${dtype} [${shape}]: ${size} bits`,
    );
  return size / 8n;
}

function encodeHeader(
  tensors: readonly (readonly [string, SafetensorsTensor])[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const texts = Object.entries(metadata).sort(([a], [b]) => compareCodePoints(a, b));
  const entries: [string, string][] =
    texts.length === 0 ? [] : [[METADATA, jsonObject(texts.map(([key, text]) => [key, jsonString(text)]))]];
  let offset = 0;
  for (const [name, tensor] of tensors) {
    checkTensor(name, tensor);
    const { dtype, shape, data } = tensor;
    const begin = offset;
    offset += data.byteLength;
    entries.push([name, JSON.stringify({ dtype: dtypes[dtype].code, shape, data_offsets: [begin, offset] })]);
  }
  const header = new TextEncoder().encode(jsonObject(entries));
  const padded = new Uint8Array(Math.ceil(header.length / 8) * 8).fill(0x20); // so that the data begins at a multiple of 8
  if (padded.length > MAX_HEADER_BYTES)
    throw new SafetensorsError(
      'HeaderTooLarge',
      `the header must be at most ${MAX_HEADER_BYTES} bytes long, got ${padded.length}; put less into the metadata`,
    );
  padded.set(header);
  return padded;
}

function checkTensor(name: string, { dtype, shape, data }: SafetensorsTensor): void {
  const where = JSON.stringify(name);
  if (name === METADATA) throw new SafetensorsError('InvalidTensorView', `a tensor can't be called ${METADATA}`);
  if (!(dtype in dtypes))
    throw new SafetensorsError('InvalidTensorView', `${where} must be of a type of the format, got ${dtype}`);
  if (!shape.every((dimension) => Number.isSafeInteger(dimension) && dimension >= 0))
    throw new SafetensorsError(
      'InvalidTensorView',
      `the shape of ${where} must hold integers of at least 0, got [${shape}]`,
    );
  const size = sizeBytes(where, dtype, shape.map(BigInt));
  const { array } = dtypes[dtype];
  const got = data[Symbol.toStringTag];
  if (got !== array.name || BigInt(data.byteLength) !== size)
    throw new SafetensorsError(
      'InvalidTensorView',
      `${where} must have ${size} bytes in a ${array.name} for ${dtype} [${shape}], got ${data.byteLength} bytes in a ${got}`,
    );
}

/** `JSON.stringify` would put names that are integers first. */
const jsonObject = (entries: readonly (readonly [string, string])[]): string =>
  `{${entries.map(([key, json]) => `${jsonString(key)}:${json}`).join(',')}}`;

function jsonString(text: string): string {
  if (/\p{Surrogate}/u.test(text))
    throw new SafetensorsError(
      'InvalidHeader',
      `names and metadata must be well-formed Unicode, got ${JSON.stringify(text)}`,
    );
  return JSON.stringify(text);
}

function parseJson(text: string): StrictJson {
  try {
    return parseStrictJson(text);
  } catch (error) {
    throw invalid(`it must be JSON, ${(error as SyntaxError).message}`);
  }
}

function asMap(value: StrictJson, where: string): Map<string, StrictJson> {
  if (!(value instanceof Map)) throw invalid(`${where} must be an object, got ${describe(value)}`);
  return value;
}

const invalid = (message: string): SafetensorsError =>
  new SafetensorsError('InvalidHeaderDeserialization', `the header can't be understood: ${message}`);

function describe(value: StrictJson | undefined): string {
  if (value instanceof Map) return 'an object';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

/** The order of UTF-8 bytes, which is not that of UTF-16. */
function compareCodePoints(a: string, b: string): number {
  let i = 0;
  while (i < a.length && a[i] === b[i]) i++;
  return (a.codePointAt(i) ?? -1) - (b.codePointAt(i) ?? -1);
}
