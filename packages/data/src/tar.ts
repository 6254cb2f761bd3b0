/** A file in an archive. */
export interface TarEntry {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const BLOCK = 512;

/**
 * The plain files of a tar archive, one at a time as they stream in.
 *
 * @param wanted Files that are not are passed over without being held.
 * @throws {SyntaxError} if a header is damaged, or the archive ends within a file.
 * The ustar format: https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html
 */
export async function* untar(
  stream: ReadableStream<Uint8Array>,
  wanted: (name: string) => boolean,
): AsyncGenerator<TarEntry> {
  const read = reader(stream);
  for (;;) {
    const header = await read(BLOCK);
    if (header.every((byte) => byte === 0)) return; // the end is marked by blocks of zeros
    checkHeader(header);
    const name = [text(header, 345, 155), text(header, 0, 100)].filter(Boolean).join('/');
    const size = octal(header, 124, 12);
    const isFile = header[156] === 0 || header[156] === 0x30; // type '0', or as before POSIX
    const padded = Math.ceil(size / BLOCK) * BLOCK;
    if (isFile && wanted(name)) yield { name, bytes: (await read(padded)).subarray(0, size) };
    else await read(padded, false);
  }
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
        if (done) throw new SyntaxError(`tar: the archive must not end here, ${size - filled} bytes are missing`);
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

const octal = (header: Uint8Array, start: number, length: number): number =>
  Number.parseInt(text(header, start, length).trim() || '0', 8);
