import { type Bytes, Lookup, partOf } from './bytes.ts';
import { WeightsFileError } from './weights-file-error.ts';

/** Reads bytes one after the other; what would go beyond the end is an error. Numbers are little-endian. */
export class ByteReader {
  /** What is read. */
  readonly bytes: Bytes;
  /** What errors call it. */
  readonly where: string;
  /** How many bytes have been read. */
  at = 0;
  readonly #lookup: Lookup;

  constructor(bytes: Bytes, where: string) {
    this.bytes = bytes;
    this.where = where;
    this.#lookup = new Lookup(bytes);
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  /** The next bytes, as a view. */
  take(count: number): Uint8Array {
    const start = this.#advance(count);
    return this.#lookup.bytes(start, count);
  }

  /** The next bytes, to be read later. */
  skip(count: number): Bytes {
    const start = this.#advance(count);
    return partOf(this.bytes, start, this.at);
  }

  uint8 = (): number => this.#lookup.uint8(this.#advance(1));
  uint16 = (): number => this.#lookup.uint16(this.#advance(2));
  uint32 = (): number => this.#lookup.uint32(this.#advance(4));
  int32 = (): number => this.#lookup.int32(this.#advance(4));
  float64BigEndian = (): number => this.#lookup.float64BigEndian(this.#advance(8));

  /** A 64-bit integer that must be a size. */
  size(): number {
    const value = this.#lookup.int64(this.#advance(8));
    if (value >= 0n && value <= Number.MAX_SAFE_INTEGER) return Number(value);
    return this.fail('a size in [0, 2^53)', value);
  }

  /** The text before the next newline, of at most so many bytes. */
  line(limit = 1000): string {
    const end = this.#lookup.bytes(this.at, Math.min(limit, this.left)).indexOf(0x0a);
    if (end < 0) return this.fail(`a line of at most ${limit} bytes`, 'none');
    return this.text(end + 1).slice(0, -1);
  }

  /** The next bytes as UTF-8. */
  text(count: number): string {
    const bytes = this.take(count);
    try {
      return utf8.decode(bytes);
    } catch {
      return this.fail('UTF-8', 'other bytes');
    }
  }

  /** @throws {WeightsFileError} saying where. */
  fail(must: string, got: unknown): never {
    throw new WeightsFileError(`${this.where}: there must be ${must} before byte ${this.at}, got ${got}`);
  }

  /** Goes on by so many bytes; returns where they begin. */
  #advance(count: number): number {
    if (count > this.left)
      throw new WeightsFileError(
        `${this.where}: ${count} bytes must follow byte ${this.at}, got ${this.left}; the file is cut off or damaged`,
      );
    this.at += count;
    return this.at - count;
  }
}

const utf8 = /* @__PURE__ */ new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
