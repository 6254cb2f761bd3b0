import type { Block, Kernels } from '@imgcls/kernels';

/**
 * Where JavaScript writes while calls wait in a queue. A block that was released may still be in use by calls that were made before, so
 * values go through a block that no call uses, and a call brings them to their place.
 */
export class Staging {
  readonly #kernels: Kernels;
  readonly #idle = new Map<number, Block[]>();
  #busy: { bytes: number; block: Block }[] = [];

  constructor(kernels: Kernels) {
    this.#kernels = kernels;
  }

  /** A block of so many bytes for JavaScript to write, and then for one call to read. */
  take(bytes: number): Block {
    const block = this.#idle.get(bytes)?.pop() ?? this.#another(bytes);
    this.#busy.push({ bytes, block });
    return block;
  }

  /** Blocks until all calls are done. */
  finish(): void {
    this.#kernels.finish();
    this.#free(this.#busy);
    this.#busy = [];
  }

  /** Resolves when all calls made so far are done. */
  async finished(): Promise<void> {
    const busy = this.#busy;
    this.#busy = [];
    try {
      await this.#kernels.finished();
    } finally {
      this.#free(busy);
    }
  }

  release(): void {
    this.finish();
    for (const block of [...this.#idle.values()].flat()) this.#kernels.memory.release(block);
    this.#idle.clear();
  }

  /** One of that size that is in use is waited for; the first of its size is new. */
  #another(bytes: number): Block {
    if (this.#busy.some((each) => each.bytes === bytes)) this.finish();
    return this.#idle.get(bytes)?.pop() ?? this.#kernels.memory.allocateNew(bytes);
  }

  #free(blocks: readonly { bytes: number; block: Block }[]): void {
    for (const { bytes, block } of blocks) {
      const idle = this.#idle.get(bytes);
      if (idle) idle.push(block);
      else this.#idle.set(bytes, [block]);
    }
  }
}
