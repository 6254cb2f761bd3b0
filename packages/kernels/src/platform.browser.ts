import type { WasmFile, WorkerHandle, WorkerMessage } from './wasm.ts';

export { nativeIsas, openNative } from './native.browser.ts';

export const environment = () => ({ isa: undefined, threads: undefined });

export const processors = (): number => globalThis.navigator?.hardwareConcurrency ?? 1;

/** Whether workers can share memory: only where the page is isolated from other origins. */
export const sharesMemory = globalThis.crossOriginIsolated === true;

/** Browsers have it or not. */
export const askForRelaxedSimd = (): void => undefined;

/** Written out like this, Vite, webpack 5 and plain pages find the files. */
const files: Record<WasmFile, URL> = {
  'simd128.wasm': new URL('../wasm/simd128.wasm', import.meta.url),
  'simd128-threads.wasm': new URL('../wasm/simd128-threads.wasm', import.meta.url),
  'relaxed_simd.wasm': new URL('../wasm/relaxed_simd.wasm', import.meta.url),
  'relaxed_simd-threads.wasm': new URL('../wasm/relaxed_simd-threads.wasm', import.meta.url),
};

/** @throws {Error} if the file is not there. */
export async function compileWasm(file: WasmFile, folder?: string): Promise<WebAssembly.Module> {
  const url = folder === undefined ? files[file] : new URL(file, new URL(folder, globalThis.location?.href));
  const response = await fetch(url);
  if (!response.ok)
    throw new Error(
      `kernels: ${url} could not be loaded (HTTP ${response.status}); serve it there, or say where it is by wasmPath`,
    );
  return WebAssembly.compile(await response.arrayBuffer());
}

/** Starts wasm/worker.mjs. */
export function startWorker(data: unknown, receive: (message: WorkerMessage) => void): WorkerHandle {
  const worker = new Worker(new URL('../wasm/worker.mjs', import.meta.url), { type: 'module', name: 'imgcls' });
  worker.onmessage = (event) => receive(event.data);
  worker.onerror = ({ message }) => receive({ problem: message ?? 'worker.mjs could not be loaded' });
  worker.postMessage(data);
  return { ref: () => undefined, unref: () => undefined };
}
