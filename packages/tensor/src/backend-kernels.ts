import { type Kernels, loadKernels, version } from '@imgcls/kernels';
import { engine, getKernel, getKernelsForBackend, type KernelConfig, registerKernel } from '@tensorflow/tfjs-core';
import { BackendError, type BackendOptions, type Engine, messageOf } from './backend-engine.ts';
import { KernelsBackend } from './kernels-backend.ts';
import { stockKernels } from './own/stock.ts';

type Name = 'native' | 'wasm';

/** Our kernels as an addon, on any machine that there is one for. */
export const native = kernelsEngine('native', `use 'wasm': the same kernels as WebAssembly`);

/** Our kernels as WebAssembly: everywhere, with threads in Node and in pages that are isolated from other origins. */
export const wasm = kernelsEngine(
  'wasm',
  `serve the .wasm files of @imgcls/kernels beside the page's script, or say where they are: useBackend('wasm', { wasmPath: '/wasm/' })`,
);

/** Opens a backend on our kernels, with all kernels of tfjs: ours, and for the others those of tfjs's `cpu` backend. */
function kernelsEngine(name: Name, nextStep: string): Engine {
  const self: Engine = {
    name,
    async open(options, running) {
      const backend =
        (running as KernelsBackend | undefined) ?? new KernelsBackend(await load(name, options, nextStep));
      if (options.threads !== undefined) backend.kernels.threads = options.threads;
      if (!getKernel('Identity', name)) await registerKernels(name);
      engine().registryFactory[name] = { factory: async () => (await self.open(options)).backend, priority: 1 };
      return { backend, hardware: 'cpu', device: deviceOf(backend.kernels), version };
    },
  };
  return self;
}

async function load(carrier: Name, { threads, wasmPath }: BackendOptions, nextStep: string): Promise<Kernels> {
  try {
    return await loadKernels({ carrier, ...(threads && { threads }), ...(wasmPath && { wasmPath }) });
  } catch (error) {
    throw new BackendError(carrier, messageOf(error), nextStep, { cause: error });
  }
}

/** Kernels that we have are used where they can do what is asked (see own/own.ts); the fallback is always tfjs's own. */
async function registerKernels(backendName: Name): Promise<void> {
  await import('@tensorflow/tfjs-backend-cpu');
  for (const { kernelName, kernelFunc: fallback, ...rest } of getKernelsForBackend('cpu')) {
    const own = stockKernels[kernelName];
    const kernelFunc: KernelConfig['kernelFunc'] = own
      ? (run) => own(run.backend as KernelsBackend, run.inputs, run.attrs ?? {}) ?? fallback(run)
      : fallback;
    registerKernel({ ...rest, kernelName, backendName, kernelFunc });
  }
}

/** As in `CPU, AVX-512, 2 threads`. */
function deviceOf({ carrier: { isa }, threads }: Kernels): string {
  return `CPU, ${isaNames[isa] ?? isa}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
}

const isaNames: Readonly<Record<string, string>> = {
  avx2: 'AVX2',
  avx512: 'AVX-512',
  neon: 'NEON',
  simd128: 'WebAssembly with SIMD',
  relaxed_simd: 'WebAssembly with relaxed SIMD',
};
