import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readTorchCheckpoint } from './torch-checkpoint.ts';
import type { TorchTensor, TorchValue } from './torch-objects.ts';
import { writeTorchCheckpoint } from './torch-writer.ts';

const fixture = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../fixtures/torch/${name}`, import.meta.url)));
const weight: TorchTensor = { dtype: 'float32', shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) };
/** What comes back of contents. */
const again = (contents: object): TorchValue =>
  readTorchCheckpoint(writeTorchCheckpoint(contents), { member: 'w' }).contents;

describe('writeTorchCheckpoint()', () => {
  it.each(['zip.pt', 'stream.pt', 'tar.pt', 'network.pt'])(
    'writes what was read from %s, and the same bytes each time',
    (name) => {
      const { contents, tensors } = readTorchCheckpoint(fixture(name));
      const bytes = writeTorchCheckpoint(contents as object);
      const copy = readTorchCheckpoint(bytes);
      expect(copy.contents).toEqual(contents);
      expect([...copy.tensors.keys()]).toEqual([...tensors.keys()]);
      expect(writeTorchCheckpoint(copy.contents as object)).toEqual(bytes);
    },
  );

  it.each<[string, unknown]>([
    [
      'numbers',
      [0, -1, 255, 256, 65_536, -(2 ** 31), 2 ** 31, 2 ** 53 - 1, 0.5, -0, Number.NaN, Number.NEGATIVE_INFINITY, 1e300],
    ],
    ['large integers', [2n ** 53n, -(2n ** 64n), 127n + 2n ** 80n, 2n ** 1000n]],
    ['text', ['', 'näme', '日本', '\0', '😀']],
    ['tuples and lists', [Object.freeze([1, Object.freeze([])]), []]],
    ['sets and bytes', [new Set(['a', 1]), Uint8Array.of(0, 128, 255)]],
    [
      'dictionaries',
      new Map<unknown, unknown>([
        [1, null],
        ['a', true],
        [Object.freeze([1, 2]), false],
      ]),
    ],
  ])('keeps %s', (_, value) => {
    const map = again({ w: new Map([['weight', weight]]), value }) as Map<string, unknown>;
    expect(map.get('value')).toEqual(value);
  });

  it('takes plain objects as dictionaries, without members that are undefined', () => {
    const map = again({ w: { weight }, epoch: 7, left: undefined }) as Map<string, TorchValue>;
    expect(map).toEqual(
      new Map<string, unknown>([
        ['w', new Map([['weight', weight]])],
        ['epoch', 7],
      ]),
    );
  });

  it('keeps what is shared: memory of tensors, lists, and what holds itself', () => {
    const list: unknown[] = [1];
    list.push(list);
    const view: TorchTensor = { dtype: 'float32', shape: [4], data: weight.data };
    const map = again({ w: { weight, view }, a: list, b: list }) as Map<
      string,
      TorchValue[] & Map<string, TorchTensor>
    >;
    expect(map.get('a')).toBe(map.get('b'));
    expect(map.get('a')![1]).toBe(map.get('a'));
    const { data } = map.get('w')!.get('view')!;
    expect(data.byteOffset).toBe(map.get('w')!.get('weight')!.data.byteOffset);
  });

  it.each<[string, object, string]>([
    ['functions', { a: [() => 1] }, 'contents.a[0] must be plain data or a tensor, got a function'],
    ['other objects', { a: new Date(0) }, 'contents.a must be plain data or a tensor, got a Date'],
    [
      'types that PyTorch lacks',
      { a: { dtype: 'float4', shape: [2], data: new Uint8Array(1) } },
      'contents.a must be of a type that PyTorch has, got float4',
    ],
    [
      'tensors that are not full',
      { a: { ...weight, shape: [3] } },
      'contents.a must be 12 bytes in a Float32Array for float32 [3], got 16 bytes in a Float32Array',
    ],
    [
      'tensors in another array',
      { a: { ...weight, data: new Int32Array(4) } },
      'contents.a must be 16 bytes in a Float32Array for float32 [2,2], got 16 bytes in a Int32Array',
    ],
    ['half a character', ['\ud800'], 'contents[0] must be well-formed Unicode, got "\\ud800"'],
    ['integers without end', [2n ** 3000n], 'contents[0] must be integers of at most 255 bytes, got a longer one'],
    [
      'endless nesting',
      Array.from({ length: 600 }).reduce<unknown[]>((inner) => [inner], []),
      expect.stringMatching(/ must be at most 500 levels deep, got more$/),
    ],
  ])('refuses %s', (_, contents, message) => {
    expect(() => writeTorchCheckpoint(contents)).toThrow(
      expect.objectContaining({
        name: 'TypeError',
        message: typeof message === 'string' ? `writeTorchCheckpoint: ${message}` : message,
      }),
    );
  });

  const python = process.env.IMGCLS_PYTHON;
  it.skipIf(!python)(
    `writes what torch.load opens, bit for bit, and reads what PyTorch makes of it${python ? '' : ' (set IMGCLS_PYTHON to a Python with PyTorch)'}`,
    () => {
      const folder = mkdtempSync(join(tmpdir(), 'imgcls-torch-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const { contents, tensors } = readTorchCheckpoint(fixture('zip.pt'));
      writeFileSync(join(folder, 'ours.pt'), writeTorchCheckpoint(contents as object));
      execFileSync(python!, ['-c', COMPARE, folder, new URL('../fixtures/torch/zip.pt', import.meta.url).pathname]);
      const { tensors: back } = readTorchCheckpoint(new Uint8Array(readFileSync(join(folder, 'theirs.pt'))));
      expect(back).toEqual(tensors);
    },
    60_000,
  );
});

/** Opens what we wrote, compares it with the original, and saves it again. Some of Python's types are plainer afterwards. */
const COMPARE = `
import sys, torch
folder, original = sys.argv[1:]
ours, theirs = (torch.load(path, weights_only=True) for path in (folder + '/ours.pt', original))
def plain(x):
    if isinstance(x, torch.Tensor):
        return str(x.dtype), tuple(x.shape), bytes(x.detach().contiguous().reshape(-1).view(torch.uint8))
    if isinstance(x, dict): return {key: plain(value) for key, value in x.items()}
    if isinstance(x, list): return [plain(item) for item in x]
    if isinstance(x, complex): return (x.real, x.imag)
    return str(x) if isinstance(x, torch.device) else x
assert plain(ours) == plain(theirs), (ours, theirs)
assert all(type(a) is type(b) for a, b in zip(ours.values(), theirs.values()) if isinstance(b, (int, float, str, list, bytes, set)))
torch.save(ours, folder + '/theirs.pt')
`;
