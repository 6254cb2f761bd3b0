import { describe, expect, it } from 'vitest';
import { fixture } from '../test/formats.ts';
import { parseMat } from './mat.ts';

describe('parseMat()', () => {
  it('reads bytes and wider numbers as SciPy writes them', async () => {
    const variables = await parseMat(fixture('flower-parts.mat'), 'x');
    expect([...variables].map(([name, value]) => [name, value.kind === 'numbers' && Array.from(value.data)])).toEqual([
      ['trnid', [3, 1]],
      ['valid', [2]],
      ['tstid', [4, 5, 6]],
    ]);
    const images = (await parseMat(fixture('svhn-train.mat'), 'x')).get('X');
    if (images?.kind !== 'numbers') throw new Error('X must be numbers');
    expect(images.shape).toEqual([32, 32, 3, 5]);
    const at = (row: number, column: number, channel: number, image: number) =>
      images.data[row + 32 * (column + 32 * (channel + 3 * image))];
    expect([at(0, 0, 0, 0), at(1, 0, 0, 0), at(0, 1, 0, 0), at(0, 0, 1, 0), at(3, 4, 2, 4)]).toEqual([
      0, 1, 2, 50, 115,
    ]);
  });

  it('reads a table of numbers and texts', async () => {
    const table = (await parseMat(fixture('synsets.mat'), 'x')).get('synsets');
    if (table?.kind !== 'records') throw new Error('synsets must be a table');
    expect(table.records[1]).toEqual({
      ILSVRC2012_ID: { kind: 'numbers', shape: [1, 1], data: expect.objectContaining({ 0: 2, length: 1 }) },
      WNID: { kind: 'text', text: 'n02012849' },
      words: { kind: 'text', text: 'crane' },
      gloss: { kind: 'text', text: 'a bird' },
      num_children: { kind: 'numbers', shape: [1, 1], data: expect.objectContaining({ 0: 0, length: 1 }) },
    });
  });

  it('refuses something else, and what is damaged', async () => {
    await expect(parseMat(new Uint8Array(500), 'x.mat')).rejects.toThrow(
      new SyntaxError('x.mat: must be a little-endian MATLAB file of version 5 to 7, got something else'),
    );
    const bytes = fixture('svhn-test.mat');
    await expect(parseMat(bytes.subarray(0, 300), 'x.mat')).rejects.toThrow(
      /^x.mat: must be whole, got a damaged element: /,
    );
    bytes.fill(0xff, 150, 200);
    await expect(parseMat(bytes, 'x.mat')).rejects.toThrow(SyntaxError);
  });
});
