/** A file in an archive. */
export interface TarEntry {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Where a file lies in an archive. */
export interface TarPlace {
  readonly name: string;
  readonly offset: number;
  readonly length: number;
}

const BLOCK = 512;

/**
 * The plain files of a tar archive, one at a time as they stream in.
 *
 * @param wanted Files that are not are passed over without being held.
 * @throws {SyntaxError} if a header is damaged, or the archive ends within a file.
 * The ustar format, and pax's longer names: https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html
 */
export async function* untar(
  stream: ReadableStream<Uint8Array>,
  wanted: (name: string) => boolean,
): AsyncGenerator<TarEntry> {
  const read = reader(stream);
  const named = namer();
  for (;;) {
    const header = parseHeader(await read(BLOCK));
    if (!header) return;
    if (isNaming(header)) named.learn(header, (await read(padded(header))).subarray(0, header.size));
    else {
      const name = named.name(header);
      if (isFile(header) && wanted(name)) yield { name, bytes: (await read(padded(header))).subarray(0, header.size) };
      else await read(padded(header), false);
    }
  }
}

/**
 * Where the plain files of a tar archive lie, found by reading headers alone.
 *
 * @param read Gives bytes of the archive, fewer at its end.
 * @throws {SyntaxError} if a header is damaged, or the archive ends within a file.
 */
export async function* indexTar(
  read: (offset: number, length: number) => Promise<Uint8Array>,
  sizeBytes: number,
): AsyncGenerator<TarPlace> {
  const named = namer();
  for (let at = 0; at < sizeBytes; ) {
    const header = parseHeader(await read(at, BLOCK));
    if (!header) return;
    const offset = at + BLOCK;
    at = offset + padded(header);
    if (at > sizeBytes) throw cutOff(at - sizeBytes);
    if (isNaming(header)) named.learn(header, await read(offset, header.size));
    else {
      const name = named.name(header);
      if (isFile(header)) yield { name, offset, length: header.size };
    }
  }
}

const cutOff = (missing: number): SyntaxError =>
  new SyntaxError(`tar: the archive must not end here, ${missing} bytes are missing`);

interface TarHeader {
  name: string;
  size: number;
  type: string;
}

const padded = ({ size }: TarHeader): number => Math.ceil(size / BLOCK) * BLOCK;
const isFile = ({ type }: TarHeader): boolean => type === '0' || type === '\0'; // as before POSIX
/** Whether it tells of the next entry, or of all: pax's x and g, GNU's L and K. */
const isNaming = ({ type }: TarHeader): boolean => 'xgLK'.includes(type);

/** @returns Nothing for a block of zeros, which marks the end. */
function parseHeader(block: Uint8Array): TarHeader | undefined {
  if (block.length < BLOCK) throw cutOff(BLOCK - block.length);
  if (block.every((byte) => byte === 0)) return undefined;
  checkHeader(block);
  const hasPrefix = text(block, 257, 5) === 'ustar' && block[262] === 0; // GNU has times there
  const name = [hasPrefix ? text(block, 345, 155) : '', text(block, 0, 100)].filter(Boolean).join('/');
  return { name, size: octal(block, 124, 12), type: String.fromCharCode(block[156]!) };
}

/** What entries are called whose names don't fit into their headers. */
function namer() {
  let next: string | undefined;
  const learn = ({ type }: TarHeader, bytes: Uint8Array): void => {
    const said = new TextDecoder().decode(bytes);
    if (type === 'L') next = said.replace(/\0.*$/s, '');
    else if (type === 'x') next = /(?:^|\n)\d+ path=([^\n]*)\n/.exec(said)?.[1] ?? next;
  };
  const name = (header: TarHeader): string => {
    const given = next ?? header.name;
    next = undefined;
    return given;
  };
  return { learn, name };
}

/** A function that gives the next bytes of a stream, so many of them, or (not `kept`) passes over them. */
function reader(stream: ReadableStream<Uint8Array>): (size: number, kept?: boolean) => Promise<Uint8Array> {
  const chunks = stream.getReader();
  let rest: Uint8Array = new Uint8Array(0);
  return async (size, kept = true) => {
    const result = new Uint8Array(kept ? size : 0);
    for (let filled = 0; filled < size; ) {
      if (rest.length === 0) {
        const { done, value } = await chunks.read();
        if (done) throw cutOff(size - filled);
        rest = value;
      }
      const taken = rest.subarray(0, size - filled);
      if (kept) result.set(taken, filled);
      filled += taken.length;
      rest = rest.subarray(taken.length);
    }
    return result;
  };
}

/** The sum of the header's bytes, its own field taken as spaces. */
function checkHeader(header: Uint8Array): void {
  const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 0x20 : byte), 0);
  if (sum !== octal(header, 148, 8))
    throw new SyntaxError('tar: the checksum of a header does not fit; is this a tar archive?');
}

const text = (header: Uint8Array, start: number, length: number): string =>
  new TextDecoder().decode(header.subarray(start, start + length)).replace(/\0.*$/s, '');

/** A number in octal digits; in a field that begins with the highest bit, in bytes, as GNU writes sizes over 8 GiB. */
function octal(header: Uint8Array, start: number, length: number): number {
  if (header[start]! < 0x80) return Number.parseInt(text(header, start, length).trim() || '0', 8);
  return header.subarray(start + 1, start + length).reduce((value, byte) => 256 * value + byte, 0);
}
