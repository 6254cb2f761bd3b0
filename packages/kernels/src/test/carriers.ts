import { nativeIsas } from '#platform';
import { type Kernels, loadKernels } from '../kernels.ts';
import { wasmIsas } from '../wasm.ts';

export interface Carried {
  /** Such as `native avx2`. */
  name: string;
  kernels: Kernels;
}

/** Those that work on this machine. */
export const carriers: readonly ('native' | 'wasm')[] = nativeIsas().isas.length > 0 ? ['native', 'wasm'] : ['wasm'];

/** The kernels on every carrier and every instruction set that this machine has: `describe.each(await everyCarrier())`. */
export async function everyCarrier(): Promise<Carried[]> {
  const native = nativeIsas().isas.map((isa) => ({ carrier: 'native' as const, isa, threads: 3 }));
  const wasm = wasmIsas().flatMap((isa) => [1, 3].map((threads) => ({ carrier: 'wasm' as const, isa, threads })));
  return Promise.all(
    [...native, ...wasm].map(async (options) => ({
      name: `${options.carrier} ${options.isa} ${options.threads === 1 ? '1 thread' : `${options.threads} threads`}`,
      kernels: await loadKernels(options),
    })),
  );
}
