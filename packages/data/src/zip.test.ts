import { describe, expect, it } from 'vitest';
import { fixture } from '../test/formats.ts';
import { makeZip } from '../test/make-zip.ts';
import { entriesOfZip, unzip } from './zip.ts';

async function contentsOf(bytes: Uint8Array): Promise<[string, Buffer][]> {
  const archive = new Blob([new Uint8Array(bytes)]);
  const contents: [string, Buffer][] = [];
  for (const entry of await entriesOfZip(archive, 'x.zip')) {
    const pieces = [];
    for await (const piece of unzip(archive, entry)) pieces.push(piece);
    contents.push([entry.path, Buffer.concat(pieces)]);
  }
  return contents;
}

describe('entriesOfZip(), unzip()', () => {
  it('read what Python writes: deflated, stored, with a comment', async () => {
    expect(await contentsOf(fixture('python.zip'))).toEqual([
      ['folder/größe.txt', Buffer.from('again and '.repeat(50))],
      ['stored.bin', Buffer.from([0, 1, 2, 3, 4, 5, 6, 7, 8])],
    ]);
  });

  it('read files of several pieces', async () => {
    const large = Buffer.from(Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 2654435761) >>> 24));
    expect((await contentsOf(makeZip({ large })))[0]![1].equals(large)).toBe(true);
  });

  it('refuse what is none, or damaged', async () => {
    await expect(contentsOf(new Uint8Array(100))).rejects.toThrow(
      new SyntaxError('x.zip: must be a ZIP archive, got one without a directory; is it complete?'),
    );
    const bytes = makeZip({ a: Buffer.from('aaaa'), b: Buffer.from('bbbb') });
    const moved = new Uint8Array(bytes);
    moved[0] = 0;
    await expect(contentsOf(moved)).rejects.toThrow('zip: a must be where the directory says, got something else');
    const longer = Buffer.from(bytes);
    longer.writeUInt32LE(5, longer.indexOf(Buffer.from('PK\x01\x02')) + 24);
    await expect(contentsOf(longer)).rejects.toThrow(new SyntaxError('zip: a must have 5 bytes, got 4'));
    const cut = Buffer.from(bytes);
    cut.writeUInt16LE(3, cut.length - 12);
    await expect(contentsOf(cut)).rejects.toThrow(/^x.zip: entry 2 of its directory must be whole/);
  });
});
