import { ByteWriter } from './byte-writer.ts';
import { type Dtype, dtypes, itemBytes } from './dtype.ts';
import type { PickleGlobal } from './pickle.ts';
import { STORAGE_CLASSES, TORCH_DTYPES, type TorchTensor } from './torch-objects.ts';
import { writeZip } from './zip.ts';

const MAX_DEPTH = 500;
const ALIGNMENT = 64; // PyTorch's own: storages can be mapped into memory

/**
 * A file that `torch.load` opens, also with `weights_only=True`, which is its default.
 *
 * The same contents give the same bytes. Tensors over the same memory share a storage.
 *
 * @param contents A state dict, or plain data with state dicts in it: `{ epoch: 7, state_dict }`. Maps and plain objects become
 * dictionaries; arrays lists, frozen arrays tuples; numbers that are whole become ints, others floats; `contents` of
 * `readTorchCheckpoint` is written as it was.
 * @throws {TypeError} naming what PyTorch has nothing for.
 * @throws {RangeError} beyond 4 GiB.
 * @example
 * ```ts
 * import { readTorchCheckpoint, writeTorchCheckpoint } from '@imgcls/io';
 *
 * const weight = { dtype: 'float32', shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) } as const;
 * const bytes = writeTorchCheckpoint(new Map([['weight', weight]])); // torch.load(path)['weight']
 * console.log(readTorchCheckpoint(bytes).tensors.get('weight')?.data); // => Float32Array(4) [ 1, 2, 3, 4 ]
 * ```
 */
export function writeTorchCheckpoint(contents: object): Uint8Array<ArrayBuffer> {
  const pickler = new Pickler();
  const pickle = pickler.pickle(contents);
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);
  const storages = [...pickler.storages.values()].map(({ key, bytes }) => [`archive/data/${key}`, bytes] as const);
  const files = [
    ['archive/data.pkl', pickle],
    ['archive/byteorder', text('little')],
    ...storages,
    ['archive/version', text('3\n')],
  ] as const;
  return writeZip(new Map(files), ALIGNMENT);
}

/** The memory of tensors. */
interface Storage {
  key: number;
  bytes: Uint8Array;
}

/** Writes pickles of protocol 2, as PyTorch does. */
class Pickler {
  readonly storages = new Map<string, Storage>();
  readonly #writer = new ByteWriter();
  readonly #memo = new Map<object, number>();
  readonly #buffers = new Map<ArrayBufferLike, number>();

  pickle(value: unknown): Uint8Array {
    this.#codes(0x80, 2); // PROTO
    this.#value(value, 'contents', 0);
    this.#codes(0x2e); // STOP
    return this.#writer.bytes();
  }

