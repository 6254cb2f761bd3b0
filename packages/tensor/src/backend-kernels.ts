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
      await registerKernels(name, options.fallbacks ?? true);
      engine().registryFactory[name] = { factory: async () => (await self.open(options)).backend, priority: 1 };
      return { backend, hardware: 'cpu', device: deviceOf(backend.kernels), version };
    },
  };
  return self;
}

async function load(
  carrier: Name,
  { threads, wasmPath, queued = false }: BackendOptions,
  nextStep: string,
): Promise<Kernels> {
  try {
    return await loadKernels({ carrier, queued, ...(threads && { threads }), ...(wasmPath && { wasmPath }) });
  } catch (error) {
    throw new BackendError(carrier, messageOf(error), nextStep, { cause: error });
  }
}

/**
 * Registers our kernels, each of which can leave a run that is not for it (types and forms that no network has) to tfjs's kernel of the same
 * name, and tfjs's kernels of all other names.
 */
async function registerKernels(backendName: Name, withFallbacks: boolean): Promise<void> {
  const known = withFallbacks ? 'Einsum' : 'Identity'; // not ours, and ours
  if (getKernel(known, backendName)) return;
  const fallbacks = new Map<string, KernelFunc>(withFallbacks ? await stockFallbacks() : []);
  for (const [kernelName, fallback] of fallbacks)
    if (!stockKernels[kernelName]) registerKernel({ kernelName, backendName, kernelFunc: fallback });
  for (const [kernelName, own] of Object.entries(stockKernels)) {
    const fallback = fallbacks.get(kernelName) ?? missing(kernelName, backendName);
    const kernelFunc: KernelFunc = (run) =>
      own(run.backend as KernelsBackend, run.inputs, run.attrs ?? {}) ?? fallback(run);
    registerKernel({ kernelName, backendName, kernelFunc });
  }
}

type KernelFunc = KernelConfig['kernelFunc'];

/** What tfjs has; what we have composed of it for `cpu`, in whatever ran there before, is no better than ours. */
async function stockFallbacks(): Promise<(readonly [string, KernelFunc])[]> {
  await import('@tensorflow/tfjs-backend-cpu');
  return getKernelsForBackend('cpu')
    .filter(({ kernelName }) => !kernelName.startsWith('Imgcls'))
    .map(({ kernelName, kernelFunc }) => [kernelName, kernelFunc]);
}

const missing =
  (kernelName: string, backendName: Name): KernelFunc =>
  ({ inputs }) => {
    const types = Object.entries(inputs).map(([name, x]) => `${name}: ${x?.dtype} [${x?.shape}]`);
    throw new Error(
      `${kernelName}: ${backendName} has no kernel of its own for (${types.join(', ')}); leave out fallbacks: false in useBackend()`,
    );
  };

/** As in `CPU, AVX-512, 2 threads`. */
function deviceOf({ carrier: { isa }, threads }: Kernels): string {
  return `CPU, ${isaNames[isa] ?? isa}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
}

const isaNames: Readonly<Record<string, string>> = {
  avx2: 'AVX2',
  avx512: 'AVX-512',
  avx512_bf16: 'AVX-512 with BF16',
  amx: 'AVX-512 with AMX',
  neon: 'NEON',
  neon_bf16: 'NEON with BF16',
  simd128: 'WebAssembly with SIMD',
  relaxed_simd: 'WebAssembly with relaxed SIMD',
};
