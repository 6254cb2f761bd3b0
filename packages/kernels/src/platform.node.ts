import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import type { WasmFile, WorkerHandle, WorkerMessage } from './wasm.ts';

export { nativeIsas, openNative } from './native.node.ts';

/** What the environment says: the instruction set, and how many threads. */
export const environment = () => ({ isa: process.env.IMGCLS_ISA, threads: process.env.IMGCLS_THREADS });

export const processors = availableParallelism;

export const sharesMemory = true;

/** The engine of Node 20 has relaxed SIMD, but behind a flag: what modules may hold depends on it, and nothing else. */
export function askForRelaxedSimd(): void {
  if (process.versions.v8?.startsWith('11.3.')) setFlagsFromString('--experimental-wasm-relaxed-simd');
}

export async function compileWasm(file: WasmFile, folder?: string): Promise<WebAssembly.Module> {
  return WebAssembly.compile(await readFile(new URL(file, folder ?? new URL('../wasm/', import.meta.url))));
}

/** Starts wasm/worker.mjs. */
export function startWorker(data: unknown, receive: (message: WorkerMessage) => void): WorkerHandle {
  const worker = new Worker(new URL('../wasm/worker.mjs', import.meta.url), { workerData: data, execArgv: [] });
  worker.on('message', receive).on('error', ({ message }) => receive({ problem: message }));
  return worker;
}
