import { allOf, type Bytes, Lookup, partOf } from './bytes.ts';
import { WeightsFileError } from './weights-file-error.ts';

/** A file in an archive. */
export interface ZipEntry {
  readonly name: string;
  /** As they lie in the archive. */
  readonly bytes: Bytes;
  /** How many bytes it has unpacked. */
  readonly size: number;
  readonly isStored: boolean;
}

const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const LARGE = 0xffffffff;
const MAX_FILES = 200_000; // each takes more memory here than there

/**
 * The files of a zip archive, as parts of it.
 *
 * Strict, as every other reader of the file must see the same: the headers before the files say what the directory at the end says, nothing
 * overlaps, and no name occurs twice. The checksums are not compared: PyTorch doesn't, and can be told not to write them.
 *
 * @param where Begins the errors.
 * @throws {WeightsFileError} if it is anything but a whole archive in one part without encryption.
 * The format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
export function readZip(bytes: Bytes, where: string): Map<string, ZipEntry> {
  const archive = new Archive(bytes, where);
  const entries = new Map<string, ZipEntry>();
  let end = 0; // of the file before
  for (const record of archive.directory().sort((a, b) => a.header - b.header)) {
    if (entries.has(record.name)) archive.fail('each name once', JSON.stringify(record.name));
    const start = archive.dataStart(record);
    if (record.header < end)
      archive.fail('files beside one another', `${JSON.stringify(record.name)} over another one`);
    end = start + record.packed;
    const { name, size, method } = record;
    entries.set(name, { name, size, isStored: method === 0, bytes: partOf(bytes, start, end) });
  }
  if (end > archive.directoryStart) archive.fail('its directory behind its files', 'a file that reaches into it');
  return entries;
}

/** What a header says of a file. */
interface Record {
  name: string;
  flags: number;
  method: number;
  crc: number;
  packed: number;
  size: number;
  /** Where its local header is. */
  header: number;
}

class Archive {
  directoryStart = 0;
  readonly #bytes: Bytes;
  readonly #lookup: Lookup;
  readonly #where: string;

  constructor(bytes: Bytes, where: string) {
    this.#bytes = bytes;
    this.#lookup = new Lookup(bytes);
    this.#where = where;
  }

