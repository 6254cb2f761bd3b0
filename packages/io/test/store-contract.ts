import type { Store } from '../src/store.ts';

/**
 * What every store promises, as functions that throw when it isn't kept. They need no test runner: the same ones run in Node and inside
 * a page.
 *
 * `open` gives the store anew; each time it is the same place, which is empty before each promise.
 */
export const storeContract: Record<string, (open: () => Store) => Promise<void>> = {
  'is empty at first: reads undefined, lists nothing': async (open) => {
    same(await open().read('a'), undefined);
    same(await open().list(), []);
  },

  'gives back what was written, also to whoever opens it later': async (open) => {
    await open().write('weights.safetensors', bytes(1, 2, 3));
    same(await open().read('weights.safetensors'), bytes(1, 2, 3));
  },

  'lists names in order': async (open) => {
    for (const name of ['b', 'a-1.json', 'B', 'a']) await open().write(name, bytes(1));
    same(await open().list(), ['B', 'a', 'a-1.json', 'b']);
  },

  'replaces all that was there': async (open) => {
    await open().write('a', bytes(1, 2, 3));
    await open().write('a', bytes(9));
    same(await open().read('a'), bytes(9));
    same(await open().list(), ['a']);
  },

  'keeps nothing as well as something': async (open) => {
    await open().write('empty', bytes());
    same(await open().read('empty'), bytes());
    same(await open().list(), ['empty']);
  },

  'keeps megabytes': async (open) => {
    const large = Uint8Array.from({ length: 3_000_001 }, (_, i) => i % 251);
    await open().write('large', large);
    same(await open().read('large'), large);
  },

  'keeps a copy': async (open) => {
    const store = open();
    const original = bytes(1, 2);
    await store.write('a', original);
    original[0] = 9;
    const first = await store.read('a');
    first![1] = 9;
    same(await store.read('a'), bytes(1, 2));
  },

  'writes what a view covers, not its whole buffer': async (open) => {
    await open().write('a', bytes(1, 2, 3, 4).subarray(1, 3));
    const read = await open().read('a');
    same(read, bytes(2, 3));
    same(read!.buffer.byteLength, 2);
  },

  'deletes, also what is not there': async (open) => {
    await open().write('a', bytes(1));
    await open().write('b', bytes(2));
    await open().delete('a');
    await open().delete('never');
    same(await open().read('a'), undefined);
    same(await open().list(), ['b']);
  },

  'keeps one of two simultaneous writes, whole': async (open) => {
    const store = open();
    const versions = [1, 2, 3, 4].map((value) => new Uint8Array(100_000).fill(value));
    await Promise.all(versions.map((version) => store.write('a', version)));
    const read = await store.read('a');
    same(read, versions[read![0]! - 1]);
  },

  'refuses names that lead elsewhere': async (open) => {
    const store = open();
    for (const name of [
      '',
      '.',
      '..',
      '../a',
      'a/b',
      'a\\b',
      '/a',
      'C:a',
      '.hidden',
      'a.',
      'a\0',
      'ä',
      'a'.repeat(201),
    ])
      for (const attempt of [() => store.read(name), () => store.write(name, bytes(1)), () => store.delete(name)])
        same(
          await refusal(attempt),
          `store: a name must be up to 200 letters, digits, "_", "-" and inner ".", got ${JSON.stringify(name)}`,
        );
    same(await store.list(), []);
  },
};

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

async function refusal(attempt: () => Promise<unknown>): Promise<string> {
  try {
    await attempt();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('it was not refused');
}

function same(actual: unknown, expected: unknown): void {
  const [a, b] = [show(actual), show(expected)];
  if (a !== b) throw new Error(`expected ${b.slice(0, 200)}, got ${a.slice(0, 200)}`);
}

const show = (value: unknown): string =>
  value instanceof Uint8Array ? `bytes ${value.length}: ${value.join(' ')}` : (JSON.stringify(value) ?? 'undefined');
