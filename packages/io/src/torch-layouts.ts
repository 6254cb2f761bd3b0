import { ByteReader } from './byte-reader.ts';
import { allOf, type Bytes } from './bytes.ts';
import { itemBytes } from './dtype.ts';
import { isTuple, type PickleWorld, toInteger, unpickle } from './pickle.ts';
import { untar } from './tar.ts';
import { MAX_RANK, storageDtype, TorchObjects, type TorchTensor, type TorchValue } from './torch-objects.ts';
import { WeightsFileError } from './weights-file-error.ts';
import { readZip } from './zip.ts';

/** What a file holds, and which of it are tensors. */
export interface TorchFile {
  contents: TorchValue;
  isTensor(value: unknown): value is TorchTensor;
}

const WHERE = 'readTorchCheckpoint';

/**
 * The layout since PyTorch 1.6: a zip archive of one folder, with `data.pkl`, and each storage as a file `data/<key>`.
 */
export function readTorchZip(bytes: Bytes): TorchFile {
  const files = readZip(bytes, WHERE);
  const root = [...files.keys()][0]?.split('/')[0] ?? '';
  const stray = [...files.keys()].find((name) => !name.startsWith(`${root}/`));
  if (stray !== undefined)
    fail('the archive must have one folder', `${JSON.stringify(stray)} beside ${JSON.stringify(root)}`);
  if (files.has(`${root}/constants.pkl`))
    fail(
      'the file must hold weights',
      'a TorchScript program; save its state dict: torch.save(torch.jit.load(path).state_dict(), other)',
    );
  const record = (name: string): Bytes => {
    const file = files.get(`${root}/${name}`) ?? lacks(name, files.keys());
    return file.isStored
      ? file.bytes
      : fail(`${name} must be stored as it is`, 'compressed; unzip and zip it again with -0');
  };
  const objects = new TorchObjects();
  const persistent = (id: unknown): TorchTensor => {
    const [type, key, , count] = storageId(id, 5);
    return objects.storage(storageDtype(type), key, count);
  };
  const contents = unpickle(
    new ByteReader(allOf(record('data.pkl')), `${WHERE}: data.pkl`),
    worldOf(objects, persistent),
  );
  const isBigEndian = files.has(`${root}/byteorder`) && byteOrder(record('byteorder')) === 'big';
  objects.fill((key) => record(`data/${key}`), bytes.length, isBigEndian);
  return { contents: contents as TorchValue, isTensor: objects.isTensor };
}

function byteOrder(record: Bytes): string {
  const order = new TextDecoder().decode(record.subarray(0, Math.min(20, record.length)));
  return order === 'little' || order === 'big' ? order : fail('byteorder must be little or big', JSON.stringify(order));
}

const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;

/**
 * The layout before 1.6: five pickles (magic number, protocol, system, contents, keys of storages), then for each storage its number of
 * elements and its bytes. They are little-endian, whatever is said of the system: PyTorch swaps them when it writes.
 */
export function readTorchStream(bytes: Bytes): TorchFile {
  const reader = new ByteReader(bytes, WHERE);
  const objects = new TorchObjects();
  const persistent = (id: unknown): TorchTensor => {
    const [type, key, , count, part] = storageId(id, 6);
    const dtype = storageDtype(type);
    const whole = objects.storage(dtype, key, count);
    if (part === null) return whole;
    const [partKey, offset, partCount] = triple(part); // a storage within a storage, as there were once
    return objects.storage(dtype, partKey, partCount, { storage: objects.storageAt(key), offset });
  };
  const world = worldOf(objects, persistent);
  const magic = unpickle(reader, world);
  if (magic !== MAGIC) fail('the file must begin with the magic number of torch.save', 'a pickle of something else');
  const protocol = unpickle(reader, world);
  if (protocol !== PROTOCOL) fail(`the protocol must be ${PROTOCOL}`, protocol);
  unpickle(reader, world); // sizes of C's types
  const contents = unpickle(reader, world);
  const keys = unpickle(reader, world);
  if (!Array.isArray(keys)) return fail('the contents must be followed by the keys of storages', 'something else');
  const data = new Map<unknown, Bytes>();
  for (const key of keys) {
    const { dtype, shape } = objects.storageAt(key).tensor;
    const count = reader.size();
    if (count !== shape[0]) reader.fail(`a storage of ${shape[0]} elements`, count);
    data.set(key, reader.skip(count * itemBytes(dtype)));
  }
  if (reader.left > 0) fail('the file must end behind its storages', `${reader.left} more bytes`);
  objects.fill(
    (key) => data.get(key) ?? fail('every storage must be in the file', `none for ${String(key)}`),
    bytes.length,
  );
  return { contents: contents as TorchValue, isTensor: objects.isTensor };
}

