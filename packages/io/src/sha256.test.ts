import { afterEach, describe, expect, it, vi } from 'vitest';
import { sha256 } from './sha256.ts';

afterEach(() => vi.unstubAllGlobals());

describe('sha256()', () => {
  const abc = Uint8Array.of(0x61, 0x62, 0x63);
  const expected = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'; // FIPS 180-2, B.1

  it('is that of the standard', async () => {
    expect(await sha256(abc)).toBe(expected);
    expect(await sha256(Uint8Array.of(0, ...abc, 0).subarray(1, 4))).toBe(expected);
  });

  it('is the same in a page without crypto.subtle', async () => {
    vi.stubGlobal('crypto', {});
    expect(await sha256(abc)).toBe(expected);
  });
});
