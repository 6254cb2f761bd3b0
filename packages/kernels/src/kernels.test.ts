import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { nativeIsas } from '#platform';
import { typed } from './element.ts';
import { binary, fill } from './elementwise.ts';
import { type Kernels, loadKernels } from './kernels.ts';
import { copy } from './layout.ts';
import type { Block } from './memory.ts';
import { channelSum } from './norm.ts';
import { header } from './program.ts';
import { carriers, everyCarrier } from './test/carriers.ts';
import { wasmIsas } from './wasm.ts';

/** Asks for more memory than there can be. */
function exhaust(kernels: Kernels): void {
  const block = kernels.memory.allocate(64);
  const channels = kernels.carrier.name === 'wasm' ? 2 ** 30 - 2 ** 15 : 2 ** 52;
  try {
    channelSum(kernels, { rows: 1, channels }, { x: { block, storage: 'float32' }, y: block });
  } finally {
    kernels.memory.release(block);
  }
}

/** Sums 1000 rows of `value` twice over: each call reads what the one before has written. */
function twoSums(kernels: Kernels, value: number) {
  const { memory } = kernels;
  const [x, sums] = [memory.allocate(4 * 64_000), memory.allocate(4 * 64)];
  memory.floats(x, 64_000).fill(value);
  channelSum(kernels, { rows: 1000, channels: 64 }, { x: { block: x, storage: 'float32' }, y: sums });
  memory.release(x);
  const sum = memory.allocate(4);
  channelSum(kernels, { rows: 64, channels: 1 }, { x: { block: sums, storage: 'float32' }, y: sum });
  memory.release(sums);
  return sum;
}

