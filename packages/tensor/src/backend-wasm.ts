import { env, findBackendFactory } from '@tensorflow/tfjs-core';
import { wasmFiles } from '#backend-platform';
import { BackendError, type Engine, messageOf } from './backend-engine.ts';

/** tfjs's WebAssembly backend: SIMD everywhere, threads in pages that are cross-origin isolated. */
export const wasm: Engine = {
  name: 'wasm',
  async open({ wasmPath }, running) {
    const { getThreadsCount, setWasmPaths, version_wasm } = await import('@tensorflow/tfjs-backend-wasm');
    const files = wasmPath ?? wasmFiles;
    try {
      if (files && !running) setWasmPaths(files);
      const backend = running ?? (await findBackendFactory('wasm')());
      const simd = (await env().getAsync('WASM_HAS_SIMD_SUPPORT')) ? ' with SIMD' : '';
      const threads = getThreadsCount();
      const device = `CPU, WebAssembly${simd}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
      return { backend, hardware: 'cpu', device, version: version_wasm };
    } catch (error) {
      const nextStep = `serve tfjs-backend-wasm*.wasm beside the page's script, or say where they are: useBackend('wasm', { wasmPath: '/wasm/' })`;
      throw new BackendError('wasm', messageOf(error), nextStep, { cause: error });
    }
  },
};
