import { describe, expect, it } from 'vitest';
import { fixture } from '../test/formats.ts';
import { makeTar } from '../test/make-tar.ts';
import { indexTar, untar } from './tar.ts';

/** The bytes as a stream of pieces of this size. */
const streamOf = (bytes: Uint8Array, piece: number): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start: (controller) => {
      for (let at = 0; at < bytes.length; at += piece) controller.enqueue(bytes.slice(at, at + piece));
      controller.close();
    },
  });

async function entriesOf(bytes: Uint8Array, piece = bytes.length, wanted = (_: string) => true) {
  const entries = [];
  for await (const { name, bytes: content } of untar(streamOf(bytes, piece), wanted))
    entries.push([name, Array.from(content)]);
  return entries;
}

const long = `${'deep/'.repeat(25)}file`;
const archive = makeTar({
  'folder/': new Uint8Array(0),
  'folder/a.bin': Uint8Array.of(1, 2, 3),
  'folder/empty.bin': new Uint8Array(0),
  'folder/b.bin': new Uint8Array(1024).fill(7),
  [long]: Uint8Array.of(4),
});

describe('untar()', () => {
  it.each([1, 100, 512, 700, 1e6])('gives the files, in pieces of %i bytes', async (piece) => {
    expect(await entriesOf(archive, piece)).toEqual([
      ['folder/a.bin', [1, 2, 3]],
      ['folder/empty.bin', []],
      ['folder/b.bin', Array<number>(1024).fill(7)],
      [long, [4]],
    ]);
  });

  it('passes over files that are not wanted', async () => {
    const entries = await entriesOf(archive, 100, (name) => name.endsWith('empty.bin') || name === long);
    expect(entries).toEqual([
      ['folder/empty.bin', []],
      [long, [4]],
    ]);
  });

  it.each([0, 300, 512, 512 * 2 - 1])('refuses an archive that ends after %i bytes', async (size) => {
    await expect(entriesOf(archive.subarray(0, size))).rejects.toThrow(SyntaxError);
    await expect(entriesOf(archive.subarray(0, size))).rejects.toThrow(
      /^tar: the archive must not end here, \d+ bytes are missing$/,
    );
  });

  it('refuses what is no archive', async () => {
    await expect(entriesOf(new Uint8Array(1024).fill(65))).rejects.toThrow(
      new SyntaxError('tar: the checksum of a header does not fit; is this a tar archive?'),
    );
  });
});

describe('untar(), indexTar()', () => {
  it.each(['pax.tar', 'gnu.tar'] as const)('read long names as Python writes them in %s', async (name) => {
    const bytes = fixture(name);
    const long = `größe/${'x'.repeat(120)}.txt`;
    const texts = (await entriesOf(bytes)).map(([path, content]) => [
      path,
      String.fromCharCode(...(content as number[])),
    ]);
    expect(texts).toEqual([
      [long, 'long'],
      ['short.txt', 'short'],
    ]);
    const places = [];
    for await (const { name: path, offset, length } of indexTar(
      async (at, size) => bytes.subarray(at, at + size),
      bytes.length,
    ))
      places.push([path, new TextDecoder().decode(bytes.subarray(offset, offset + length))]);
    expect(places).toEqual(texts);
  });

  it('reads a size of more than 8 GiB, and sees that the archive is cut off', async () => {
    const bytes = makeTar({ 'huge.bin': new Uint8Array(0) });
    bytes.fill(0, 124, 136);
    bytes[124] = 0x80;
    bytes[131] = 4; // 4 · 256^4 bytes
    bytes.fill(0x20, 148, 156);
    const sum = bytes.subarray(0, 512).reduce((total, byte) => total + byte, 0);
    bytes.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, '0')}\0 `), 148);
    const index = indexTar(async (offset, length) => bytes.subarray(offset, offset + length), 2 ** 35);
    expect((await index.next()).value).toEqual({ name: 'huge.bin', offset: 512, length: 2 ** 34 });
  });
});