describe.each(await everyCarrier())('Kernels on $name', ({ kernels }) => {
  const { memory } = kernels;

  it('call() names the kernel that fails, and what it was called with; the next call works', () => {
    expect(() => exhaust(kernels)).toThrow(
      /^channel_sum: out of memory, called with \(false, 1, \d+, 64 bytes, 64 bytes\)$/,
    );
    expect(memory.floats(twoSums(kernels, 1), 1)[0]).toBe(64_000);
  });

  it('call() refuses what is no kernel', () => {
    expect(() => kernels.call('multiply')).toThrow(/has no kernel "multiply"/);
  });

  it('call() refuses more arguments than a call has room for', () => {
    expect(() => kernels.call('channel_sum', ...Array(5000).fill(0))).toThrow(
      /^channel_sum: at most 4092 arguments, got 5000/,
    );
  });

  it('a thousand calls take no more memory than one', () => {
    memory.release(twoSums(kernels, 1));
    const { allocatedBytes, usedBytes } = memory;
    for (let i = 0; i < 1000; i++) memory.release(twoSums(kernels, i));
    expect(memory).toMatchObject({ allocatedBytes, usedBytes });
  });

  describe('record() and replay()', () => {
    /** The sum of each of 64 columns, and the sum of these. */
    const sums = (x: Block, y: Block) => {
      const between = memory.allocate(4 * 64);
      channelSum(kernels, { rows: 2, channels: 64 }, { x: { block: x, storage: 'float32' }, y: between });
      channelSum(kernels, { rows: 64, channels: 1 }, { x: { block: between, storage: 'float32' }, y });
      memory.release(between);
    };
    const filled = (value: number) => {
      const block = memory.allocate(4 * 128);
      memory.floats(block, 128).fill(value);
      return block;
    };

    it('make the same calls with other blocks, in memory of their own', () => {
      const [x, y, otherX, otherY] = [filled(1), memory.allocate(4), filled(3), memory.allocate(4)];
      const { usedBytes } = memory;
      const program = kernels.record(() => {
        sums(x, y);
        return [x, y];
      })!;
      const squatter = memory.allocate(4 * 64);
      memory.floats(squatter, 64).fill(9);
      kernels.replay(program, [otherX, otherY]);
      expect([y, otherY, squatter].map((block) => memory.floats(block, 1)[0])).toEqual([128, 384, 9]);
      expect(program.isStale).toBe(false);
      program.release();
      for (const block of [squatter, x, y, otherX, otherY]) memory.release(block);
      expect(memory.usedBytes).toBe(usedBytes - 2 * (x.bytes + y.bytes));
    });

    it('what is used one after the other shares memory, and what is used at once does not', () => {
      const [x, y, other, otherY] = [filled(1), memory.allocate(4 * 128), filled(3), memory.allocate(4 * 128)];
      const { usedBytes } = memory;
      const sizes = [128, 1000, 128, 70, 128, 3000, 128, 64, 128];
      const floats = (block: Block) => ({ block, storage: 'float32' }) as const;
      const sum = (a: Block, b: Block, to: Block) =>
        binary(kernels, 'add', { a: [64], b: [64] }, { a: floats(a), b: floats(b), y: floats(to) });
      const program = kernels.record(() => {
        const chain = [x, ...sizes.map((size) => memory.allocate(4 * size))]; // all are there until the end, as in one scope
        for (let i = 1; i < chain.length; i++) sum(chain[i - 1]!, chain[Math.max(0, i - 2)]!, chain[i]!);
        sum(chain.at(-1)!, chain.at(-2)!, y);
        for (const block of chain.slice(1)) memory.release(block);
        return [x, y];
      })!;
      const numbers = program.calls.reduce((count, { values }) => count + header + values.length, 0);
      expect(memory.usedBytes - usedBytes).toBeLessThan(1.25 * (4 * (3000 + 2 * 128) + 8 * numbers));
      kernels.replay(program, [other, otherY]);
      expect([y, otherY].map((block) => memory.floats(block, 1)[0])).toEqual([144, 432]); // Fibonacci's twelfth number
      program.release();
      expect(memory.usedBytes).toBe(usedBytes);
      for (const block of [x, y, other, otherY]) memory.release(block);
    });

    it('a program is out of date when what it reads is released, or a condition no longer holds', () => {
      const [x, y] = [filled(1), memory.allocate(4)];
      let [holds, isSame] = [true, true];
      const [program, other] = [1, 2].map(
        () =>
          kernels.record(() => {
            kernels.suppose(() => holds);
            kernels.supposeUnchanged(() => isSame);
            sums(x, y);
            return [y];
          })!,
      );
      holds = false;
      expect(program!.isStale).toBe(true);
      holds = true;
      expect(program!.isStale).toBe(false);
      isSame = false;
      expect(program!.isStale).toBe(false);
      kernels.changed();
      expect([program!.isStale, other!.isStale]).toEqual([true, true]);
      isSame = true;
      expect([program!.isStale, other!.isStale]).toEqual([false, false]);
      memory.release(x);
      expect([program!.isStale, other!.isStale]).toEqual([true, true]);
      for (const each of [program!, other!]) each.release();
      memory.release(y);
    });

    it('makes calls on parts of blocks, whichever the blocks are', () => {
      const [x, y, otherX, otherY] = [filled(1), filled(0), filled(3), filled(0)];
      const at = (block: Block, offset: number) => ({ block, offset, strides: [1] });
      const program = kernels.record(() => {
        copy(kernels, 'float32', [64], { x: at(x, 0), y: at(y, 64) });
        return [x, y];
      })!;
      kernels.replay(program, [otherX, otherY]);
      expect([0, 63, 64, 127].map((i) => memory.floats(otherY, 128)[i])).toEqual([0, 0, 3, 3]);
      program.release();
      for (const block of [x, y, otherX, otherY]) memory.release(block);
    });

    it('draws numbers anew, and does what is done besides', () => {
      const y = memory.allocate(4);
      let [next, done] = [1, 0];
      const program = kernels.record(() => {
        kernels.alongside(() => done++);
        const value = kernels.draw(() => next++);
        kernels.call('fill', ...typed({ block: y, storage: 'float32' }), 1, value);
        return [y];
      })!;
      expect([memory.floats(y, 1)[0], done, program.draws]).toEqual([1, 1, 1]);
      kernels.replay(program, [y]);
      expect([memory.floats(y, 1)[0], done]).toEqual([2, 2]);
      expect(kernels.draw(() => next)).toBe(3);
      program.release();
      memory.release(y);
    });

    it('a program lies where none of its calls writes', () => {
      const [x, y] = [filled(1), memory.allocate(4)];
      const program = kernels.record(() => {
        for (let i = 1; i <= 40; i++) {
          const scratch = memory.allocate(256 * i); // one of them is as large as the program
          fill(kernels, 64 * i, 7, { block: scratch, storage: 'float32' });
          memory.release(scratch);
        }
        sums(x, y);
        return [y];
      })!;
      for (let i = 0; i < 3; i++) kernels.replay(program, [y]);
      expect(memory.floats(y, 1)[0]).toBe(128);
      program.release();
      for (const block of [x, y]) memory.release(block);
    });

    it('nothing is recorded where JavaScript looks into a block, nor within another recording', () => {
      const [x, y] = [filled(1), memory.allocate(4)];
      const looks = () => {
        sums(x, y);
        memory.floats(y, 1);
        return [x, y];
      };
      expect(kernels.record(looks)).toBeUndefined();
      expect(() => kernels.record(() => [...kernels.record(() => [])!.calls] as never)).toThrow(/can hold no other/);
      expect(kernels.recording).toBe(false);
      for (const block of [x, y]) memory.release(block);
    });
  });
});

