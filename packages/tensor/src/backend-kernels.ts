import type { Kernels } from '@imgcls/kernels';
import { engine, getKernel, getKernelsForBackend, type KernelConfig, registerKernel } from '@tensorflow/tfjs-core';
import { BackendError, type Engine, messageOf } from './backend-engine.ts';
import { KernelsBackend } from './kernels-backend.ts';
import { ownKernels } from './own-kernels.ts';

/** Our kernels as an addon: any machine for which there is one. */
export const native: Engine = kernelsEngine('native', `use 'wasm', which computes the same`);

/** Opens a backend on our kernels, with all kernels of tfjs: ours, and for the others those of tfjs's `cpu` backend. */
function kernelsEngine(name: 'native', nextStep: string): Engine {
  const self: Engine = {
    name,
    async open(_options, running) {
      const backend = (running as KernelsBackend | undefined) ?? new KernelsBackend(await load(name, nextStep));
      if (!getKernel('Identity', name)) registerKernels(name, await stockKernels());
      engine().registryFactory[name] = { factory: async () => (await self.open({})).backend, priority: 1 };
      return { backend, hardware: 'cpu', device: deviceOf(backend.kernels), version: '0.0.0' };
    },
  };
  return self;
}

async function load(name: 'native', nextStep: string): Promise<Kernels> {
  try {
    const { loadKernels } = await import('@imgcls/kernels');
    return loadKernels();
  } catch (error) {
    throw new BackendError(name, messageOf(error), nextStep, { cause: error });
  }
}

async function stockKernels(): Promise<KernelConfig[]> {
  await import('@tensorflow/tfjs-backend-cpu');
  return getKernelsForBackend('cpu');
}

function registerKernels(backendName: string, stock: readonly KernelConfig[]): void {
  for (const { kernelName, kernelFunc: fallback, ...rest } of stock) {
    const own = ownKernels[kernelName];
    const kernelFunc: KernelConfig['kernelFunc'] = own
      ? (run) => own(run.backend as KernelsBackend, run.inputs, run.attrs ?? {}) ?? fallback(run)
      : fallback;
    registerKernel({ ...rest, kernelName, backendName, kernelFunc });
  }
}

function deviceOf({ carrier }: Kernels): string {
  const isa = carrier.isas().at(-1)!;
  const threads = carrier.threads();
  return `CPU, ${isaNames[isa] ?? isa}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
}

const isaNames: Record<string, string> = { avx2: 'AVX2', avx512: 'AVX-512', generic: 'NEON' };
