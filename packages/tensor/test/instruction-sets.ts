import { type LoadOptions, loadKernels } from '@imgcls/kernels';
import { engine, setBackend } from '@tensorflow/tfjs-core';
import { useBackend } from '../src/backend.ts';
import { KernelsBackend } from '../src/kernels-backend.ts';

const best = (await loadKernels({ carrier: 'native' })).carrier.isa;

const x64 = ['avx2', 'avx512', 'avx512_bf16'];
/** The instruction sets of `native` that this machine understands. */
export const instructionSets = x64.includes(best) ? x64.slice(0, x64.indexOf(best) + 1) : [best];

/** Makes `native` or `wasm` compute on kernels that are loaded with these options. */
export async function useKernels(carrier: 'native' | 'wasm', options: LoadOptions): Promise<void> {
  await useBackend(carrier);
  engine().registry[carrier] = new KernelsBackend(await loadKernels({ ...options, carrier }));
  await setBackend(carrier);
}