describe.each(await everyCarrier())('Memory on $name', ({ kernels: { memory } }) => {
  it('blocks lie on 64-byte boundaries, and are what was asked for or up to a quarter more', () => {
    for (const bytes of [0, 1, 64, 65, 1000, 1025, 70_000, 1 << 20, 5_000_001]) {
      const block = memory.allocate(bytes);
      expect(block.address % 64).toBe(0);
      expect(block.bytes).toBeGreaterThanOrEqual(bytes);
      expect(block.bytes).toBeLessThanOrEqual(Math.max(bytes * 1.25, bytes + 63, 64));
      memory.release(block);
    }
  });

  it('a released block is the next one of its size', () => {
    const block = memory.allocate(1000);
    memory.release(block);
    expect(memory.allocate(990)).toBe(block);
  });

  it('release() refuses a block that is not in use', () => {
    const block = memory.allocate(10);
    memory.release(block);
    expect(() => memory.release(block)).toThrow('kernels: a block of 64 bytes was released twice');
  });

  it('hold() keeps a block, in use or ready, until letGo(), and tells when its owner releases it', () => {
    const [owned, ready] = [memory.allocate(5000), memory.allocate(5000)];
    memory.release(ready);
    const { usedBytes } = memory;
    let told = 0;
    const holder = () => {
      told += 1;
    };
    for (const block of [owned, ready]) memory.hold(block, holder);
    expect(memory.usedBytes).toBe(usedBytes + ready.bytes);
    memory.release(owned);
    expect(told).toBe(1);
    const other = memory.allocate(5000);
    expect([owned, ready]).not.toContain(other);
    expect(() => memory.release(owned)).toThrow('released twice');
    for (const block of [owned, ready]) memory.letGo(block, holder);
    memory.release(other);
    expect(memory.usedBytes).toBe(usedBytes - owned.bytes);
    expect(told).toBe(1);
  });

  it('hold() refuses what was given back to the system', () => {
    const block = memory.allocate(123_456);
    memory.release(block);
    memory.trim();
    expect(() => memory.hold(block, () => {})).toThrow(/was given back to the system/);
  });

  it('trim() gives back what is not in use, and keeps what is', () => {
    const [kept, dropped] = [memory.allocate(3000), memory.allocate(30_000)];
    memory.floats(kept, 3)[2] = 7;
    memory.release(dropped);
    memory.trim();
    expect(memory.allocatedBytes).toBe(memory.usedBytes);
    memory.allocate(30_000);
    expect(memory.floats(kept, 3)[2]).toBe(7);
  });

  it('views stay right while memory grows', () => {
    const first = memory.allocate(64);
    memory.ints(first, 1)[0] = 42;
    const large = memory.allocate(100 << 20);
    memory.ints(large, 25 << 20)[(25 << 20) - 1] = 43;
    expect([memory.ints(first, 1)[0], memory.ints(large, 25 << 20).at(-1)]).toEqual([42, 43]);
    memory.release(large);
    memory.trim();
  });

  it('allocate() says when there is no more', () => {
    expect(() => memory.allocate(2 ** 52)).toThrow(RangeError);
    expect(() => memory.allocate(2 ** 52)).toThrow(/^kernels: no memory for \d+ bytes beside the \d+ that are in use$/);
    expect(() => memory.allocate(Number.NaN)).toThrow('kernels: bytes must not be negative, got NaN');
  });
});

const queues = await Promise.all(
  carriers.map(async (carrier) => ({
    carrier,
    kernels: await loadKernels({ carrier, threads: 2, queued: true }),
  })),
);

