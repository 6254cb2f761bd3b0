import { cpu } from './backend-cpu.ts';
import { BackendError, type Engine, unavailable } from './backend-engine.ts';
import { wasm } from './backend-wasm.ts';
import { webgl } from './backend-webgl.ts';
import { webgpu } from './backend-webgpu.ts';

/** Every engine that browsers know of. */
export const engines: readonly Engine[] = [
  unavailable('tensorflow', 'TensorFlow runs in Node only', `use 'webgpu', 'webgl' or 'wasm'`),
  webgpu,
  unavailable('native', 'browsers run no native code', `use 'wasm': the same kernels as WebAssembly`),
  webgl,
  wasm,
  cpu,
];

/** The build lays these files beside the bundle; written like this, Vite, webpack 5 and plain pages find them. */
export const wasmFiles = {
  'tfjs-backend-wasm.wasm': new URL('./tfjs-backend-wasm.wasm', import.meta.url).href,
  'tfjs-backend-wasm-simd.wasm': new URL('./tfjs-backend-wasm-simd.wasm', import.meta.url).href,
  'tfjs-backend-wasm-threaded-simd.wasm': new URL('./tfjs-backend-wasm-threaded-simd.wasm', import.meta.url).href,
};

/** The tfjs that a script tag has brought; one inside a bundle leaves no trace of its version. */
export function loadedCores(): Map<string, string> {
  const { tf } = globalThis as { tf?: { version_core?: string } };
  return new Map(tf?.version_core ? [['the script that defines window.tf', tf.version_core]] : []);
}

export async function openGpu(): Promise<{ api: GPU; release: () => void }> {
  const api = globalThis.navigator?.gpu;
  if (api) return { api, release: () => undefined };
  const nextStep = `open the page over https: in a current Chrome, Edge, Firefox or Safari, or use 'webgl'`;
  throw new BackendError('webgpu', 'this browser gives no navigator.gpu', nextStep);
}
