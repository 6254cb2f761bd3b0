import type { Key, Random } from '@imgcls/random';

/** A stream that draws from another one each time, and counts how often it is asked. */
export class Redirected implements Random {
  uses = 0;
  #target: Random | undefined;

  /** Draws from a stream while a function runs. */
  during<T>(target: Random, run: () => T): T {
    const outer = this.#target;
    this.#target = target;
    try {
      return run();
    } finally {
      this.#target = outer;
    }
  }

  uint32(): number {
    return this.#used().uint32();
  }

  uniform(): number {
    return this.#used().uniform();
  }

  int(bound: number): number {
    return this.#used().int(bound);
  }

  normal(): number {
    return this.#used().normal();
  }

  permutation(length: number): Int32Array {
    return this.#used().permutation(length);
  }

  fork(...keys: Key[]): Random {
    return this.#used().fork(...keys);
  }

  #used(): Random {
    if (!this.#target) throw new Error('compiledStep: its random numbers can be drawn only while it runs');
    this.uses += 1;
    return this.#target;
  }
}
