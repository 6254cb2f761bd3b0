/** Whatever carries the compiled kernels: the Node-API addon, or a WebAssembly module. Addresses are numbers, 0 is none. */
export interface Carrier {
  readonly name: 'native' | 'wasm';
  /** The instruction set, such as `avx512`, and its number among those of the build. */
  readonly isa: string;
  readonly isaNumber: number;
  /** The most threads that can share the work. */
  readonly mostThreads: number;
  /** The names of the kernels, which stand for them by their place. */
  readonly kernels: readonly string[];
  /** Runs the call that lies at an address as numbers (see native/interface.h). What went wrong, or nothing. */
  call(callAt: number): string | undefined;
  /**
   * Runs so many calls that lie one behind the other, up to the first that goes wrong, and says how many went well. Only where that is quicker than
   * one by one, which costs WebAssembly nothing.
   */
  readonly calls?: ((firstAt: number, count: number) => number) | undefined;
  /** An address on a 64-byte boundary; 0 if there is no memory. */
  allocate(bytes: number): number;
  release(address: number, bytes: number): void;
  /** Only where the kernels were compiled to look for errors: of the block at an address so many bytes are in use, the others must not be touched. */
  readonly guard?: ((address: number, used: number, bytes: number) => void) | undefined;
  /** The memory at an address: valid until more is allocated, which may detach the buffer. */
  view(address: number, bytes: number): { buffer: ArrayBufferLike; byteOffset: number };
  /** Runs calls in order, on a thread of their own. Nothing where there is none. */
  readonly queue: CallQueue | undefined;
}

/** What the addon offers on this machine. */
export interface NativeIsas {
  isas: readonly string[];
  /** Why there are none, where one could expect some. */
  problem: string | undefined;
}

/** Calls that wait for their turn. */
export interface CallQueue {
  /** Copies the call that lies at an address to the end. */
  push(callAt: number): void;
  /** Blocks until all is done. */
  finish(): void;
  /** Resolves when all that was pushed so far is done. */
  finished(): Promise<void>;
  /** What went wrong first, in which kernel; later calls have been left out. Asking clears it. */
  takeProblem(): { kernel: number; problem: string } | undefined;
}

/** Numbers the promises that wait for a queue to come to a mark. */
export class Marks {
  readonly #waiting = new Map<number, () => void>();
  #last = 0;

  /** Sets a mark; resolves when it is told. */
  wait(set: (mark: number) => void): Promise<void> {
    const mark = ++this.#last;
    return new Promise((resolve) => {
      this.#waiting.set(mark, resolve);
      set(mark);
    });
  }

  tell(mark: number): void {
    this.#waiting.get(mark)?.();
    this.#waiting.delete(mark);
  }

  get pending(): number {
    return this.#waiting.size;
  }
}
