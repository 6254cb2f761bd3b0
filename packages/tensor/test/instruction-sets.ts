import { type LoadOptions, loadKernels } from '@imgcls/kernels';
import { engine, setBackend } from '@tensorflow/tfjs-core';
import { useBackend } from '../src/backend.ts';
import { KernelsBackend } from '../src/kernels-backend.ts';

const orders = {
  native: ['avx2', 'avx512', 'avx512_bf16', 'amx'],
  wasm: ['simd128', 'relaxed_simd'],
};

/** The instruction sets of a carrier that this machine understands. */
export async function instructionSets(carrier: 'native' | 'wasm'): Promise<string[]> {
  const best = (await loadKernels({ carrier })).carrier.isa;
  return orders[carrier].includes(best) ? orders[carrier].slice(0, orders[carrier].indexOf(best) + 1) : [best];
}

/** Makes `native` or `wasm` compute on kernels that are loaded with these options. */
export async function useKernels(carrier: 'native' | 'wasm', options: LoadOptions): Promise<void> {
  await useBackend(carrier);
  engine().registry[carrier] = new KernelsBackend(await loadKernels({ ...options, carrier }));
  await setBackend(carrier);
}
