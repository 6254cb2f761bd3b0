import { loadKernels } from '@imgcls/kernels';
import { engine, setBackend } from '@tensorflow/tfjs-core';
import { useBackend } from '../src/backend.ts';
import { KernelsBackend } from '../src/kernels-backend.ts';

const best = (await loadKernels({ carrier: 'native' })).carrier.isa;

/** The instruction sets of `native` that this machine understands. */
export const instructionSets = best === 'avx512' ? ['avx2', 'avx512'] : [best];

/** Makes `native` compute with an instruction set. */
export async function useInstructionSet(isa: string): Promise<void> {
  await useBackend('native');
  engine().registry.native = new KernelsBackend(await loadKernels({ carrier: 'native', isa }));
  await setBackend('native');
}
