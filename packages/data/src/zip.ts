import { type Archive, archiveSize, readRange, streamOf } from './archive.ts';

/** A file in a ZIP archive. */
export interface ZipEntry {
  readonly path: string;
  /** Of what is in it, unpacked. */
  readonly length: number;
  readonly method: number;
  readonly packedLength: number;
  readonly headerAt: number;
}

const STORED = 0;
const DEFLATED = 8;
const LAST_RECORD = 0x06054b50;
const ENTRY = 0x02014b50;
const HEADER = 0x04034b50;

/**
 * The files in a ZIP archive, by the directory at its end.
 *
 * @throws {SyntaxError} if it is none, or one of those that need ZIP64 (over 4 GiB) or a password.
 * https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
export async function entriesOfZip(archive: Archive, name: string): Promise<ZipEntry[]> {
  const size = await archiveSize(archive);
  const tailAt = Math.max(0, size - 22 - 0xffff); // the record, and the longest comment
  const tail = viewOf(await readRange(archive, tailAt, size - tailAt));
  let at = tail.byteLength - 22;
  while (at >= 0 && tail.getUint32(at, true) !== LAST_RECORD) at--;
  if (at < 0) throw new SyntaxError(`${name}: must be a ZIP archive, got one without a directory; is it complete?`);
  const [count, length, start] = [
    tail.getUint16(at + 10, true),
    tail.getUint32(at + 12, true),
    tail.getUint32(at + 16, true),
  ];
  if (count === 0xffff || start === 0xffffffff)
    throw new SyntaxError(`${name}: must be a ZIP archive under 4 GiB, got ZIP64`);
  const directory = viewOf(await readRange(archive, start, length));
  const entries: ZipEntry[] = [];
  for (let entryAt = 0, i = 0; i < count; i++) {
    if (entryAt + 46 > directory.byteLength || directory.getUint32(entryAt, true) !== ENTRY)
      throw new SyntaxError(`${name}: entry ${i} of its directory must be whole, got something else; is it damaged?`);
    const nameLength = directory.getUint16(entryAt + 28, true);
    const path = new TextDecoder().decode(
      new Uint8Array(directory.buffer, directory.byteOffset + entryAt + 46, nameLength),
    );
    const method = directory.getUint16(entryAt + 10, true);
    const isSealed = (directory.getUint16(entryAt + 8, true) & 1) === 1;
    if (isSealed || (method !== STORED && method !== DEFLATED))
      throw new SyntaxError(
        `${name}: ${path} must be stored or deflated, got ${isSealed ? 'a password' : `method ${method}`}`,
      );
    if (!path.endsWith('/'))
      entries.push({
        path,
        method,
        packedLength: directory.getUint32(entryAt + 20, true),
        length: directory.getUint32(entryAt + 24, true),
        headerAt: directory.getUint32(entryAt + 42, true),
      });
    entryAt += 46 + nameLength + directory.getUint16(entryAt + 30, true) + directory.getUint16(entryAt + 32, true);
  }
  return entries;
}

/** What is in an entry. @throws {SyntaxError} if it is not there, or not as long as the directory says. */
export async function* unzip(
  archive: Archive,
  { path, method, packedLength, length, headerAt }: ZipEntry,
): AsyncGenerator<Uint8Array> {
  const header = viewOf(await readRange(archive, headerAt, 30));
  if (header.byteLength < 30 || header.getUint32(0, true) !== HEADER)
    throw new SyntaxError(`zip: ${path} must be where the directory says, got something else; is the archive damaged?`);
  const start = headerAt + 30 + header.getUint16(26, true) + header.getUint16(28, true);
  const packed = streamOf(pieces(archive, start, packedLength));
  const stream = method === STORED ? packed : packed.pipeThrough(new DecompressionStream('deflate-raw') as Transform);
  let got = 0;
  for await (const chunk of stream) {
    got += chunk.length;
    yield chunk;
  }
  if (got !== length) throw new SyntaxError(`zip: ${path} must have ${length} bytes, got ${got}`);
}

type Transform = ReadableWritablePair<Uint8Array, Uint8Array>;

const PIECE = 2 ** 20;

/** A part of a file, piece by piece. */
async function* pieces(archive: Archive, start: number, length: number): AsyncGenerator<Uint8Array> {
  for (let done = 0; done < length; ) {
    const piece = await readRange(archive, start + done, Math.min(PIECE, length - done));
    if (piece.length === 0) return; // the archive ends
    done += piece.length;
    yield piece;
  }
}

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength);