describe.each(queues)('a queue of calls on $carrier', ({ kernels }) => {
  it('finish() waits until all is done, in order', () => {
    expect(kernels.queued).toBe(true);
    expect(kernels.idle).toBe(true);
    const sums = Array.from({ length: 100 }, (_, i) => {
      kernels.finish(); // as x is written by JavaScript
      return twoSums(kernels, i);
    });
    expect(kernels.idle).toBe(false);
    kernels.finish();
    expect(kernels.idle).toBe(true);
    expect(sums.map((sum) => kernels.memory.floats(sum, 1)[0])).toEqual(sums.map((_, i) => 64_000 * i));
  });

  it('finished() leaves the thread to others', async () => {
    const [x, y] = [kernels.memory.allocate(4 << 20), kernels.memory.allocate(4 << 10)];
    const order: string[] = [];
    for (let i = 0; i < 500; i++)
      channelSum(kernels, { rows: 1024, channels: 1024 }, { x: { block: x, storage: 'float32' }, y });
    const finished = kernels.finished().then(() => order.push('finished'));
    setTimeout(() => order.push('timer'), 1);
    channelSum(kernels, { rows: 1, channels: 1 }, { x: { block: y, storage: 'float32' }, y });
    await finished;
    expect(kernels.idle).toBe(false); // as there is a call that came later
    await kernels.finished();
    expect(kernels.idle).toBe(true);
    expect(order).toEqual(['timer', 'finished']);
  });

  it('takes more calls than it has room for', () => {
    const block = kernels.memory.allocate(4);
    for (let i = 0; i < 20_000; i++)
      channelSum(kernels, { rows: 1, channels: 1 }, { x: { block, storage: 'float32' }, y: block });
    kernels.finish();
  });

  it('keeps what went wrong for finish(), once, and leaves out what comes after', async () => {
    const sum = twoSums(kernels, 1);
    exhaust(kernels);
    const block = kernels.memory.allocate(4);
    channelSum(kernels, { rows: 1, channels: 1 }, { x: { block: sum, storage: 'float32' }, y: block });
    expect(() => kernels.finish()).toThrow('channel_sum: out of memory; calls after it have been left out');
    kernels.finish();
    exhaust(kernels);
    await expect(kernels.finished()).rejects.toThrow('channel_sum: out of memory');
    await kernels.finished();
    expect(kernels.memory.floats(sum, 1)[0]).toBe(64_000);
  });
});

describe('loadKernels()', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('takes the best instruction set, or the one it is told to take', async () => {
    const best = await loadKernels({ carrier: 'wasm', threads: 1 });
    expect(best.carrier.isa).toBe(wasmIsas().at(-1));
    expect((await loadKernels({ isa: 'simd128', threads: 1 })).carrier).toMatchObject({ name: 'wasm', isa: 'simd128' });
  });

  it('heeds IMGCLS_ISA and IMGCLS_THREADS, unless it is told otherwise', async () => {
    vi.stubEnv('IMGCLS_ISA', 'simd128');
    vi.stubEnv('IMGCLS_THREADS', '1');
    expect(await loadKernels()).toMatchObject({ carrier: { name: 'wasm', isa: 'simd128' }, threads: 1 });
    vi.stubEnv('IMGCLS_ISA', nativeIsas().isas[0] ?? 'simd128');
    expect(await loadKernels({ carrier: 'wasm', threads: 2 })).toMatchObject({ carrier: { name: 'wasm' }, threads: 2 });
    expect((await loadKernels()).carrier.isa).toBe(process.env.IMGCLS_ISA);
    vi.stubEnv('IMGCLS_THREADS', 'many');
    await expect(loadKernels()).rejects.toThrow('loadKernels: threads must be a positive integer, got NaN');
  });

  it('refuses an instruction set that is not there', async () => {
    await expect(loadKernels({ carrier: 'wasm', isa: 'mmx' })).rejects.toThrow(
      /^loadKernels: isa must be one of simd128.* here, got mmx$/,
    );
  });

  it.each([0, 1.5, -1, Number.NaN])('refuses %s threads', async (threads) => {
    await expect(loadKernels({ threads })).rejects.toThrow(
      new RangeError(`loadKernels: threads must be a positive integer, got ${threads}`),
    );
  });
});

it('wasmIsas() names the modules that this engine can load', async () => {
  const valid = async (isa: string) =>
    WebAssembly.validate(await readFile(new URL(`../wasm/${isa}.wasm`, import.meta.url)));
  expect(wasmIsas().includes('relaxed_simd')).toBe(await valid('relaxed_simd'));
  expect(await valid('simd128')).toBe(true);
});
