import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { Bytes } from './bytes.ts';

/**
 * A file whose bytes are read when they are asked for.
 *
 * @throws {Error} if there is no such file; and, when bytes are asked for, if it has changed meanwhile.
 */
export function fileBytes(path: string): Bytes {
  const { length, version } = opened(path, (_, state) => state);
  const readInto = (target: Uint8Array, start: number): void =>
    opened(path, (file, now) => {
      if (now.version !== version)
        throw new Error(`${path}: the file must stay as it is while weights are read from it, got another one`);
      readAt(path, file, target, start);
    });
  const subarray = (start: number, end: number): Uint8Array => {
    const bytes = new Uint8Array(end - start);
    readInto(bytes, start);
    return bytes;
  };
  return { length, subarray, readInto };
}

/** Opened for each piece: nothing is left open when the last tensor is forgotten. */
function opened<T>(path: string, use: (file: number, state: { length: number; version: string }) => T): T {
  const file = openSync(path, 'r');
  try {
    const { size, mtimeMs, ino } = fstatSync(file);
    return use(file, { length: size, version: `${ino} ${size} ${mtimeMs}` });
  } finally {
    closeSync(file);
  }
}

function readAt(path: string, file: number, target: Uint8Array, start: number): void {
  for (let filled = 0; filled < target.length; ) {
    const count = readSync(file, target, filled, target.length - filled, start + filled);
    if (count === 0) throw new Error(`${path}: ${target.length} bytes must follow byte ${start}, got ${filled}`);
    filled += count;
  }
}
