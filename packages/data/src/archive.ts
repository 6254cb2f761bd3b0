import { sizeOf } from '#files';
import type { FileSource, ImageFile } from './file-tree.ts';
import { bytesOf, type FilePart } from './recipe.ts';
import { indexTar } from './tar.ts';

/** A file that can be read in parts. */
export type Archive = string | Blob | FilePart;

/** The last name of a path. */
export const baseName = (path: string): string =>
  path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);

/** What an archive is called, in errors and by the names of splits. */
export const archiveName = (file: Archive): string =>
  typeof file === 'string' ? file : 'path' in file ? file.path : 'name' in file ? String(file.name) : 'a Blob';

/** The bytes of a part of a file: all of it, or fewer at its end. */
export const readRange = async (file: Archive, offset: number, length: number): Promise<Uint8Array> =>
  length === 0 ? new Uint8Array(0) : bytesOf(partOf(file, offset, length), { maxBytes: Number.POSITIVE_INFINITY });

/** The size of a file, in bytes. */
export async function archiveSize(file: Archive): Promise<number> {
  if (typeof file === 'string') return sizeOf(file);
  return file instanceof Blob ? file.size : file.length;
}

/** A part of a file, as a file of its own. */
export function partOf(file: Archive, offset: number, length: number): Exclude<FileSource, string | Uint8Array> {
  if (file instanceof Blob) return file.slice(offset, offset + length);
  if (typeof file === 'string') return { path: file, offset, length };
  return { path: file.path, offset: file.offset + offset, length: Math.min(length, file.length - offset) };
}

const WINDOW = 2 ** 16; // bytes: small files lie close together

/** A file in an archive. */
export interface ArchivedFile extends ImageFile {
  readonly file: Exclude<FileSource, string | Uint8Array>;
  /** What is in it, where it is `held`. */
  readonly content: Uint8Array | undefined;
}

/**
 * The files in a tar archive, found by its headers.
 *
 * @param held Files to be read at once; the others are not.
 * @throws {SyntaxError} if it is no tar archive, or damaged.
 */
export async function filesOfTar(
  archive: Archive,
  held: (path: string) => boolean = () => false,
): Promise<ArchivedFile[]> {
  const size = await archiveSize(archive);
  let window = { start: 0, bytes: new Uint8Array(0) };
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    const isInside = offset >= window.start && offset + length <= window.start + window.bytes.length;
    if (!isInside)
      window = { start: offset, bytes: new Uint8Array(await readRange(archive, offset, Math.max(length, WINDOW))) };
    return window.bytes.subarray(offset - window.start, offset - window.start + length);
  };
  const files: ArchivedFile[] = [];
  for await (const { name, offset, length } of indexTar(read, size)) {
    const path = name.replace(/^\.\//, '');
    const content = held(path) ? (await read(offset, length)).slice() : undefined;
    files.push({ path, file: partOf(archive, offset, length), content });
  }
  return files;
}

/** Pieces of bytes as a stream. */
export function streamOf(pieces: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const next = pieces[Symbol.asyncIterator]();
  return new ReadableStream({
    pull: async (controller) => {
      const { done, value } = await next.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}
