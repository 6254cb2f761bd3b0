import { readFileSync } from 'node:fs';
import { random } from '@imgcls/random';
import { describe, expect, it } from 'vitest';
import { latin1, storage, stream, string, TENSOR, tensor } from '../test/pickles.ts';
import { allOf } from './bytes.ts';
import { encodeSafetensors } from './safetensors.ts';
import { readTorchCheckpoint, type TorchCheckpoint } from './torch-checkpoint.ts';
import { TORCH_DTYPES, type TorchTensor, type TorchValue } from './torch-objects.ts';
import { WeightsFileError } from './weights-file-error.ts';
import { readZip, writeZip } from './zip.ts';

/** Written by PyTorch (fixtures/make-torch.py). */
const fixture = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../fixtures/torch/${name}`, import.meta.url)));

/** What PyTorch reads in each: type, shape, and the elements in order as hexadecimal bytes. */
type Described = [dtype: string, shape: readonly number[], hex: string];
const expected = JSON.parse(new TextDecoder().decode(fixture('expected.json'))) as Record<
  string,
  Record<string, Described>
>;

const names = Object.keys(expected).filter((name) => name.endsWith('.pt'));

const describeTensor = ({ dtype, shape, data }: TorchTensor): Described => [
  TORCH_DTYPES.get(dtype)!,
  shape,
  Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex'),
];

const member = ({ contents }: TorchCheckpoint, name: string): TorchValue | undefined =>
  (contents as Map<TorchValue, TorchValue>).get(name);

describe('readTorchCheckpoint()', () => {
  it.each(names)('reads in %s what PyTorch does, bit for bit and in its order', (name) => {
    const { tensors } = readTorchCheckpoint(fixture(name));
    const got = [...tensors].map(([key, tensor]) => [key, describeTensor(tensor)]);
    expect(got).toEqual(Object.entries(expected[name]!));
  });

  it.each(['zip.pt', 'big-endian.pt', 'stream.pt'])('reads the other contents of %s as plain data', (name) => {
    const checkpoint = readTorchCheckpoint(fixture(name));
    expect(checkpoint.member).toBe('state_dict');
    expect([...(checkpoint.contents as Map<string, TorchValue>)].slice(0, 13)).toEqual([
      ['epoch', 7],
      ['large', 2n ** 60n],
      ['best', 0.25],
      ['name', 'näme'],
      ['nothing', null],
      ['flags', [true, false]],
      ['bytes', Uint8Array.of(0, 255)],
      ['betas', [0.9, 0.999]],
      ['set', new Set([1])],
      ['complex', [1, 2]],
      ['size', [2, 3]],
      ['dtype', { global: 'torch.float16' }],
      ['device', 'cuda:1'],
    ]);
    const optimizer = member(checkpoint, 'optimizer') as Map<string, TorchValue>;
    expect(optimizer.get('param_groups')).toEqual([new Map([['lr', 0.1]])]);
    expect(optimizer.get('state')).toMatchObject(
      new Map([[0, new Map([['momentum', { data: Float32Array.of(0, -1) }]])]]),
    );
  });

  it('copies nothing that is aligned and in order, and keeps shared memory shared', () => {
    const bytes = fixture('zip.pt');
    const { tensors } = readTorchCheckpoint(bytes);
    expect(tensors.get('tied')!.data.buffer).toBe(bytes.buffer);
    expect(tensors.get('slice')!.data.byteOffset).toBe(tensors.get('tied')!.data.byteOffset + 2 * 6 * 4);
  });

  it('reads bytes that lie anywhere in a larger buffer', () => {
    const bytes = fixture('zip.pt');
    const within = new Uint8Array(bytes.length + 3);
    within.set(bytes, 3);
    for (const view of [within.subarray(3), Buffer.from(within.buffer, 3)]) {
      const { tensors } = readTorchCheckpoint(view);
      expect(describeTensor(tensors.get('types.float64')!)).toEqual(expected['zip.pt']!['types.float64']);
    }
  });

  it('reads the state dict that it is told to, or says which there are', () => {
    expect([...readTorchCheckpoint(fixture('zip.pt'), { member: 'state_dict_ema' }).tensors.keys()]).toEqual([
      'weight',
    ]);
    expect(() => readTorchCheckpoint(fixture('zip.pt'), { member: 'ema' })).toThrow(
      new WeightsFileError(
        'readTorchCheckpoint: the file must hold a state dict called "ema", got state_dict (29 tensors), state_dict_ema (1 tensors)',
      ),
    );
  });

  it('takes off what wrappers put before every name, and nothing else', () => {
    const names = (pickle: string): string[] => [...readTorchCheckpoint(stream(pickle)).tensors.keys()];
    expect(names(`}${string('module._orig_mod.weight')}${TENSOR}s`)).toEqual(['weight']);
    expect(names(`}${string('module.a')}${TENSOR}s${string('b')}${TENSOR}s`)).toEqual(['module.a', 'b']);
  });

  it('reads what Python 2 wrote: long integers as text, strings as bytes', () => {
    const { contents } = readTorchCheckpoint(stream(`}U\x05epochI4294967296\ns${string('model')}}U\x01w${TENSOR}ss`));
    expect(contents).toMatchObject(
      new Map<string, unknown>([
        ['epoch', 2 ** 32],
        ['model', new Map([['w', { shape: [2] }]])],
      ]),
    );
  });

  it('reads dictionaries made of pairs, parameters of old, and ignores their state', () => {
    const parameter = `ctorch.nn.parameter\nParameter\n${TENSOR}\x85R(\x88\x89Ntb`; // state: requires_grad, volatile, hooks
    const pairs = `ccollections\nOrderedDict\n]](${string('w')}${parameter}ea\x85R`; // [['w', …]]
    expect([...readTorchCheckpoint(stream(pairs)).tensors.keys()]).toEqual(['w']);
  });

  it('reads storages that are parts of others, which there were once', () => {
    const part = `(${string('storage')}ctorch\nFloatStorage\n${string('0')}${string('cpu')}K\x02(${string('part')}K\x01K\x01ttQ`;
    const pickle = `}${string('whole')}${TENSOR}s${string('w')}ctorch._utils\n_rebuild_tensor\n(${part}K\x00K\x01\x85K\x01\x85tRs`;
    expect(readTorchCheckpoint(stream(pickle)).tensors.get('w')!.data).toEqual(Float32Array.of(2));
  });
});

describe('readTorchCheckpoint() refuses', () => {
  const code =
    'which only Python code can make; load the file in PyTorch, and save the state dict alone: torch.save(model.state_dict(), path)';
  const message = (pickle: string): string =>
    errorOf(stream(pickle))
      .replace(/ before byte \d+/, '')
      .replace(/^readTorchCheckpoint: /, '');

  it.each([
    [
      'os.system',
      'cos\nsystem\n(X\x02\0\0\0idtR',
      `there must be nothing but names, numbers and tensors, got os.system, ${code}`,
    ],
    [
      'eval',
      'c__builtin__\neval\n',
      `there must be nothing but names, numbers and tensors, got builtins.eval, ${code}`,
    ],
    [
      'a whole network',
      'ctorchvision.models.resnet\nResNet\n)\x81',
      `there must be nothing but names, numbers and tensors, got torchvision.models.resnet.ResNet, ${code}`,
    ],
    [
      'names of JavaScript',
      'c__proto__\nconstructor\n',
      `there must be nothing but names, numbers and tensors, got __proto__.constructor, ${code}`,
    ],
    [
      'a call of what is a type',
      'ctorch\nFloatStorage\n)R',
      'there must be a call of something that makes data, got torch.FloatStorage',
    ],
    ['a call of a tuple', '))R', 'there must be a call of something that makes data, got another one'],
    [
      'arguments that are a list',
      'ctorch\nSize\n]R',
      'there must be a call of something that makes data, got torch.Size',
    ],
    ['items for a list', `]${string('a')}K\x01s`, 'there must be a dictionary to put items into, got a list'],
    [
      'items for a tensor',
      `${TENSOR}${string('a')}K\x01s`,
      'there must be a dictionary to put items into, got an object',
    ],
    ['a key without a value', `}(${string('a')}u`, 'there must be a value for each key, got a key without'],
    ['appending to a dictionary', '}K\x01a', 'there must be a list to append to, got a dictionary'],
    ['appending to a tuple', ')K\x01a', 'there must be a list to append to, got a tuple'],
    ['state for a list', ']}b', 'there must be something that may be given state, got a list'],
    ['state that is no dictionary', '}]b', 'there must be something that may be given state, got a dictionary'],
    ['what was not remembered', 'h\x05', 'there must be something remembered as 5, got nothing'],
    ['an empty stack', 'K\x01\x85\x85a', 'there must be a value to work on, got none'],
    ['a mark that is missing', 't', 'there must be a mark, got none'],
    ['instructions that make objects', 'i__main__\nX\n', 'there must be an instruction that data needs, got 0x69'],
    ['codes of extensions', '\x82\x01', 'there must be an instruction that data needs, got 0x82'],
    ['text that is no UTF-8', 'X\x01\0\0\0\xff', 'there must be UTF-8, got other bytes'],
    ['a decimal that is none', 'I1e9\n', 'there must be a decimal number, got "1e9"'],
    [
      'a reference to something else',
      `${string('x')}Q`,
      'a reference must be to a storage, with 5 properties, got another one',
    ],
    [
      'bytes that are no latin1',
      `c_codecs\nencode\n(${string('a')}${string('zlib')}tR`,
      'bytes must be written as latin1, got "zlib"',
    ],
    [
      'a storage of a strange type',
      storage('torch\nQInt8Storage', 2),
      `there must be nothing but names, numbers and tensors, got torch.QInt8Storage, ${code}`,
    ],
    [
      'a storage by another name',
      `(${string('storage')}ctorch\nfloat32\n${string('0')}NK\x02NtQ`,
      'a storage must be of a known type, got torch.float32',
    ],
    [
      'a storage of two sizes',
      `${storage('torch\nFloatStorage', 2)}${storage('torch\nFloatStorage', 3)}`,
      'storage "0" must be the same wherever it is used, got float32 [2] and float32 [3]',
    ],
    [
      'a tensor that leaves its storage',
      tensor('K\x01', '(K\x02t', '(K\x01t'),
      'a tensor must lie within its storage, got float32 [2] up to element 3 of 2',
    ],
    [
      'strides that leave the storage',
      tensor('K\x00', '(K\x02t', '(K\x02t'),
      'a tensor must lie within its storage, got float32 [2] up to element 3 of 2',
    ],
    [
      'a negative offset',
      tensor('J\xff\xff\xff\xff', '(K\x02t', '(K\x01t'),
      'a tensor must have sizes, as many strides, and an offset, got -1, [2], [1]',
    ],
    [
      'sizes without strides',
      tensor('K\x00', '(K\x02t', ')'),
      'a tensor must have sizes, as many strides, and an offset, got 0, [2], []',
    ],
    [
      '65 dimensions',
      tensor('K\x00', `(${'K\x01'.repeat(65)}t`, `(${'K\x01'.repeat(65)}t`),
      expect.stringMatching(/^a tensor must have sizes/),
    ],
    [
      'a tensor of a tensor',
      `ctorch._utils\n_rebuild_tensor\n(${TENSOR}K\x00))tR`,
      'a tensor must be of a storage, got something else',
    ],
    ['a parameter of nothing', 'ctorch.nn.parameter\nParameter\n)R', 'a parameter must hold a tensor, got undefined'],
    [
      'no weights',
      'K\x07',
      'the file must hold a state dict, names with tensors, got something else; save model.state_dict()',
    ],
    [
      'contents without weights',
      `}${string('epoch')}K\x07s`,
      'the file must hold a state dict, names with tensors, got a dictionary of epoch; save model.state_dict()',
    ],
    [
      'a choice of weights',
      `}${string('a')}}${string('w')}${TENSOR}ss${string('b')}}${string('w')}${TENSOR}ss`,
      'the file must hold one state dict, or a member that says which, got a (1 tensors), b (1 tensors)',
    ],
  ])('%s', (_, pickle, expected) => {
    expect(message(pickle)).toEqual(expected);
  });

  it('tensors that repeat their elements until memory is full', () => {
    const huge = tensor('K\x00', '(J\xff\xff\xff\x7fJ\xff\xff\xff\x7ft', '(K\x00K\x00t');
    expect(message(`}${string('w')}${huge}s`)).toMatch(
      /^tensors that are no plain views must not take much more memory than the file/,
    );
    const many = Array.from(
      { length: 100 },
      (_, i) => `${string(`w${i}`)}${tensor('K\x00', '(J\0\0\x10\0t', '(K\x00t')}s`,
    ).join('');
    expect(message(`}${many}`)).toMatch(
      /^tensors that are no plain views must not take much more memory than the file/,
    );
  });

  it('objects without end, and long lists that are copied again and again', () => {
    expect(message(']'.repeat(1_100_000))).toBe('there must be at most 1000000 objects, got more');
    expect(message('('.repeat(1_100_000))).toBe('there must be at most 1000000 objects, got more');
    const list = `(](${'N'.repeat(100_000)}et`; // a tuple with a list
    expect(message(`${list}q\x00${'c__builtin__\nset\nh\x00R'.repeat(100)}`)).not.toContain('more'); // a set of one thing: null
    expect(message(`${list}q\x00${'ctorch\nSize\nh\x00R'.repeat(100)}`)).toBe(
      'there must be at most 1000000 objects, got more',
    );
    expect(message(`(${'N'.repeat(10_100_000)}`)).toBe('there must be at most 10000000 instructions, got more');
  });

  it('lists in lists without overflowing the stack', () => {
    expect(message(`${'('.repeat(200_000)}${'t'.repeat(200_000)}`)).toMatch(/^the file must hold a state dict/);
    expect(message(`ctorch\ndevice\n${'('.repeat(200_000)}${'t'.repeat(200_000)}\x85R`)).toMatch(/^a device must have/);
  });

  it.each([
    ['an empty file', new Uint8Array(), 'an empty file'],
    [
      'a web page',
      new TextEncoder().encode('<!DOCTYPE html><title>404</title>'),
      'a page of HTML; download the file itself',
    ],
    [
      'a pointer',
      new TextEncoder().encode('version https://git-lfs.github.com/spec/v1\n'),
      'a pointer of Git LFS; fetch the file with git lfs pull',
    ],
    ['safetensors', encodeSafetensors(new Map()), 'what looks like safetensors; read it with decodeSafetensors'],
    ['anything', Uint8Array.of(1, 2), '01 02 at its beginning'],
  ])('%s', (_, bytes, got) => {
    expect(errorOf(bytes)).toBe(
      `readTorchCheckpoint: the file must hold a zip archive, a tar archive or a pickle, got ${got}`,
    );
  });

  it('a program', () => {
    const files = new Map([...zipFiles('network.pt'), ['archive/constants.pkl', new Uint8Array(3)] as const]);
    expect(errorOf(writeZip(files, 64))).toMatch(
      /^readTorchCheckpoint: the file must hold weights, got a TorchScript program; save its state dict/,
    );
  });

  it('archives of several folders, without pickle, or without storages', () => {
    const files = zipFiles('network.pt');
    expect(errorOf(writeZip(new Map([...files, ['other/data.pkl', new Uint8Array()]]), 64))).toContain(
      'the archive must have one folder, got "other/data.pkl" beside "archive"',
    );
    expect(errorOf(writeZip(new Map([...files].filter(([name]) => !name.endsWith('.pkl'))), 64))).toContain(
      'the archive must hold data.pkl, got only',
    );
    expect(errorOf(writeZip(new Map([...files].filter(([name]) => !name.endsWith('/3'))), 64))).toContain(
      'the archive must hold data/3, got only',
    );
    const shorter = new Map([...files].map(([name, bytes]) => [name, name.endsWith('/0') ? bytes.subarray(4) : bytes]));
    expect(errorOf(writeZip(shorter, 64))).toBe('readTorchCheckpoint: storage "0" must have 216 bytes, got 212');
    expect(
      errorOf(writeZip(new Map([...files, ['archive/byteorder', new TextEncoder().encode('middle')]]), 64)),
    ).toContain('byteorder must be little or big, got "middle"');
  });

  it('archives that are compressed', () => {
    const stored = fixture('network.pt');
    const files = zipFiles('network.pt');
    const pickle = files.get('archive/data.pkl')!;
    const method = Buffer.from(stored);
    for (const mark of ['PK\x03\x04', 'PK\x01\x02'])
      method.writeUInt16LE(8, method.indexOf(mark) + (mark.endsWith('\x04') ? 8 : 10)); // of the first file, data.pkl
    expect(pickle.length).toBeGreaterThan(0);
    expect(errorOf(method)).toBe(
      'readTorchCheckpoint: data.pkl must be stored as it is, got compressed; unzip and zip it again with -0',
    );
  });

  it('tar archives that lack a file, have one twice, or are damaged', () => {
    const whole = Buffer.from(fixture('tar.pt'));
    const renamed = (from: string, to: string): Uint8Array => {
      const copy = Buffer.from(whole);
      const at = copy.indexOf(`${from}\0`);
      copy.fill(0, at, at + 100).write(to, at, 'latin1');
      copy.write(
        `${checksum(copy.subarray(at, at + 512))
          .toString(8)
          .padStart(6, '0')}\0 `,
        at + 148,
      );
      return copy;
    };
    expect(errorOf(renamed('tensors', 'tensor'))).toContain(
      'the archive must hold tensors, got only storages, tensor, pickle',
    );
    expect(errorOf(renamed('tensors', 'storages'))).toContain(
      'the tar archive must have each name once, got "storages"',
    );
    const damaged = Buffer.from(whole);
    damaged[0] = 0x53;
    expect(errorOf(damaged)).toContain(
      'the tar archive must have headers with the right checksum, got another one at byte 0',
    );
    expect(errorOf(whole.subarray(0, 1000))).toMatch(
      /the tar archive must have \d+ bytes of "storages", got 488; the file is cut off or damaged$/,
    );
  });

  it('streams that are cut off, go on, or name storages that nothing uses', () => {
    const whole = fixture('network-stream.pt');
    expect(errorOf(whole.subarray(0, -1))).toMatch(/must follow byte \d+, got 7; the file is cut off or damaged$/);
    expect(errorOf(Buffer.concat([whole, Buffer.of(0)]))).toContain(
      'the file must end behind its storages, got 1 more bytes',
    );
    expect(errorOf(stream(`}${string('w')}${TENSOR}s`, { keys: `](${string('0')}${string('1')}e` }))).toContain(
      'a tensor must be of a storage that the file has, got "1"',
    );
    expect(errorOf(stream(`}${string('w')}${TENSOR}s`, { keys: ']' }))).toContain(
      'every storage must be in the file, got none for 0',
    );
    expect(errorOf(latin1('\x80\x02K\x01.'))).toContain(
      'the file must begin with the magic number of torch.save, got a pickle of something else',
    );
  });
});

describe('readTorchCheckpoint() and damage', () => {
  /** Errors of another class, by where they came from: there must be none. */
  function strangers(files: Iterable<Uint8Array>): string[] {
    const found: string[] = [];
    for (const bytes of files)
      try {
        const { tensors } = readTorchCheckpoint(bytes);
        const total = [...tensors.values()].reduce(
          (sum, { data }) => sum + (data.buffer === bytes.buffer ? 0 : data.byteLength),
          0,
        );
        if (total > 2 * bytes.length + 2 ** 26) found.push(`${total} bytes from ${bytes.length}`);
      } catch (error) {
        if (!(error instanceof WeightsFileError)) found.push(String((error as Error).stack));
      }
    return found;
  }

  it('ends in a typed error, or in other weights, for 12,000 files with bytes changed, removed, put in and moved', () => {
    const started = performance.now();
    expect(strangers(mutations(12_000, names.map(fixture)))).toEqual([]);
    expect(performance.now() - started).toBeLessThan(60_000); // it takes about 2 s
  });

  it.each(names)('ends in a typed error for %s cut off anywhere', (name) => {
    const whole = fixture(name);
    const cut = function* (): Generator<Uint8Array> {
      for (let length = 0; length < whole.length; length += 7) yield whole.subarray(0, length);
    };
    expect(strangers(cut())).toEqual([]);
  });
});

/** Files with a few changes each: the same ones in every run. */
function* mutations(count: number, files: readonly Uint8Array[]): Generator<Uint8Array> {
  for (let n = 0; n < count; n++) {
    const rng = random(1, 'mutation', n);
    let bytes = files[n % files.length]!.slice();
    for (let changes = 1 + rng.int(4); changes > 0; changes--) {
      const at = rng.int(bytes.length);
      const length = 1 + rng.int(16);
      const kind = rng.int(6);
      if (kind <= 1) bytes[at] = rng.int(256);
      else if (kind === 2) bytes[at] = bytes[at]! ^ (1 << rng.int(8));
      else if (kind === 3) bytes = joined(bytes.subarray(0, at), bytes.subarray(at + length));
      else if (kind === 4)
        bytes = joined(
          bytes.subarray(0, at),
          bytes.subarray(rng.int(bytes.length)).subarray(0, length),
          bytes.subarray(at),
        );
      else bytes.fill([0, 255, 127][rng.int(3)]!, at, at + 8); // extreme sizes
      if (bytes.length === 0) break;
    }
    yield bytes;
  }
}

/** Of a header of tar: the sum of its bytes, the sum itself taken as spaces. */
const checksum = (header: Uint8Array): number =>
  header.reduce((sum, byte, i) => sum + (i >= 148 && i < 156 ? 0x20 : byte), 0);

const joined = (...parts: Uint8Array[]): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.concat(parts));

const zipFiles = (name: string): Map<string, Uint8Array> =>
  new Map([...readZip(fixture(name), 'test')].map(([path, { bytes }]) => [path, allOf(bytes)]));

function errorOf(bytes: Uint8Array): string {
  try {
    readTorchCheckpoint(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(WeightsFileError);
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
}