  #value(value: unknown, where: string, depth: number): void {
    if (depth > MAX_DEPTH) fail(where, `at most ${MAX_DEPTH} levels deep`, 'more');
    if (value === null) this.#codes(0x4e);
    else if (typeof value === 'boolean') this.#codes(value ? 0x88 : 0x89);
    else if (typeof value === 'number') this.#number(value);
    else if (typeof value === 'bigint') this.#long(value, where);
    else if (typeof value === 'string') this.#string(value, where);
    else if (typeof value === 'object') this.#object(value, where, depth);
    else fail(where, 'plain data or a tensor', `a ${typeof value}`);
  }

  #object(value: object, where: string, depth: number): void {
    const known = this.#memo.get(value);
    if (known !== undefined) {
      this.#codes(0x6a); // LONG_BINGET
      this.#writer.uint32(known);
    } else if (isTensor(value)) this.#tensor(value, where);
    else if (isGlobal(value)) this.#global(value.global);
    else if (value instanceof Map) this.#dictionary(value, value, where, depth);
    else if (value instanceof Set) this.#call('__builtin__.set', [[...value]], where, depth, value);
    else if (value instanceof Uint8Array) this.#call('_codecs.encode', [latin1(value), 'latin1'], where, depth, value);
    else if (Array.isArray(value)) this.#list(value, where, depth);
    else if (isPlain(value)) this.#dictionary(value, Object.entries(value), where, depth);
    else fail(where, 'plain data or a tensor', `a ${value.constructor.name}`);
  }

  #dictionary(self: object, entries: Iterable<readonly [unknown, unknown]>, where: string, depth: number): void {
    this.#codes(0x7d); // EMPTY_DICT
    this.#remember(self);
    this.#codes(0x28); // MARK
    for (const [key, value] of entries) {
      if (value === undefined) continue;
      this.#value(key, `a key of ${where}`, depth + 1);
      this.#value(value, `${where}.${typeof key === 'string' ? key : '…'}`, depth + 1);
    }
    this.#codes(0x75); // SETITEMS
  }

  #list(items: readonly unknown[], where: string, depth: number): void {
    const isTuple = Object.isFrozen(items);
    if (!isTuple) {
      this.#codes(0x5d); // EMPTY_LIST
      this.#remember(items);
    }
    this.#codes(0x28); // MARK
    for (const [i, item] of items.entries()) this.#value(item, `${where}[${i}]`, depth + 1);
    this.#codes(isTuple ? 0x74 : 0x65); // TUPLE, APPENDS
    if (isTuple) this.#remember(items);
  }

  /** @param self What it makes, if it is more than a value. */
  #call(name: string, args: readonly unknown[], where: string, depth: number, self?: object): void {
    this.#global(name);
    this.#list(Object.freeze([...args]), where, depth);
    this.#codes(0x52); // REDUCE
    if (self) this.#remember(self);
  }

  #tensor(tensor: TorchTensor, where: string): void {
    checkTensor(tensor, where);
    const { dtype, shape } = tensor;
    const storageClass = STORAGE_CLASSES.get(dtype);
    const { key, bytes } = this.#storage(tensor);
    const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((size, n) => size * n, 1));
    this.#global(`torch._utils._rebuild_tensor_v${storageClass ? 2 : 3}`);
    this.#codes(0x28); // MARK
    this.#value(
      Object.freeze([
        'storage',
        { global: storageClass ?? 'torch.storage.UntypedStorage' },
        String(key),
        'cpu',
        bytes.length / (storageClass ? itemBytes(dtype) : 1),
      ]),
      where,
      0,
    );
    this.#codes(0x51); // BINPERSID
    for (const value of [0, Object.freeze([...shape]), Object.freeze(strides), false]) this.#value(value, where, 0);
    this.#call('collections.OrderedDict', [], where, 0); // hooks
    if (!storageClass) this.#global(`torch.${TORCH_DTYPES.get(dtype)}`);
    this.#codes(0x74, 0x52); // TUPLE, REDUCE
    this.#remember(tensor);
  }

  /** The storage over the memory of a tensor, the same for the same. */
  #storage({ dtype, data: { buffer, byteOffset, byteLength } }: TorchTensor): Storage {
    const number = this.#buffers.get(buffer) ?? this.#buffers.size;
    this.#buffers.set(buffer, number);
    const place = [number, byteOffset, byteLength, dtype].join();
    const storage = this.storages.get(place) ?? {
      key: this.storages.size,
      bytes: new Uint8Array(buffer, byteOffset, byteLength),
    };
    this.storages.set(place, storage);
    return storage;
  }

  #global(name: string): void {
    const split = name.lastIndexOf('.');
    this.#codes(0x63); // GLOBAL
    this.#writer.put(new TextEncoder().encode(`${name.slice(0, split)}\n${name.slice(split + 1)}\n`));
  }

  #number(value: number): void {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      this.#codes(0x47); // BINFLOAT
      this.#writer.float64BigEndian(value);
    } else if (value === (value | 0)) {
      this.#codes(0x4a); // BININT
      this.#writer.int32(value);
    } else this.#long(BigInt(value), 'contents');
  }

  #long(value: bigint, where: string): void {
    const bytes: number[] = [];
    let rest = value;
    do {
      bytes.push(Number(rest & 255n));
      rest >>= 8n;
    } while (rest !== (bytes.at(-1)! & 128 ? -1n : 0n));
    if (bytes.length > 255) fail(where, 'integers of at most 255 bytes', 'a longer one');
    this.#codes(0x8a, bytes.length, ...bytes); // LONG1
  }

  #string(value: string, where: string): void {
    if (/\p{Surrogate}/u.test(value)) fail(where, 'well-formed Unicode', JSON.stringify(value));
    const bytes = new TextEncoder().encode(value);
    this.#codes(0x58); // BINUNICODE
    this.#writer.uint32(bytes.length);
    this.#writer.put(bytes);
  }

  #remember(object: object): void {
    this.#codes(0x72); // LONG_BINPUT
    this.#writer.uint32(this.#memo.size);
    this.#memo.set(object, this.#memo.size);
  }

  #codes(...codes: number[]): void {
    for (const code of codes) this.#writer.uint8(code);
  }
}

function checkTensor({ dtype, shape, data }: TorchTensor, where: string): void {
  if (!TORCH_DTYPES.has(dtype)) fail(where, 'of a type that PyTorch has', dtype);
  const { array } = dtypes[dtype];
  const size = shape.reduce((product, n) => product * n, 1) * itemBytes(dtype);
  if (data[Symbol.toStringTag] !== array.name || data.byteLength !== size)
    fail(
      where,
      `${size} bytes in a ${array.name} for ${dtype} [${shape}]`,
      `${data.byteLength} bytes in a ${data[Symbol.toStringTag]}`,
    );
}

const isTensor = (value: object): value is TorchTensor =>
  'dtype' in value &&
  'shape' in value &&
  Array.isArray(value.shape) &&
  'data' in value &&
  ArrayBuffer.isView(value.data) &&
  (value.dtype as Dtype) in dtypes;

const isGlobal = (value: object): value is PickleGlobal =>
  'global' in value && typeof value.global === 'string' && /^torch(?:\.\w+)+$/.test(value.global);

const isPlain = (value: object): boolean => Object.prototype.toString.call(value) === '[object Object]';

const latin1 = (bytes: Uint8Array): string => Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');

function fail(where: string, must: string, got: string): never {
  throw new TypeError(`writeTorchCheckpoint: ${where} must be ${must}, got ${got}`);
}
