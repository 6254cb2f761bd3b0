import type { Block, Memory } from './memory.ts';
import { type Call, Inside, placeOf, type Value } from './program.ts';

/** What lies within a recording alone, up to so many bytes, is laid together: more would leave the caches whatever its order. */
const mostBytes = 2 ** 26;
const alignment = 64;

/** A block from when it is allocated until it is released, and the calls between which it is used. */
interface Use {
  readonly block: Block;
  readonly bytes: number;
  first: number;
  last: number;
  isOver: boolean;
}

/**
 * The blocks of which nobody outside of a recording knows. As they are used again by size alone, those of a network's layers are several times
 * what is needed at any time; laid anew, in the places of others that are no longer needed, they stay in cache.
 */
export class Temporaries {
  readonly #uses: (Use | undefined)[][] = [];
  readonly #current = new Map<Block, Use>();

  /** A block was given out, of which so many bytes were asked for. */
  allocated(block: Block, bytes: number): void {
    this.#current.set(block, { block, bytes, first: Number.POSITIVE_INFINITY, last: -1, isOver: false });
  }

  released(block: Block): void {
    const use = this.#current.get(block);
    if (use) use.isOver = true;
    this.#current.delete(block);
  }

  /** The next call was made. */
  called({ values }: Call): void {
    const index = this.#uses.length;
    const uses = values.map((value) => {
      const place = placeOf(value);
      return place && this.#current.get(place.block);
    });
    for (const use of uses) if (use) Object.assign(use, { first: Math.min(use.first, index), last: index });
    this.#uses.push(uses);
  }

  /**
   * Where the temporary blocks of the calls may lie, if that is worth it.
   *
   * @param others Blocks that stay where they are.
   */
  arrange(others: ReadonlySet<Block>): Arrangement | undefined {
    const temporary = new Set(this.#uses.flat().filter((use) => use?.isOver && !others.has(use.block)));
    const { offsets, bytes } = arranged([...temporary] as Use[]);
    return bytes > 0 && bytes <= mostBytes ? new Arrangement(bytes, this.#uses, offsets) : undefined;
  }
}

/** Places for temporary blocks in one that they share. */
export class Arrangement {
  readonly #bytes: number;
  readonly #uses: readonly (readonly (Use | undefined)[])[];
  readonly #offsets: ReadonlyMap<Use | undefined, number>;

  constructor(bytes: number, uses: readonly (readonly (Use | undefined)[])[], offsets: ReadonlyMap<Use, number>) {
    this.#bytes = bytes;
    this.#uses = uses;
    this.#offsets = offsets;
  }

  /** Whether a call is given its block anew. */
  moves(call: number, value: number): boolean {
    return this.#offsets.has(this.#uses[call]![value]);
  }

  /** The block that they share, for the caller to release, and the calls upon it. */
  apply(memory: Memory, calls: readonly Call[]): { shared: Block; calls: readonly Call[] } {
    const shared = memory.allocate(this.#bytes);
    const moved = (value: Value, use: Use | undefined): Value => {
      const offset = this.#offsets.get(use);
      return offset === undefined ? value : new Inside(shared, offset + placeOf(value)!.offset);
    };
    return {
      shared,
      calls: calls.map((call, i) => ({
        ...call,
        values: call.values.map((value, j) => moved(value, this.#uses[i]![j])),
      })),
    };
  }
}

/** Places for all, so that none shares memory with another one that is used meanwhile: the largest first, each as low as it can lie. */
function arranged(uses: readonly Use[]): { offsets: ReadonlyMap<Use, number>; bytes: number } {
  const placed: { use: Use; begin: number; end: number }[] = []; // by where they begin
  for (const use of [...uses].sort((a, b) => b.bytes - a.bytes)) {
    const size = Math.ceil(use.bytes / alignment) * alignment;
    let begin = 0;
    for (const other of placed) {
      if (other.use.last < use.first || use.last < other.use.first) continue;
      if (begin + size <= other.begin) break;
      begin = Math.max(begin, other.end);
    }
    const after = placed.findIndex((other) => other.begin > begin);
    placed.splice(after < 0 ? placed.length : after, 0, { use, begin, end: begin + size });
  }
  return {
    offsets: new Map(placed.map(({ use, begin }) => [use, begin])),
    bytes: placed.reduce((most, { end }) => Math.max(most, end), 0),
  };
}
