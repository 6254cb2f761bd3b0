import type { Carrier } from './carrier.ts';

/** A piece of kernel memory. */
export interface Block {
  readonly address: number;
  readonly bytes: number;
}

/** What keeps memory from being given back to the system between two steps: blocks by size, used again. */
export class Memory {
  readonly #carrier: Carrier;
  readonly #free = new Map<number, Block[]>();
  readonly #views = new Map<number, { buffer: ArrayBufferLike; byteOffset: number }>();

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
    const size = sizeClass(bytes);
    const block = this.#free.get(size)?.pop() ?? this.#fresh(size);
    this.usedBytes += size;
    return block;
  }

  /** Lays a block ready for whoever asks next. */
  release(block: Block): void {
    this.usedBytes -= block.bytes;
    const free = this.#free.get(block.bytes);
    if (free) free.push(block);
    else this.#free.set(block.bytes, [block]);
  }

  /** The block's memory, for as long as nothing else is allocated. */
  view(block: Block): { buffer: ArrayBufferLike; byteOffset: number } {
    const known = this.#views.get(block.address);
    if (known && known.buffer.byteLength > 0) return known;
    const view = this.#carrier.view(block.address, block.bytes);
    this.#views.set(block.address, view);
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

  #fresh(size: number): Block {
    const address = this.#carrier.allocate(size);
    if (!address) throw new RangeError(`kernels: no memory for ${size} bytes, ${this.allocatedBytes} are allocated`);
    this.allocatedBytes += size;
    return { address, bytes: size };
  }
}

/** Up to 1 KiB the next power of two, then four sizes to each doubling: at most a quarter lies idle. */
function sizeClass(bytes: number): number {
  if (bytes <= 64) return 64;
  const step = 2 ** Math.max(6, Math.ceil(Math.log2(bytes)) - 3);
  return Math.ceil(bytes / step) * step;
}
