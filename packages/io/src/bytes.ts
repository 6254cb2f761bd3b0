import type { HostArray } from '@imgcls/nn';
import { type Dtype, dtypes, viewAs } from './dtype.ts';

/** The bytes of a file: an array that holds all of them, or what reads those that are asked for. */
export interface Bytes {
  readonly length: number;
  /** Those from `start` up to `end`, which must lie within. */
  subarray(start: number, end: number): Uint8Array;
  /** Those from `start` on, into memory that is there: of what is no array. */
  readInto?(target: Uint8Array, start: number): void;
}

/** Some of the bytes: of an array a view; of a file nothing is read yet. */
export function partOf(bytes: Bytes, start: number, end: number): Bytes {
  if (bytes instanceof Uint8Array) return bytes.subarray(start, end);
  return {
    length: end - start,
    subarray: (from, to) => bytes.subarray(start + from, start + to),
    readInto: (target, from) => bytes.readInto!(target, start + from),
  };
}

export const allOf = (bytes: Bytes): Uint8Array => bytes.subarray(0, bytes.length);

/**
 * Gives a tensor its elements: a view of the bytes where there can be one. Else they are read, or copied to where they are aligned, when
 * they are first asked for; with `read` they are not even kept.
 */
export function place<T extends { dtype: Dtype }>(tensor: T, bytes: Bytes): T & { data: HostArray } {
  const { dtype } = tensor;
  const isView = bytes instanceof Uint8Array && bytes.byteOffset % dtypes[dtype].array.BYTES_PER_ELEMENT === 0;
  if (isView) return Object.assign(tensor, { data: viewAs(dtype, bytes) });
  let kept: HostArray | undefined;
  const keep = (value: HostArray) => {
    kept = value;
    return value;
  };
  const get = () => kept ?? keep(viewAs(dtype, allOf(bytes)));
  Object.defineProperty(tensor, 'data', { get, set: keep, enumerable: true, configurable: true });
  const read = () => kept ?? viewAs(dtype, borrowed(bytes));
  return Object.defineProperty(tensor, 'read', { value: read }) as T & { data: HostArray };
}

/** The bytes in memory that the next call writes over, so that whoever goes through a file leaves nothing behind to be collected. */
function borrowed(bytes: Bytes): Uint8Array {
  let memory = spare?.deref();
  if (!memory || memory.byteLength < bytes.length) {
    memory = new ArrayBuffer(bytes.length);
    spare = new WeakRef(memory); // which goes when nobody reads any more
  }
  const target = new Uint8Array(memory, 0, bytes.length);
  if (bytes instanceof Uint8Array) target.set(bytes);
  else bytes.readInto!(target, 0);
  return target;
}

let spare: WeakRef<ArrayBuffer> | undefined;

/** Small things anywhere in a file, numbers little-endian: it is read by pieces of 16 KiB. What is asked for must lie within. */
export class Lookup {
  readonly #bytes: Bytes;
  #start = 0;
  #view: DataView = new DataView(new ArrayBuffer(0));

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  uint8 = (at: number): number => this.#around(at, 1).getUint8(at - this.#start);
  uint16 = (at: number): number => this.#around(at, 2).getUint16(at - this.#start, true);
  uint32 = (at: number): number => this.#around(at, 4).getUint32(at - this.#start, true);
  int32 = (at: number): number => this.#around(at, 4).getInt32(at - this.#start, true);
  int64 = (at: number): bigint => this.#around(at, 8).getBigInt64(at - this.#start, true);
  uint64 = (at: number): bigint => this.#around(at, 8).getBigUint64(at - this.#start, true);
  float64BigEndian = (at: number): number => this.#around(at, 8).getFloat64(at - this.#start);

  /** So many bytes from there on. */
  bytes(at: number, length: number): Uint8Array {
    if (length > PIECE / 2) return this.#bytes.subarray(at, at + length);
    const { buffer, byteOffset } = this.#around(at, length);
    return new Uint8Array(buffer, byteOffset + at - this.#start, length);
  }

  #around(at: number, length: number): DataView {
    if (at >= this.#start && at + length <= this.#start + this.#view.byteLength) return this.#view;
    this.#start = Math.max(0, at - PIECE / 2); // half before it, as the end of an archive is looked for backwards
    const { buffer, byteOffset, byteLength } = this.#bytes.subarray(
      this.#start,
      Math.min(this.#bytes.length, this.#start + PIECE),
    );
    this.#view = new DataView(buffer, byteOffset, byteLength);
    return this.#view;
  }
}

const PIECE = 2 ** 14;
