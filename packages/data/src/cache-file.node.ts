import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { Channels, Image } from './image.ts';

/** Pixels that lie in a file as they are: where, how they are arranged, and a checksum of them. */
export interface StoredImage {
  readonly path: string;
  readonly offset: number;
  readonly height: number;
  readonly width: number;
  readonly channels: Channels;
  readonly checksum: number;
}

/** A file of images, each under a key: records one behind the other, to which more are only ever appended. */
export interface CacheFile {
  find(key: string): StoredImage | undefined;
  /** Nothing happens where the file is full, or another process writes into it. */
  add(key: string, image: Image): void;
  close(): void;
}

/*
 * The file begins with FIRST; a record is 64 bytes, little-endian, and the pixels:
 *   0 the letters "image", 8 height, 12 width, 16 channels, 20 CRC-32 of the pixels, 24 key (SHA-256), 56 CRC-32 of the bytes before.
 * A record that a crash has cut off is where reading ends and writing goes on; pixels that did not reach the disk are told by their checksum.
 */
const FIRST = Buffer.from('imgcls cache, 1\n');
const RECORD = 64;

/**
 * Opens a cache, or makes one.
 *
 * @param wanted The keys that are asked for. Where they are less than half of the bytes in the file, the rest is dropped.
 * @throws {Error} if the file is something else.
 */
export async function openCacheFile(path: string, wanted: ReadonlySet<string>, maxBytes: number): Promise<CacheFile> {
  const writes = lock(path);
  try {
    return await opened(path, wanted, maxBytes, writes);
  } catch (error) {
    if (writes) rmSync(lockOf(path), { force: true });
    throw error;
  }
}

async function opened(
  path: string,
  wanted: ReadonlySet<string>,
  maxBytes: number,
  writes: boolean,
): Promise<CacheFile> {
  if (writes && !existsSync(path)) writeFileSync(path, FIRST);
  let { records, end } = readRecords(path);
  const live = [...records].filter(([key]) => wanted.has(key)).reduce((sum, [, image]) => sum + bytesOf(image), 0);
  if (writes && end > FIRST.length && live < (end - FIRST.length) / 2) {
    await keepOnly(path, records, wanted);
    ({ records, end } = readRecords(path));
  }
  const file = writes ? openSync(path, 'r+') : undefined;
  const add: CacheFile['add'] = (key, image) => {
    if (file === undefined || records.has(key) || end + RECORD + image.data.length > maxBytes) return;
    const record = recordOf(key, image);
    writeSync(file, Buffer.concat([record, image.data]), 0, RECORD + image.data.length, end);
    records.set(key, storedAt(path, end, record));
    end += RECORD + image.data.length;
  };
  return {
    find: (key) => records.get(key),
    add,
    close: () => {
      if (file === undefined) return;
      closeSync(file);
      rmSync(lockOf(path), { force: true });
    },
  };
}

/** The pixels, if they are those that were stored. */
export function readStored({ path, offset, height, width, channels, checksum }: StoredImage): Image | undefined {
  const data = new Uint8Array(height * width * channels);
  try {
    const file = openSync(path, 'r');
    try {
      if (readSync(file, data, 0, data.length, offset) < data.length) return undefined;
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined; // it has gone: the image is made anew
  }
  return crc32(data) === checksum ? { data, height, width, channels } : undefined;
}

/** What names an image by the content of its file and by what becomes of it: SHA-256, in hexadecimal. */
export const cacheKey = (bytes: Uint8Array, parameters: string): string =>
  createHash('sha256').update(createHash('sha256').update(bytes).digest()).update(parameters).digest('hex');

const bytesOf = ({ height, width, channels }: StoredImage): number => RECORD + height * width * channels;

function recordOf(key: string, { data, height, width, channels }: Image): Buffer {
  const record = Buffer.alloc(RECORD);
  record.write('image');
  for (const [i, value] of [height, width, channels, crc32(data)].entries()) record.writeUInt32LE(value, 8 + 4 * i);
  record.write(key, 24, 'hex');
  record.writeUInt32LE(crc32(record.subarray(0, 56)), 56);
  return record;
}

function storedAt(path: string, at: number, record: Buffer): StoredImage {
  const [height, width, channels, checksum] = [8, 12, 16, 20].map((i) => record.readUInt32LE(i)) as [
    number,
    number,
    Channels,
    number,
  ];
  return { path, offset: at + RECORD, height, width, channels, checksum };
}

/** All whole records, and where they end. */
function readRecords(path: string): { records: Map<string, StoredImage>; end: number } {
  const records = new Map<string, StoredImage>();
  const file = existsSync(path) ? openSync(path, 'r') : undefined;
  if (file === undefined) return { records, end: FIRST.length };
  try {
    const first = Buffer.alloc(FIRST.length);
    readSync(file, first, 0, first.length, 0);
    if (!first.equals(FIRST))
      throw new Error(`cachedInFile: ${path} must be a cache or not there, got something else; name another file`);
    const { size } = fstatSync(file);
    const record = Buffer.alloc(RECORD);
    let at = FIRST.length;
    while (at + RECORD <= size && readSync(file, record, 0, RECORD, at) === RECORD) {
      const stored = storedAt(path, at, record);
      if (record.readUInt32LE(56) !== crc32(record.subarray(0, 56)) || at + bytesOf(stored) > size) break;
      records.set(record.toString('hex', 24, 56), stored);
      at += bytesOf(stored);
    }
    return { records, end: at };
  } finally {
    closeSync(file);
  }
}

/** Writes a new file with these records, and puts it in the old one's place. */
async function keepOnly(
  path: string,
  records: ReadonlyMap<string, StoredImage>,
  wanted: ReadonlySet<string>,
): Promise<void> {
  const next = `${path}.new`;
  const file = await open(next, 'w');
  await file.write(FIRST);
  for (const [key, stored] of records) {
    const image = wanted.has(key) ? readStored(stored) : undefined;
    if (image) await file.write(Buffer.concat([recordOf(key, image), image.data]));
  }
  await file.sync();
  await file.close();
  await rename(next, path);
}

const lockOf = (path: string): string => `${path}.lock`;

/** Whether this process may write: the first that asks, until it has closed the cache or is gone. */
function lock(path: string): boolean {
  try {
    writeFileSync(lockOf(path), String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  if (isRunning(Number(readFileSync(lockOf(path), 'utf8')))) return false;
  rmSync(lockOf(path), { force: true });
  return lock(path);
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
