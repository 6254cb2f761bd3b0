import { nativeCarrier } from '#carrier';
import type { Carrier } from './carrier.ts';
import { type Block, Memory } from './memory.ts';

const mostArguments = 128;

/** The kernels, ready to be called, and the memory they work on. */
export class Kernels {
  readonly carrier: Carrier;
  readonly memory: Memory;
  readonly #arguments: Block;
  readonly #indices = new Map<string, number>();

  constructor(carrier: Carrier) {
    this.carrier = carrier;
    this.memory = new Memory(carrier);
    this.#arguments = this.memory.allocate(mostArguments * Float64Array.BYTES_PER_ELEMENT);
  }

  /**
   * Runs a kernel on its arguments: numbers, and blocks, which stand for their addresses.
   *
   * @throws {Error} if it can't be done, naming the kernel.
   */
  call(name: string, ...values: readonly (number | boolean | Block | undefined)[]): void {
    const { buffer, byteOffset } = this.memory.view(this.#arguments);
    const numbers = new Float64Array(buffer, byteOffset, mostArguments);
    values.forEach((value, i) => {
      numbers[i] = typeof value === 'object' ? value.address : Number(value ?? 0);
    });
    const problem = this.carrier.call(this.#index(name), this.#arguments.address);
    if (problem) throw new Error(`${name}: ${problem}`);
  }

  #index(name: string): number {
    const known = this.#indices.get(name);
    if (known !== undefined) return known;
    const index = this.carrier.kernel(name);
    if (index < 0) throw new Error(`kernels: ${this.carrier.name} has no kernel "${name}"; build it again`);
    this.#indices.set(name, index);
    return index;
  }
}

/** Loads the kernels. */
export function loadKernels(): Kernels {
  return new Kernels(nativeCarrier());
}
