import { open, stat } from 'node:fs/promises';

/** A file's bytes, or those of a part of it. `check` is told how many there are before they are read. */
export async function readPart(
  { path, offset = 0, length }: { path: string; offset?: number; length?: number },
  check: (size: number) => void,
): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const size = length ?? (await file.stat()).size;
    check(size);
    const bytes = new Uint8Array(size);
    let done = 0;
    while (done < size) {
      const { bytesRead } = await file.read(bytes, done, size - done, offset + done);
      if (bytesRead === 0) break; // it has become shorter meanwhile: decoding will tell
      done += bytesRead;
    }
    return bytes.subarray(0, done);
  } finally {
    await file.close();
  }
}

/** The size of a file. */
export const sizeOf = async (path: string): Promise<number> => (await stat(path)).size;