  directory(): Record[] {
    const end = this.#findEnd();
    const { count, size, start } = this.#extent(end);
    this.directoryStart = start;
    if (count > MAX_FILES) this.fail(`at most ${MAX_FILES} files`, count);
    if (start + size > end) this.fail('a directory before its end', `one up to byte ${start + size}`);
    const records: Record[] = [];
    let at = start;
    while (at < start + size && records.length < count) {
      if (this.#uint32(at) !== CENTRAL) this.fail('a directory of files', `something else at byte ${at}`);
      const [nameLength, extraLength, commentLength] = [28, 30, 32].map((offset) => this.#uint16(at + offset));
      const extraAt = at + 46 + nameLength!;
      const record = this.#record(
        at + 4,
        extraAt,
        extraLength!,
        this.#text(at + 46, nameLength!),
        this.#uint32(at + 42),
      );
      records.push(record);
      at = extraAt + extraLength! + commentLength!;
    }
    if (records.length !== count || at !== start + size) this.fail(`${count} files in its directory`, records.length);
    return records;
  }

  /** Where the bytes of a file begin; its local header must say what the directory says. */
  dataStart(record: Record): number {
    const at = record.header;
    if (this.#uint32(at) !== LOCAL)
      this.fail(`${JSON.stringify(record.name)} where its directory says`, 'something else');
    const [nameLength, extraLength] = [26, 28].map((offset) => this.#uint16(at + offset)) as [number, number];
    const local = this.#record(at + 2, at + 30 + nameLength, extraLength, this.#text(at + 30, nameLength));
    const unsaid = (local.flags & 8) !== 0 && local.packed === 0 && local.size === 0; // told behind the file instead
    const agrees = local.packed === record.packed && local.size === record.size && local.crc === record.crc;
    if (
      local.name !== record.name ||
      local.method !== record.method ||
      local.flags !== record.flags ||
      !(unsaid || agrees)
    )
      this.fail('headers that say the same', `two accounts of ${JSON.stringify(record.name)}`);
    const start = at + 30 + nameLength + extraLength;
    if (start + record.packed > this.#bytes.length) this.fail(`all of ${JSON.stringify(record.name)}`, 'a part');
    return start;
  }

  fail(must: string, got: unknown): never {
    throw new WeightsFileError(
      `${this.#where}: the zip archive must have ${must}, got ${got}; the file is cut off or damaged`,
    );
  }

  /** @param at Where the fields are that both kinds of headers have. */
  #record(at: number, extraAt: number, extraLength: number, name: string, header = 0): Record {
    const [flags, method] = [this.#uint16(at + 4), this.#uint16(at + 6)];
    const [crc, packed, size] = [12, 16, 20].map((offset) => this.#uint32(at + offset)) as [number, number, number];
    if (flags & 0x2041) this.fail('no encryption', JSON.stringify(name));
    if (method !== 0 && method !== 8) this.fail('files that are stored or deflated', `method ${method}`);
    if (![size, packed, header].includes(LARGE))
      return this.#checked({ name, flags, method, crc, packed, size, header });
    const large = this.#largeSizes(extraAt, extraLength);
    const next = (value: number): number =>
      value === LARGE ? (large.shift() ?? this.fail('its large sizes', 'none')) : value;
    const [realSize, realPacked, realHeader] = [next(size), next(packed), next(header)]; // in this order
    return this.#checked({ name, flags, method, crc, packed: realPacked, size: realSize, header: realHeader });
  }

  #checked(record: Record): Record {
    if (record.method === 0 && record.packed !== record.size)
      this.fail('stored files as long as they are', record.packed);
    return record;
  }

  /** The 64-bit numbers of an extra field. */
  #largeSizes(at: number, length: number): number[] {
    for (let next = at; next + 4 <= at + length; ) {
      const [id, size] = [this.#uint16(next), this.#uint16(next + 2)];
      if (id === 1 && next + 4 + size <= at + length)
        return Array.from({ length: Math.min(3, Math.floor(size / 8)) }, (_, i) => this.#uint64(next + 4 + 8 * i));
      next += 4 + size;
    }
    return [];
  }

  #findEnd(): number {
    for (let at = this.#bytes.length - 22; at >= Math.max(0, this.#bytes.length - 22 - 0xffff); at--)
      if (this.#uint32(at) === END && at + 22 + this.#uint16(at + 20) === this.#bytes.length) return at;
    return this.fail('an end', 'none');
  }

  /** Where the directory is, and how many files it has. */
  #extent(end: number): { count: number; size: number; start: number } {
    const count = this.#uint16(end + 10);
    const [size, start] = [this.#uint32(end + 12), this.#uint32(end + 16)];
    const isLarge = end >= 20 && this.#uint32(end - 20) === LOCATOR_64;
    if (!isLarge) return { count, size, start };
    const at = this.#uint64(end - 12);
    if (this.#uint32(at) !== END_64) this.fail('an end where it says', 'something else');
    const large = { count: this.#uint64(at + 32), size: this.#uint64(at + 40), start: this.#uint64(at + 48) };
    const agrees = [
      [count, large.count, 0xffff],
      [size, large.size, LARGE],
      [start, large.start, LARGE],
    ].every(([small, value, none]) => small === none || small === value);
    return agrees ? large : this.fail('ends that say the same', 'two accounts');
  }

  #text(at: number, length: number): string {
    this.#check(at, length);
    return new TextDecoder().decode(this.#lookup.bytes(at, length));
  }

  #uint16(at: number): number {
    return this.#lookup.uint16(this.#check(at, 2));
  }

  #uint32(at: number): number {
    return this.#lookup.uint32(this.#check(at, 4));
  }

  #uint64(at: number): number {
    const value = this.#lookup.uint64(this.#check(at, 8));
    return value <= Number.MAX_SAFE_INTEGER ? Number(value) : this.fail('sizes of a file', value);
  }

  #check(at: number, length: number): number {
    return at + length <= this.#bytes.length ? at : this.fail(`something at byte ${at}`, 'its end');
  }
}

/** The bytes of a file, unpacked. @throws {WeightsFileError} if they are not as many as the archive says. */
export async function unpack({ name, bytes, size, isStored }: ZipEntry, where: string): Promise<Bytes> {
  if (isStored) return bytes;
  const fail = (got: string): never => {
    throw new WeightsFileError(
      `${where}: ${JSON.stringify(name)} must unpack to ${size} bytes, got ${got}; the file is damaged`,
    );
  };
  if (size > MAX_RATIO * bytes.length + 1024) fail(`${bytes.length} bytes that can't`);
  const result = new Uint8Array(size);
  let filled = 0;
  const stream = new Blob([allOf(bytes) as BlobPart]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  try {
    for await (const chunk of stream as unknown as AsyncIterable<Uint8Array>) {
      if (filled + chunk.length > size) fail('more');
      result.set(chunk, filled);
      filled += chunk.length;
    }
  } catch (error) {
    if (error instanceof WeightsFileError) throw error;
    fail('something else');
  }
  return filled === size ? result : fail(`${filled}`);
}

/** Of deflate: https://www.zlib.net/zlib_tech.html */
const MAX_RATIO = 1032;

/**
 * A zip archive of files that are stored as they are.
 *
 * @param alignment Each file begins at a multiple of it.
 * @throws {RangeError} beyond 4 GiB.
 */
export function writeZip(files: ReadonlyMap<string, Uint8Array>, alignment: number): Uint8Array<ArrayBuffer> {
  let length = 0;
  const placed = [...files].map(([name, bytes]) => {
    const header = length;
    const nameBytes = new TextEncoder().encode(name);
    const padding = paddingAfter(header + 30 + nameBytes.length, alignment);
    const start = header + 30 + nameBytes.length + padding;
    length = start + bytes.length;
    return { nameBytes, bytes, header, padding, start, crc: crc32(bytes) };
  });
  const directoryStart = length;
  length += placed.reduce((sum, { nameBytes }) => sum + 46 + nameBytes.length, 22);
  if (length >= LARGE || placed.length >= 0xffff)
    throw new RangeError(
      `writeZip: an archive must be below 4 GiB and 65,535 files, got ${length} bytes in ${placed.length} files`,
    );
  const result = new Uint8Array(length);
  const view = new DataView(result.buffer);
  let at = directoryStart;
  for (const { nameBytes, bytes, header, padding, start, crc } of placed) {
    const fields = [20, UTF8, 0, 0, NEW_YEAR_1980, crc, bytes.length, bytes.length, nameBytes.length];
    put(view, header, [LOCAL, ...fields, padding], LOCAL_WIDTHS);
    result.set(nameBytes, header + 30);
    if (padding > 0) put(view, header + 30 + nameBytes.length, [PADDING, padding - 4], [2, 2]);
    result.set(bytes, start);
    put(view, at, [CENTRAL, 20, ...fields, 0, 0, 0, 0, 0, header], CENTRAL_WIDTHS);
    result.set(nameBytes, at + 46);
    at += 46 + nameBytes.length;
  }
  put(view, at, [END, 0, 0, placed.length, placed.length, at - directoryStart, directoryStart, 0], END_WIDTHS);
  return result;
}

const UTF8 = 1 << 11;
const NEW_YEAR_1980 = 0x21; // the earliest date that there is: the same files give the same archive
const PADDING = 0x4246; // the extra field by which PyTorch aligns files
const LOCAL_WIDTHS = [4, 2, 2, 2, 2, 2, 4, 4, 4, 2, 2];
const CENTRAL_WIDTHS = [4, 2, 2, 2, 2, 2, 2, 4, 4, 4, 2, 2, 2, 2, 2, 4, 4];
const END_WIDTHS = [4, 2, 2, 2, 2, 4, 4, 2];

/** How many bytes of an extra field, which has a header of 4 bytes, come before the next multiple. */
function paddingAfter(at: number, alignment: number): number {
  const missing = (alignment - (at % alignment)) % alignment;
  return missing === 0 || missing >= 4 ? missing : missing + alignment;
}

function put(view: DataView, start: number, values: readonly number[], widths: readonly number[]): void {
  let at = start;
  for (const [i, value] of values.entries()) {
    if (widths[i] === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += widths[i]!;
  }
}

/** CRC-32, eight bytes at a time: M. Kounavis, F. Berry 2005, https://doi.org/10.1109/ISCC.2005.18 */
export function crc32(bytes: Uint8Array): number {
  let crc = -1;
  let i = 0;
  for (; i + 8 <= bytes.length; i += 8) {
    const low = crc ^ (bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
    crc =
      TABLE[0x700 | (low & 255)]! ^
      TABLE[0x600 | ((low >>> 8) & 255)]! ^
      TABLE[0x500 | ((low >>> 16) & 255)]! ^
      TABLE[0x400 | (low >>> 24)]! ^
      TABLE[0x300 | bytes[i + 4]!]! ^
      TABLE[0x200 | bytes[i + 5]!]! ^
      TABLE[0x100 | bytes[i + 6]!]! ^
      TABLE[bytes[i + 7]!]!;
  }
  for (; i < bytes.length; i++) crc = (crc >>> 8) ^ TABLE[(crc ^ bytes[i]!) & 255]!;
  return ~crc >>> 0;
}

/** Row k: what a byte does to the checksum when k more bytes follow. */
const TABLE = /* @__PURE__ */ makeTable();

function makeTable(): Int32Array {
  const table = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    table[byte] = crc;
  }
  for (let i = 256; i < table.length; i++) table[i] = (table[i - 256]! >>> 8) ^ table[table[i - 256]! & 255]!;
  return table;
}
