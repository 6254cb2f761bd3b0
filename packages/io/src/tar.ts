import { type Bytes, partOf } from './bytes.ts';
import { WeightsFileError } from './weights-file-error.ts';

const BLOCK = 512;

/**
 * The plain files of a tar archive, as parts of it.
 *
 * @param where Begins the errors.
 * @throws {WeightsFileError} if a header is damaged, a name occurs twice, or the archive ends within a file.
 * The ustar format: https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html
 */
export function untar(bytes: Bytes, where: string): Map<string, Bytes> {
  const files = new Map<string, Bytes>();
  for (let at = 0; at + BLOCK <= bytes.length; ) {
    const header = bytes.subarray(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) break; // the end is marked by blocks of zeros
    const size = octal(header, 124, 12);
    const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 0x20 : byte), 0);
    if (sum !== octal(header, 148, 8)) fail(where, 'headers with the right checksum', `another one at byte ${at}`);
    const name = text(header, 0, 100);
    const start = at + BLOCK;
    if (!(start + size <= bytes.length)) fail(where, `${size} bytes of ${JSON.stringify(name)}`, bytes.length - start);
    const isFile = header[156] === 0 || header[156] === 0x30; // type '0', or as before POSIX
    if (isFile && files.has(name)) fail(where, 'each name once', JSON.stringify(name));
    if (isFile) files.set(name, partOf(bytes, start, start + size));
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}

/** Whether the first header is one of a tar archive. */
export const isTar = (bytes: Bytes): boolean => bytes.length > BLOCK && text(bytes, 257, 5) === 'ustar';

const text = (header: Bytes, start: number, length: number): string =>
  new TextDecoder().decode(header.subarray(start, start + length)).replace(/\0.*$/s, '');

const octal = (header: Uint8Array, start: number, length: number): number =>
  Number.parseInt(text(header, start, length).trim() || '0', 8);

function fail(where: string, must: string, got: unknown): never {
  throw new WeightsFileError(`${where}: the tar archive must have ${must}, got ${got}; the file is cut off or damaged`);
}
