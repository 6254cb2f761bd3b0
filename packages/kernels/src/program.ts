import type { Block, Memory } from './memory.ts';

export type Value = number | boolean | Block | undefined;

/** A call: the kernel's number, the instruction set's, and what the kernel is given. */
export interface Call {
  readonly name: string;
  readonly kernel: number;
  readonly isa: number;
  readonly values: readonly Value[];
}

/** Calls, and what must hold for them to mean the same. */
export interface Recorded {
  readonly calls: readonly Call[];
  readonly conditions: readonly (() => boolean)[];
}

/** Numbers of a call before its arguments: see native/interface.h. */
export const header = 4;

/** Writes a call as kernels read it. */
export function writeCall(numbers: Float64Array, at: number, { kernel, isa, values }: Call, threads: number): void {
  numbers[at] = kernel;
  numbers[at + 1] = isa;
  numbers[at + 2] = threads;
  numbers[at + 3] = values.length;
  values.forEach((value, i) => {
    numbers[at + header + i] = typeof value === 'object' ? value.address : Number(value ?? 0);
  });
}

/**
 * Calls that were made once, to be made again: they lie written in memory, and the blocks that they work on are kept for them.
 *
 * A few of the blocks, the slots, are others each time.
 */
export class Program {
  readonly calls: readonly Call[];
  readonly #memory: Memory;
  readonly #numbers: Block;
  readonly #starts: number[] = [];
  readonly #places: number[][];
  readonly #held = new Set<Block>();
  readonly #conditions: readonly (() => boolean)[];
  #isSpoilt = false;
  readonly #spoil = () => {
    this.#isSpoilt = true;
  };

  constructor(memory: Memory, { calls, conditions }: Recorded, slots: readonly Block[]) {
    this.calls = calls;
    this.#conditions = conditions;
    this.#memory = memory;
    this.#places = slots.map(() => []);
    const count = calls.reduce((sum, { values }) => sum + header + values.length, 0);
    this.#numbers = memory.allocate(count * Float64Array.BYTES_PER_ELEMENT);
    let at = 0;
    for (const call of calls) {
      this.#starts.push(at);
      writeCall(this.#view(), at, call, 1);
      at += header;
      for (const value of call.values) this.#keep(value, at++, slots);
    }
  }

  /** Whether what the calls read is out of date: somebody has released it, such as weights, or a condition no longer holds. */
  get isStale(): boolean {
    return this.#isSpoilt || !this.#conditions.every((holds) => holds());
  }

  /** Puts other blocks into the slots. Returns the addresses of the calls. */
  prepare(threads: number, blocks: readonly Block[]): readonly number[] {
    const numbers = this.#view();
    for (const start of this.#starts) numbers[start + 2] = threads;
    for (const [i, places] of this.#places.entries()) for (const place of places) numbers[place] = blocks[i]!.address;
    return this.#starts.map((start) => this.#numbers.address + start * Float64Array.BYTES_PER_ELEMENT);
  }

  release(): void {
    for (const block of this.#held) this.#memory.letGo(block, this.#spoil);
    this.#memory.release(this.#numbers);
  }

  #keep(value: Value, place: number, slots: readonly Block[]): void {
    if (typeof value !== 'object') return;
    const slot = slots.indexOf(value);
    if (slot >= 0) this.#places[slot]!.push(place);
    else if (!this.#held.has(value)) {
      this.#memory.hold(value, this.#spoil);
      this.#held.add(value);
    }
  }

  #view(): Float64Array {
    return this.#memory.doubles(this.#numbers, this.#numbers.bytes / Float64Array.BYTES_PER_ELEMENT);
  }
}