/** The oldest layout: a tar archive of `storages`, `tensors`, and the `pickle` that refers to them by number. */
export function readTorchTar(bytes: Bytes): TorchFile {
  const files = untar(bytes, WHERE);
  const open = (name: string): ByteReader =>
    new ByteReader(files.get(name) ?? lacks(name, files.keys()), `${WHERE}: ${name}`);
  const objects = new TorchObjects();
  const plain = worldOf(objects, () => fail('tensors must be described plainly', 'one within another'));
  const data = new Map<unknown, Bytes>();

  const storages = open('storages');
  for (const _ of counted(storages, plain)) {
    const [key, , type] = triple(unpickle(storages, plain)); // the second is where it was: 'cpu', 'cuda:0'
    const count = storages.size();
    const { dtype } = objects.storage(storageDtype(type), key, count);
    data.set(key, storages.skip(count * itemBytes(dtype)));
  }
  const parts = unpickle(storages, plain);
  if (!Array.isArray(parts)) fail('the storages must be followed by their parts', 'something else');
  for (const part of parts as unknown[]) {
    const [key, rootKey, offset, count] = isTuple(part) ? part : [];
    const storage = objects.storageAt(rootKey);
    objects.storage(storage.tensor.dtype, key, count, { storage, offset });
  }

  const tensors = open('tensors');
  const byKey = new Map<unknown, TorchTensor>();
  for (const _ of counted(tensors, plain)) {
    const [key, storageKey] = triple(unpickle(tensors, plain)); // the third is its class
    const rank = tensors.uint32();
    tensors.take(4); // once it was a number of 8 bytes
    if (rank > MAX_RANK) tensors.fail(`a tensor of at most ${MAX_RANK} dimensions`, rank);
    const [shape, strides] = [0, 1].map(() => Object.freeze(Array.from({ length: rank }, () => tensors.size())));
    byKey.set(key, objects.view(objects.storageAt(storageKey), tensors.size(), shape, strides));
  }

  const referred = (id: unknown): TorchTensor => {
    const key = typeof id === 'string' && /^\d{1,20}$/.test(id) ? toInteger(BigInt(id)) : id;
    return byKey.get(key) ?? objects.storageAt(key).tensor;
  };
  const contents = unpickle(open('pickle'), worldOf(objects, referred));
  objects.fill((key) => data.get(key)!, bytes.length);
  return { contents: contents as TorchValue, isTensor: objects.isTensor };
}

/** Goes as often as a pickle at the beginning says. */
function* counted(reader: ByteReader, world: PickleWorld): Generator<number> {
  const count = unpickle(reader, world);
  if (typeof count !== 'number') return reader.fail('a number of items', 'something else');
  for (let i = 0; i < count; i++) yield i; // each takes bytes: too many end in an error
}

const worldOf = ({ globals, takesState }: TorchObjects, persistent: PickleWorld['persistent']): PickleWorld => ({
  globals,
  takesState,
  persistent,
});

/** What a pickle says of a storage: `('storage', type, key, location, count, …)`. */
function storageId(id: unknown, length: number): readonly unknown[] {
  return isTuple(id) && id.length === length && id[0] === 'storage'
    ? id.slice(1)
    : fail(`a reference must be to a storage, with ${length - 1} properties`, 'another one');
}

const triple = (value: unknown): readonly unknown[] =>
  isTuple(value) && value.length === 3 ? value : fail('an item must be described by three values', 'something else');

const lacks = (name: string, names: Iterable<string>): never =>
  fail(`the archive must hold ${name}`, `only ${[...names].slice(0, 8).join(', ')}`);

function fail(must: string, got: unknown): never {
  throw new WeightsFileError(`${WHERE}: ${must}, got ${got}`);
}
