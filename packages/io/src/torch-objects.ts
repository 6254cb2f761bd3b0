import type { HostArray } from '@imgcls/nn';
import { allOf, type Bytes, partOf, place } from './bytes.ts';
import { byteSwapped, type Dtype, dtypes, itemBytes } from './dtype.ts';
import { isTuple, type PickleGlobal, type PickleWorld } from './pickle.ts';
import type { SafetensorsTensor } from './safetensors.ts';
import { gather, isContiguous, sizeOf } from './strides.ts';
import { WeightsFileError } from './weights-file-error.ts';

/** A tensor of a PyTorch file. A storage is one of one dimension. */
export type TorchTensor = SafetensorsTensor;

/** Something that a PyTorch file holds. Tuples are frozen arrays; integers beyond 2⁵³ are bigints. */
export type TorchValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | TorchTensor
  | PickleGlobal
  | readonly TorchValue[]
  | Set<TorchValue>
  | Map<TorchValue, TorchValue>;

/** Elements in memory, which tensors are views of. */
export interface Storage {
  readonly tensor: TorchTensor;
  /** Another storage that it is a part of, from this element on. */
  readonly root?: { readonly storage: Storage; readonly offset: number };
  bytes: Bytes;
}

/** A tensor whose elements come later, when the storages have been read. */
interface Pending {
  tensor: TorchTensor;
  storage: Storage;
  offset: number;
  strides: readonly number[];
}

export const MAX_RANK = 64; // PyTorch's own
const SPARE_BYTES = 2 ** 26;

/** The tensors of a file, from the pickles that describe them and the bytes of their storages. */
export class TorchObjects implements Omit<PickleWorld, 'persistent'> {
  readonly globals: PickleWorld['globals'];
  /** In the order in which they are named. */
  readonly storages = new Map<unknown, Storage>();
  readonly #storageOf = new Map<TorchTensor, Storage>();
  readonly #pending = new Map<TorchTensor, Pending>();

