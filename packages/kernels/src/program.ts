import type { Block, Memory } from './memory.ts';
import type { Temporaries } from './temporaries.ts';

export type Value = number | boolean | Block | Inside | Drawn | undefined;

/** A place in a block. */
export class Inside {
  readonly block: Block;
  /** Bytes from the block's beginning. */
  readonly offset: number;

  constructor(block: Block, offset: number) {
    this.block = block;
    this.offset = offset;
  }
}

/** A number that is another one each time the calls of a recording are made: what `next` gives then. */
export class Drawn {
  readonly #next: () => number;
  #value: number;

  constructor(next: () => number) {
    this.#next = next;
    this.#value = next();
  }

  /** The number for the calls that are made at present. */
  valueOf(): number {
    return this.#value;
  }

  draw(): void {
    this.#value = this.#next();
  }
}

/** A call: the kernel's number, the instruction set's, and what the kernel is given. */
export interface Call {
  readonly name: string;
  readonly kernel: number;
  readonly isa: number;
  readonly values: readonly Value[];
}

/** What a recording has noted. */
export interface Recorded {
  readonly calls: Call[];
  /** What must hold for the calls to mean the same. */
  readonly conditions: (() => boolean)[];
  /** The same of what does not change but where `changes` counts it. */
  readonly unchanged: (() => boolean)[];
  readonly changes: { readonly count: number };
  /** What is done besides, each time before the calls are made. */
  readonly effects: (() => void)[];
  /** The numbers that are others each time, in the order in which they are drawn. */
  readonly drawn: Drawn[];
  /** Blocks that JavaScript has written, for the calls to read. */
  readonly constants: Set<Block>;
  /** Blocks that nobody else knows. */
  readonly temporaries: Temporaries;
}

/** Who holds constants: they stay what they are, whoever else releases them. */
export const holdsConstants = (): void => undefined;

/** Numbers of a call before its arguments: see native/interface.h. */
export const header = 4;

/** Writes a call as kernels read it. */
export function writeCall(numbers: Float64Array, at: number, { kernel, isa, values }: Call, threads: number): void {
  numbers[at] = kernel;
  numbers[at + 1] = isa;
  numbers[at + 2] = threads;
  numbers[at + 3] = values.length;
  values.forEach((value, i) => {
    numbers[at + header + i] = numberOf(value);
  });
}

/** The block that a value is or lies in, and how far from its beginning. */
export function placeOf(value: Value): Inside | undefined {
  if (typeof value !== 'object' || value instanceof Drawn) return undefined;
  return value instanceof Inside ? value : new Inside(value, 0);
}

function numberOf(value: Value): number {
  const inside = placeOf(value);
  return inside ? inside.block.address + inside.offset : Number(value ?? 0);
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
  readonly #shared: Block | undefined;
  readonly #starts: number[] = [];
  /** Where the numbers lie that are others each time. */
  readonly #slots: { readonly at: number; readonly slot: number; readonly offset: number }[] = [];
  readonly #drawn: { readonly at: number; readonly drawn: Drawn }[] = [];
  readonly #held = new Set<Block>();
  readonly #recorded: Recorded;
  #isSpoilt = false;
  /** How many changes had been counted when all conditions held. */
  #seen = -1;
  readonly #spoil = () => {
    this.#isSpoilt = true;
  };

  /** @hidden `record` of `Kernels` makes them. */
  constructor(memory: Memory, recorded: Recorded, slots: readonly Block[]) {
    const arrangement = recorded.temporaries.arrange(new Set([...recorded.constants, ...slots]));
    this.#recorded = recorded;
    this.#memory = memory;
    let at = 0;
    for (const [i, { values }] of recorded.calls.entries()) {
      this.#starts.push(at);
      at += header;
      for (const [j, value] of values.entries()) {
        if (!arrangement?.moves(i, j)) this.#keep(value, at, slots);
        at++;
      }
    }
    // After the others are held: no call may write into these.
    const { calls, shared } = arrangement?.apply(memory, recorded.calls) ?? {
      calls: recorded.calls,
      shared: undefined,
    };
    this.calls = calls;
    this.#shared = shared;
    this.#numbers = memory.allocate(at * Float64Array.BYTES_PER_ELEMENT);
    for (const [i, call] of calls.entries()) writeCall(this.#view(), this.#starts[i]!, call, 1);
  }

  /** How many numbers are drawn anew each time. */
  get draws(): number {
    return this.#recorded.drawn.length;
  }

  /** Whether what the calls read is out of date: somebody has released it, such as weights, or a condition no longer holds. */
  get isStale(): boolean {
    const { conditions, unchanged, changes } = this.#recorded;
    const hold = (all: readonly (() => boolean)[]) => all.every((holds) => holds());
    if (this.#isSpoilt || !hold(conditions)) return true;
    if (this.#seen === changes.count) return false; // there may be hundreds, of which the caches know nothing any more
    if (!hold(unchanged)) return true;
    this.#seen = changes.count;
    return false;
  }

  /** Puts other blocks into the slots, draws numbers, and does what is done besides the calls. Returns their addresses. */
  prepare(threads: number, blocks: readonly Block[]): readonly number[] {
    for (const effect of this.#recorded.effects) effect();
    for (const drawn of this.#recorded.drawn) drawn.draw();
    const numbers = this.#view();
    for (const { at, drawn } of this.#drawn) numbers[at] = drawn.valueOf();
    for (const start of this.#starts) numbers[start + 2] = threads;
    for (const { at, slot, offset } of this.#slots) numbers[at] = blocks[slot]!.address + offset;
    return this.#starts.map((start) => this.#numbers.address + start * Float64Array.BYTES_PER_ELEMENT);
  }

  release(): void {
    for (const block of this.#held) this.#memory.letGo(block, this.#spoil);
    for (const block of this.#recorded.constants) this.#memory.letGo(block, holdsConstants);
    this.#memory.release(this.#numbers);
    if (this.#shared) this.#memory.release(this.#shared);
  }

  #keep(value: Value, at: number, slots: readonly Block[]): void {
    if (value instanceof Drawn) this.#drawn.push({ at, drawn: value });
    const inside = placeOf(value);
    if (!inside) return;
    const { block, offset } = inside;
    const slot = slots.indexOf(block);
    if (slot >= 0) this.#slots.push({ at, slot, offset });
    else if (!this.#held.has(block) && !this.#recorded.constants.has(block)) {
      this.#memory.hold(block, this.#spoil);
      this.#held.add(block);
    }
  }

  #view(): Float64Array {
    return this.#memory.doubles(this.#numbers, this.#numbers.bytes / Float64Array.BYTES_PER_ELEMENT);
  }
}
