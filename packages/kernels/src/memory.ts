import type { Carrier } from './carrier.ts';

/** A piece of kernel memory. */
export interface Block {
  readonly address: number;
  readonly bytes: number;
}

export interface View {
  buffer: ArrayBufferLike;
  byteOffset: number;
}

/** What keeps memory from being given back to the system between two steps: blocks by size, used again. */
export class Memory {
  readonly #carrier: Carrier;
  readonly #free = new Map<number, Block[]>();
  readonly #used = new Set<Block>();
  readonly #views = new WeakMap<Block, View>();
  readonly #held = new Map<Block, { owned: boolean; readonly holders: Set<() => void> }>();

  /** Told of every block that JavaScript is about to read or write. */
  onView: ((block: Block) => void) | undefined;
  /** Told of every block that is given out, with the bytes that were asked for, and of every one that its owner releases. */
  watcher: { allocated(block: Block, bytes: number): void; released(block: Block): void } | undefined;

  /** Bytes taken from the system, and how many of them are in use. */
  allocatedBytes = 0;
  usedBytes = 0;

  constructor(carrier: Carrier) {
    this.#carrier = carrier;
  }

  /**
   * A block of at least so many bytes, with whatever was in it.
   *
   * @throws {RangeError} if the system has no more.
   */
  allocate(bytes: number): Block {
    if (!(bytes >= 0)) throw new RangeError(`kernels: bytes must not be negative, got ${bytes}`);
    const size = sizeClass(bytes);
    return this.#use(this.#free.get(size)?.pop() ?? this.#fresh(size), bytes);
  }

  /** The same, of memory that nothing has used before: no call that waits in a queue can touch it. */
  allocateNew(bytes: number): Block {
    return this.#use(this.#fresh(sizeClass(bytes)), bytes);
  }

  /**
   * Lays a block ready for whoever asks next. Calls that wait in a queue may still use it: later ones come after them.
   *
   * @throws {Error} if it is not in use, as two owners would write to it.
   */
  release(block: Block): void {
    this.watcher?.released(block);
    const held = this.#held.get(block);
    if (held?.owned) {
      held.owned = false;
      for (const tell of held.holders) tell();
      return;
    }
    if (held) throw new Error(`kernels: a block of ${block.bytes} bytes was released twice`);
    if (!this.#used.delete(block)) throw new Error(`kernels: a block of ${block.bytes} bytes was released twice`);
    this.usedBytes -= block.bytes;
    this.#carrier.guard?.(block.address, 0, block.bytes);
    const free = this.#free.get(block.bytes);
    if (free) free.push(block);
    else this.#free.set(block.bytes, [block]);
  }

  /**
   * Keeps a block that is in use, or lies ready, from being used anew, until `letGo`.
   *
   * @param released Who holds it; called when its owner releases it meanwhile.
   * @throws {Error} if it was given back to the system.
   */
  hold(block: Block, released: () => void): void {
    const held = this.#held.get(block) ?? { owned: this.#used.has(block), holders: new Set() };
    if (!held.owned && held.holders.size === 0) this.#takeFree(block);
    held.holders.add(released);
    this.#held.set(block, held);
  }

  /** The opposite of `hold`. */
  letGo(block: Block, released: () => void): void {
    const held = this.#held.get(block);
    held?.holders.delete(released);
    if (!held || held.holders.size > 0) return;
    this.#held.delete(block);
    if (!held.owned) this.release(block);
  }

  /** Gives the blocks that lie ready back to the system. */
  trim(): void {
    this.#carrier.queue?.finish();
    for (const block of [...this.#free.values()].flat()) {
      this.#carrier.guard?.(block.address, block.bytes, block.bytes);
      this.#carrier.release(block.address, block.bytes);
      this.allocatedBytes -= block.bytes;
    }
    this.#free.clear();
  }

  /** The block's memory, until more is allocated: ask again then. */
  view(block: Block): View {
    this.onView?.(block);
    const known = this.#views.get(block);
    if (known && known.buffer.byteLength > 0) return known; // WebAssembly's memory leaves a buffer of no bytes behind when it grows
    const view = this.#carrier.view(block.address, block.bytes);
    this.#views.set(block, view);
    return view;
  }

  floats(block: Block, length: number): Float32Array {
    const { buffer, byteOffset } = this.view(block);
    return new Float32Array(buffer, byteOffset, length);
  }

  doubles(block: Block, length: number): Float64Array {
    const { buffer, byteOffset } = this.view(block);
    return new Float64Array(buffer, byteOffset, length);
  }

  ints(block: Block, length: number): Int32Array {
    const { buffer, byteOffset } = this.view(block);
    return new Int32Array(buffer, byteOffset, length);
  }

  bytes(block: Block, length: number): Uint8Array {
    const { buffer, byteOffset } = this.view(block);
    return new Uint8Array(buffer, byteOffset, length);
  }

  #use(block: Block, bytes: number): Block {
    this.#used.add(block);
    this.usedBytes += block.bytes;
    this.#carrier.guard?.(block.address, bytes, block.bytes);
    this.watcher?.allocated(block, bytes);
    return block;
  }

  #takeFree(block: Block): void {
    const free = this.#free.get(block.bytes) ?? [];
    if (!free.includes(block)) throw new Error(`kernels: a block of ${block.bytes} bytes was given back to the system`);
    free.splice(free.indexOf(block), 1);
    this.#used.add(block);
    this.usedBytes += block.bytes;
    this.#carrier.guard?.(block.address, block.bytes, block.bytes);
  }

  #fresh(size: number): Block {
    const address = this.#carrier.allocate(size) || this.#allocateTrimmed(size);
    if (!address)
      throw new RangeError(`kernels: no memory for ${size} bytes beside the ${this.usedBytes} that are in use`);
    this.allocatedBytes += size;
    return { address, bytes: size };
  }

  #allocateTrimmed(size: number): number {
    this.trim();
    return this.#carrier.allocate(size);
  }
}

/** Up to 256 bytes a multiple of 64, then four sizes to each doubling: at most a quarter lies idle. */
function sizeClass(bytes: number): number {
  if (bytes <= 64) return 64;
  const step = 2 ** Math.max(6, Math.ceil(Math.log2(bytes)) - 3);
  return Math.ceil(bytes / step) * step;
}