  constructor() {
    this.globals = new Map([
      ...[...names()].map((name) => [name, undefined]),
      ...DATA,
      ['torch._utils._rebuild_tensor', (args) => this.#rebuild(args)],
      ['torch._utils._rebuild_tensor_v2', (args) => this.#rebuild(args, args[6])],
      ['torch._utils._rebuild_tensor_v3', (args) => this.#rebuild(args, args[7], dtypeNamed(args[6]))],
      ['torch._utils._rebuild_parameter', ([data]) => this.#tensor(data)],
      ['torch._utils._rebuild_parameter_with_state', ([data]) => this.#tensor(data)],
      ['torch.nn.parameter.Parameter', ([data]) => this.#tensor(data)],
    ] as [string, ((args: readonly unknown[]) => unknown) | undefined][]);
  }

  takesState = (object: unknown): boolean => this.#pending.has(object as TorchTensor); // a parameter's hooks

  isTensor = (value: unknown): value is TorchTensor =>
    this.#pending.has(value as TorchTensor) || this.#storageOf.has(value as TorchTensor);

  /**
   * The storage that is called `key`, as its tensor.
   *
   * @param count Of elements.
   * @param root The storage that it is a part of, and from which element on.
   */
  storage(dtype: Dtype, key: unknown, count: unknown, root?: { storage: Storage; offset: unknown }): TorchTensor {
    if (!isSize(count) || !isSize(root?.offset ?? 0))
      fail('a storage must have a whole number of elements', show(count));
    const known = this.storages.get(key);
    if (known && (known.tensor.dtype !== dtype || known.tensor.shape[0] !== count))
      fail(
        `storage ${show(key)} must be the same wherever it is used`,
        `${outline(known.tensor)} and ${dtype} [${count}]`,
      );
    if (known) return known.tensor;
    const tensor = { dtype, shape: [count], data: NO_DATA };
    const storage: Storage = { tensor, bytes: NO_DATA, ...(root && { root: root as NonNullable<Storage['root']> }) };
    this.storages.set(key, storage);
    this.#storageOf.set(tensor, storage);
    return tensor;
  }

  /** A storage that was made before. */
  storageAt(key: unknown): Storage {
    return this.storages.get(key) ?? fail('a tensor must be of a storage that the file has', show(key));
  }

  /** A tensor over a storage. What it is made of is checked now, its elements come later. */
  view(storage: Storage, offset: unknown, shape: unknown, strides: unknown, dtype = storage.tensor.dtype): TorchTensor {
    if (!isSizes(shape) || !isSizes(strides) || shape.length !== strides.length || !isSize(offset))
      fail('a tensor must have sizes, as many strides, and an offset', [offset, shape, strides].map(show).join(', '));
    const tensor = { dtype, shape: [...shape], data: NO_DATA };
    const elements = Math.floor((storage.tensor.shape[0]! * itemBytes(storage.tensor.dtype)) / itemBytes(dtype));
    const end = sizeOf(shape) === 0 ? 0 : shape.reduce((last, n, axis) => last + (n - 1) * strides[axis]!, offset + 1);
    if (end > elements)
      fail('a tensor must lie within its storage', `${outline(tensor)} up to element ${end} of ${elements}`);
    this.#pending.set(tensor, { tensor, storage, offset, strides: [...strides] });
    return tensor;
  }

  /**
   * Gives every storage and tensor its elements: views of the bytes where they are in order, copies elsewhere.
   *
   * @param bytesOf The bytes of a storage that is no part of another.
   * @param fileBytes How long the file is: copies of what one storage holds may take little more.
   */
  fill(bytesOf: (key: unknown) => Bytes, fileBytes: number, isBigEndian = false): void {
    for (const [key, storage] of this.storages) fillStorage(storage, key, bytesOf, isBigEndian);
    let budget = fileBytes + SPARE_BYTES;
    for (const { tensor, storage, offset, strides } of this.#pending.values()) {
      const size = itemBytes(tensor.dtype);
      const count = sizeOf(tensor.shape);
      const isPlain = isContiguous(tensor.shape, strides);
      const swaps = isBigEndian && tensor.dtype !== storage.tensor.dtype; // those of the same type are swapped already
      if (!isPlain || swaps) budget -= count * size;
      if (budget < 0)
        fail(
          'tensors that are no plain views must not take much more memory than the file',
          `${outline(tensor)}, which repeats its elements`,
        );
      const bytes = isPlain
        ? partOf(storage.bytes, offset * size, (offset + count) * size)
        : gather(atHand(storage), tensor.dtype, offset, tensor.shape, strides);
      place(tensor, swaps ? byteSwapped(allOf(bytes), tensor.dtype) : bytes);
    }
  }

  #rebuild([storage, offset, shape, strides]: readonly unknown[], metadata?: unknown, dtype?: Dtype): TorchTensor {
    const known = this.#storageOf.get(storage as TorchTensor);
    if (!known) return fail('a tensor must be of a storage', show(storage));
    if (metadata instanceof Map && [...metadata.values()].some(Boolean))
      fail(
        'a tensor must hold its values',
        `one that is to be ${[...metadata.keys()].map(show).join(', ')}; resolve it before saving`,
      );
    return this.view(known, offset, shape, strides, dtype);
  }

  #tensor(value: unknown): TorchTensor {
    return this.isTensor(value) ? value : fail('a parameter must hold a tensor', show(value));
  }
}

/** PyTorch's names of types: `torch.float32`. Those that are smaller than a byte have none. */
export const TORCH_DTYPES: ReadonlyMap<Dtype, string> = /* @__PURE__ */ torchDtypes();

function torchDtypes(): Map<Dtype, string> {
  const names = (Object.keys(dtypes) as Dtype[]).filter((name) => dtypes[name].bits >= 8);
  return new Map<Dtype, string>(names.map((name) => [name, name]))
    .set('float8_e4m3', 'float8_e4m3fn')
    .set('float8_e8m0', 'float8_e8m0fnu');
}

/** The classes of storages by their types. Types that came later lie in storages of bytes. */
export const STORAGE_CLASSES: ReadonlyMap<Dtype, string> = /* @__PURE__ */ new Map([
  ['float64', 'torch.DoubleStorage'],
  ['float32', 'torch.FloatStorage'],
  ['float16', 'torch.HalfStorage'],
  ['bfloat16', 'torch.BFloat16Storage'],
  ['int64', 'torch.LongStorage'],
  ['int32', 'torch.IntStorage'],
  ['int16', 'torch.ShortStorage'],
  ['int8', 'torch.CharStorage'],
  ['uint8', 'torch.ByteStorage'],
  ['bool', 'torch.BoolStorage'],
  ['complex64', 'torch.ComplexFloatStorage'],
]);

const DTYPE_OF_STORAGE: ReadonlyMap<string, Dtype> = /* @__PURE__ */ dtypeOfStorage();

function dtypeOfStorage(): Map<string, Dtype> {
  const found = new Map<string, Dtype>();
  for (const [dtype, name] of STORAGE_CLASSES) found.set(name, dtype).set(name.replace('torch.', 'torch.cuda.'), dtype);
  return found.set('torch.storage.UntypedStorage', 'uint8').set('torch.storage._UntypedStorage', 'uint8');
}

/** What is named and not called: types, classes of storages, and what the oldest files say a tensor is, beside its storage. */
function* names(): Generator<string> {
  for (const name of TORCH_DTYPES.values()) yield `torch.${name}`;
  for (const name of DTYPE_OF_STORAGE.keys()) yield* [name, name.replace(/Storage$/, 'Tensor')];
}

/** What makes plain data. */
const DATA: readonly (readonly [string, (args: readonly unknown[]) => unknown])[] = [
  ['collections.OrderedDict', ([items = []]) => new Map(pairs(items))],
  [
    'collections.Counter',
    ([items = new Map()]) => (items instanceof Map ? items : fail('a Counter must count', show(items))),
  ],
  ['builtins.set', ([items = []]) => new Set(list(items))],
  [
    'builtins.bytearray',
    ([bytes = new Uint8Array()]) =>
      bytes instanceof Uint8Array ? bytes : fail('a bytearray must hold bytes', show(bytes)),
  ],
  [
    'builtins.complex',
    (args) =>
      Object.freeze(
        args.map((part) =>
          typeof part === 'number' ? part : fail('a complex number must have two parts', show(part)),
        ),
      ),
  ],
  ['_codecs.encode', ([text, encoding]) => encode(text, encoding)],
  ['torch.Size', ([sizes = []]) => Object.freeze([...list(sizes)])],
  ['torch.device', (args) => args.map(devicePart).join(':')],
];

function pairs(items: unknown): [unknown, unknown][] {
  return list(items).map((pair) => {
    const [key, value, ...rest] = list(pair);
    return value === undefined || rest.length > 0
      ? fail('a dictionary must be made of pairs', show(pair))
      : [key, value];
  });
}

const devicePart = (part: unknown): string | number =>
  typeof part === 'string' || typeof part === 'number'
    ? part
    : fail('a device must have a name and a number', show(part));

const list = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : fail('there must be a list', show(value));

/** Bytes, which old pickles write as text. */
function encode(text: unknown, encoding: unknown): Uint8Array {
  if (typeof text !== 'string' || encoding !== 'latin1') return fail('bytes must be written as latin1', show(encoding));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Of the elements of a storage, by its class. */
export const storageDtype = (type: unknown): Dtype =>
  DTYPE_OF_STORAGE.get((type as PickleGlobal | null)?.global ?? '') ??
  fail('a storage must be of a known type', show(type));

function dtypeNamed(value: unknown): Dtype {
  const { global } = (value ?? {}) as Partial<PickleGlobal>;
  const [dtype] = [...TORCH_DTYPES].find(([, name]) => global === `torch.${name}`) ?? [];
  return dtype ?? fail('a tensor must be of a known type', show(value));
}

function fillStorage(storage: Storage, key: unknown, bytesOf: (key: unknown) => Bytes, isBigEndian: boolean): void {
  const { tensor, root } = storage;
  const length = tensor.shape[0]! * itemBytes(tensor.dtype);
  if (root) {
    const start = root.offset * itemBytes(tensor.dtype);
    if (start + length > root.storage.bytes.length)
      fail(`storage ${show(key)} must lie within the one it is a part of`, 'more');
    storage.bytes = partOf(root.storage.bytes, start, start + length);
  } else {
    const bytes = bytesOf(key);
    if (bytes.length !== length) fail(`storage ${show(key)} must have ${length} bytes`, bytes.length);
    storage.bytes = isBigEndian ? byteSwapped(allOf(bytes), tensor.dtype) : bytes;
  }
  place(tensor, storage.bytes);
}

/** The bytes of a storage in memory, where elements of any type can be seen in them: read or copied once, however many tensors pick theirs from them. */
function atHand(storage: Storage): Uint8Array {
  const bytes = allOf(storage.bytes);
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
  storage.bytes = aligned;
  return aligned;
}

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

const isSizes = (value: unknown): value is readonly number[] =>
  isTuple(value) && value.length <= MAX_RANK && value.every(isSize);

const outline = ({ dtype, shape }: TorchTensor): string => `${dtype} [${shape}]`;

function show(value: unknown): string {
  if (Array.isArray(value))
    return `[${value
      .slice(0, 8)
      .map((item) => (typeof item === 'object' ? '…' : String(item)))
      .join(', ')}]`;
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 100));
  if (typeof value === 'object' && value !== null) return (value as Partial<PickleGlobal>).global ?? 'something else';
  return String(value).slice(0, 100);
}

function fail(must: string, got: unknown): never {
  throw new WeightsFileError(`readTorchCheckpoint: ${must}, got ${got}`);
}

const NO_DATA = /* @__PURE__ */ new Uint8Array(0) as HostArray as Uint8Array<ArrayBuffer>;
