import { execFileSync } from 'node:child_process';
import { deflateRawSync, crc32 as nodeCrc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { WeightsFileError } from './weights-file-error.ts';
import { crc32, readZip, unpack, writeZip } from './zip.ts';

const text = (value: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(value);
const files = new Map([
  ['a/one', text('first')],
  ['a/two', new Uint8Array(100).fill(7)],
  ['a/empty', new Uint8Array()],
]);
const contents = (bytes: Uint8Array) => [...readZip(bytes, 'test')].map(([name, entry]) => [name, entry.bytes]);

/** An archive with numbers in it replaced: `[offset, bytes, value]`, from the end where negative. */
function patched(bytes: Uint8Array, ...changes: [offset: number, width: 1 | 2 | 4, value: number][]): Uint8Array {
  const copy = Buffer.from(bytes);
  for (const [offset, width, value] of changes)
    copy.writeUIntLE(value, offset < 0 ? copy.length + offset : offset, width);
  return new Uint8Array(copy);
}

describe('writeZip()', () => {
  it('writes what readZip() reads, each file where it is aligned', () => {
    const bytes = writeZip(files, 64);
    expect(contents(bytes)).toEqual([...files]);
    for (const { bytes: view } of readZip(bytes, 'test').values()) expect((view as Uint8Array).byteOffset % 64).toBe(0);
  });

  it('writes the same bytes for the same files', () => {
    expect(writeZip(files, 64)).toEqual(writeZip(files, 64));
  });

  const python = process.env.IMGCLS_PYTHON;
  it.skipIf(!python)(`writes what Python reads${python ? '' : ' (set IMGCLS_PYTHON)'}`, () => {
    const bytes = writeZip(files, 64);
    const script = `
import io, sys, zipfile
archive = zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read()))
print(archive.testzip(), [(i.filename, i.file_size, i.date_time[0]) for i in archive.infolist()])`;
    expect(execFileSync(python!, ['-c', script], { input: bytes, encoding: 'utf8' }).trim()).toBe(
      "None [('a/one', 5, 1980), ('a/two', 100, 1980), ('a/empty', 0, 1980)]",
    );
  });
});

it.each([0, 1, 7, 8, 9, 1000])("crc32() of %i bytes is zlib's", (length) => {
  const bytes = Uint8Array.from({ length }, (_, i) => (i * 2654435761) >>> 24);
  expect(crc32(bytes)).toBe(nodeCrc32(bytes));
});

describe('readZip()', () => {
  const plain = writeZip(new Map([['a/x', text('hello')]]), 1); // local header at 0, its data at 33, the directory at 38
  const directory = 38;

  it('reads sizes that are told behind the file, as PyTorch writes them', () => {
    const streamed = patched(plain, [6, 2, 0x808], [14, 4, 0], [18, 4, 0], [22, 4, 0], [directory + 8, 2, 0x808]);
    expect(contents(streamed)).toEqual([['a/x', text('hello')]]);
  });

  it('reads archives with 64-bit sizes', () => {
    const local = Buffer.alloc(20); // extra field: sizes
    local.writeUInt16LE(1, 0);
    local.writeUInt16LE(16, 2);
    local.writeBigUInt64LE(5n, 4);
    local.writeBigUInt64LE(5n, 12);
    const head = patched(plain.subarray(0, 33), [18, 4, 0xffffffff], [22, 4, 0xffffffff], [28, 2, 20]);
    const entry = patched(
      plain.subarray(directory, directory + 49),
      [20, 4, 0xffffffff],
      [24, 4, 0xffffffff],
      [30, 2, 20],
    );
    const start = head.length + 20 + 5;
    const end64 = Buffer.alloc(56);
    end64.writeUInt32LE(0x06064b50, 0);
    for (const [at, value] of [
      [4, 44],
      [24, 1],
      [32, 1],
      [40, entry.length + 20],
      [48, start],
    ] as const)
      end64.writeBigUInt64LE(BigInt(value), at);
    const locator = Buffer.alloc(20);
    locator.writeUInt32LE(0x07064b50, 0);
    locator.writeBigUInt64LE(BigInt(start + entry.length + 20), 8);
    const end = patched(plain.subarray(-22), [10, 2, 0xffff], [12, 4, 0xffffffff], [16, 4, 0xffffffff]);
    const parts = [head, local, text('hello'), entry, local, end64, locator, end];
    expect(contents(new Uint8Array(Buffer.concat(parts)))).toEqual([['a/x', text('hello')]]);
    parts[7] = patched(plain.subarray(-22), [10, 2, 1], [12, 4, 3], [16, 4, 0xffffffff]);
    expect(() => readZip(new Uint8Array(Buffer.concat(parts)), 'test')).toThrow(
      'ends that say the same, got two accounts',
    );
  });

  it.each<[string, Uint8Array, string]>([
    ['no end', plain.subarray(0, -1), 'an end, got none'],
    ['bytes behind the end', new Uint8Array([...plain, 0]), 'an end, got none'],
    ['another name in front', patched(plain, [31, 1, 0x2e]), 'headers that say the same, got two accounts of "a/x"'],
    [
      'another size in front',
      patched(plain, [18, 4, 4], [22, 4, 4]),
      'headers that say the same, got two accounts of "a/x"',
    ],
    ['another method in front', patched(plain, [8, 2, 8]), 'headers that say the same, got two accounts of "a/x"'],
    ['another checksum in front', patched(plain, [14, 4, 1]), 'headers that say the same, got two accounts of "a/x"'],
    ['other flags in front', patched(plain, [6, 2, 0x802]), 'headers that say the same, got two accounts of "a/x"'],
    ['encryption', patched(plain, [6, 2, 0x801], [directory + 8, 2, 0x801]), 'no encryption, got "a/x"'],
    [
      'another way of packing',
      patched(plain, [8, 2, 12], [directory + 10, 2, 12]),
      'files that are stored or deflated, got method 12',
    ],
    [
      'stored at another length',
      patched(plain, [18, 4, 4], [directory + 20, 4, 4]),
      'stored files as long as they are, got 4',
    ],
    ['more files than it says', patched(plain, [-14, 2, 0], [-12, 2, 0]), '0 files in its directory, got 0'],
    ['fewer files than it says', patched(plain, [-14, 2, 2], [-12, 2, 2]), '2 files in its directory, got 1'],
    ['a directory beyond its end', patched(plain, [-6, 4, 60]), 'a directory before its end, got one up to byte 109'],
    [
      'a directory of something else',
      patched(plain, [directory, 4, 0]),
      'a directory of files, got something else at byte 38',
    ],
    [
      'a file that is not there',
      patched(plain, [directory + 42, 4, 5]),
      '"a/x" where its directory says, got something else',
    ],
    [
      'a file beyond the end',
      patched(plain, [directory + 42, 4, 0xfffffff0]),
      'something at byte 4294967280, got its end',
    ],
    ['a large size without its number', patched(plain, [directory + 20, 4, 0xffffffff]), 'its large sizes, got none'],
    [
      'a file that reaches into the directory',
      patched(plain, [18, 4, 9], [22, 4, 9], [directory + 20, 4, 9], [directory + 24, 4, 9]),
      'its directory behind its files, got a file that reaches into it',
    ],
  ])('refuses %s', (_, bytes, problem) => {
    expect(() => readZip(bytes, 'test')).toThrow(
      new WeightsFileError(`test: the zip archive must have ${problem}; the file is cut off or damaged`),
    );
  });

  it('refuses names that occur twice, and files that lie over one another', () => {
    const two = writeZip(
      new Map([
        ['x', text('one')],
        ['y', text('two')],
      ]),
      1,
    ); // headers at 0 and 34, the directory at 68
    expect(() => readZip(patched(two, [34 + 30, 1, 0x78], [68 + 47 + 46, 1, 0x78]), 'test')).toThrow(
      'each name once, got "x"',
    );
    const nested = writeZip(
      new Map([
        ['x', writeZip(new Map([['y', text('two')]]), 1)],
        ['y', text('two')],
      ]),
      1,
    );
    const at = Buffer.from(nested).lastIndexOf(Buffer.from('PK\x01\x02')) + 42;
    expect(() => readZip(patched(nested, [at, 4, 31]), 'test')).toThrow(
      'files beside one another, got "y" over another one',
    );
  });
});

describe('unpack()', () => {
  const packed = (size: number, bytes: Uint8Array = deflateRawSync(new Uint8Array(5000))) => ({
    name: 'x',
    isStored: false,
    size,
    bytes,
  });

  it('unpacks what is deflated', async () => {
    expect(await unpack(packed(5000), 'test')).toEqual(new Uint8Array(5000));
  });

  it.each<[string, Parameters<typeof unpack>[0], string]>([
    ['more than it says', packed(4000), 'unpack to 4000 bytes, got more'],
    ['less than it says', packed(6000), 'unpack to 6000 bytes, got 5000'],
    [
      'what no packing reaches',
      packed(1e12),
      `unpack to 1000000000000 bytes, got ${packed(0).bytes.length} bytes that can't`,
    ],
    [
      'what is damaged',
      packed(5000, Uint8Array.of(255, 255, 255, 255, 1, 2, 3, 4)),
      'unpack to 5000 bytes, got something else',
    ],
  ])('refuses %s', async (_, entry, problem) => {
    await expect(unpack(entry, 'test')).rejects.toThrow(
      new WeightsFileError(`test: "x" must ${problem}; the file is damaged`),
    );
  });
});
