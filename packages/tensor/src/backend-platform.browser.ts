import { cpu } from './backend-cpu.ts';
import { BackendError, type Engine, unavailable } from './backend-engine.ts';
import { wasm } from './backend-kernels.ts';
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
