import { askForRelaxedSimd, compileWasm, sharesMemory, startWorker } from '#platform';
import { type CallQueue, type Carrier, Marks } from './carrier.ts';

/** The instruction sets that WebAssembly may have, from the plainest to the best. */
type WasmIsa = 'simd128' | 'relaxed_simd';

/** The modules that lie in wasm/. */
export type WasmFile = `${WasmIsa}${'' | '-threads'}.wasm`;

export interface WorkerHandle {
  /** Whether Node waits for the worker. */
  ref(): void;
  unref(): void;
}

/** The functions of native/interface.h and native/wasm.cc. */
interface Exports {
  imgcls_kernel_count(): number;
  imgcls_kernel_name(kernel: number): number;
  imgcls_call(callAt: number): number;
  imgcls_allocate(bytes: number): number;
  imgcls_release(address: number, bytes: number): void;
  imgcls_queue_open(): number;
  imgcls_queue_push(queue: number, callAt: number): void;
  imgcls_queue_mark(queue: number, mark: number): void;
  imgcls_queue_finish(queue: number): void;
  imgcls_queue_problem(queue: number): number;
  imgcls_queue_clear_problem(queue: number): number;
}

/** Of 64 KiB. */
const initialPages = 512;
const stackBytes = 1 << 20;
/** Less than a 32-bit address can say, so that no sum of two passes it by. */
const mostBytes = 2 ** 32 - 2 ** 16;

/** `local.get 0; local.get 0; local.get 0; f32x4.relaxed_madd` in the smallest module that may hold it. */
const relaxed = 'AGFzbQEAAAABBgFgAXsBewMCAQAKDQELACAAIAAgAP2FAgs=';

/** The instruction sets of WebAssembly that this engine has, from the plainest to the best. */
export function wasmIsas(): readonly WasmIsa[] {
  askForRelaxedSimd();
  const module = Uint8Array.from(atob(relaxed), (character) => character.charCodeAt(0));
  return WebAssembly.validate(module) ? ['simd128', 'relaxed_simd'] : ['simd128'];
}

export interface WasmOptions {
  isa: string;
  threads: number;
  queued: boolean;
  /** Folder of the files, a URL that ends in `/`. */
  wasmPath: string | undefined;
}

/** A module with memory and workers of its own. */
export async function openWasm({ isa, threads, queued, wasmPath }: WasmOptions): Promise<Carrier> {
  const shared = sharesMemory && (threads > 1 || queued);
  const module = await compileWasm(`${isa as WasmIsa}${shared ? '-threads' : ''}.wasm`, wasmPath);
  const memory = shared ? sharedMemory() : new WebAssembly.Memory({ initial: initialPages });
  const env = {
    memory,
    tell: () => undefined,
    now: () => performance.now(),
    may_sleep: () => Number(shared && maySleep()),
  };
  const exports = (await WebAssembly.instantiate(module, { env })).exports as unknown as Exports;
  const crew: Crew = { module, memory, exports };
  if (shared) await Promise.all(Array.from({ length: threads - 1 }, (_, i) => hire(crew, { thread: i + 1 })));
  return {
    name: 'wasm',
    isa,
    isaNumber: 0,
    mostThreads: shared ? threads : 1,
    kernels: Array.from(
      { length: exports.imgcls_kernel_count() },
      (_, i) => text(memory, exports.imgcls_kernel_name(i))!,
    ),
    call: (callAt) => text(memory, exports.imgcls_call(callAt)),
    allocate: (bytes) => (bytes < mostBytes ? exports.imgcls_allocate(bytes) >>> 0 : 0),
    release: exports.imgcls_release,
    view: (address, bytes) => view(memory, address, bytes),
    queue: shared && queued ? await openQueue(crew) : undefined,
  };
}

/** Instances of one module that share one memory. */
interface Crew {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  exports: Exports;
}

/** What a worker says: that it is about to enter the module, that its queue has come to a mark, or what went wrong. */
export type WorkerMessage = 'ready' | number | { problem: string };

/** Starts a worker that shares the work, or works off a queue; resolves when it is about to. */
function hire(
  { module, memory, exports }: Crew,
  work: { thread: number } | { queue: number },
  told: (mark: number) => void = () => undefined,
): Promise<WorkerHandle> {
  const stack = (exports.imgcls_allocate(stackBytes) >>> 0) + stackBytes;
  return new Promise((resolve, reject) => {
    const worker = startWorker({ module, memory, stack, ...work }, (message) => {
      if (typeof message === 'number') return told(message);
      if (message !== 'ready')
        return reject(new Error(`kernels: a thread of WebAssembly could not be started: ${message.problem}`));
      worker.unref(); // now that it is there, it does not keep Node alive
      resolve(worker);
    });
  });
}

async function openQueue(crew: Crew): Promise<CallQueue> {
  const { memory, exports } = crew;
  const queue = exports.imgcls_queue_open();
  const marks = new Marks();
  const worker = await hire(crew, { queue }, (mark) => {
    marks.tell(mark);
    if (marks.pending === 0) worker.unref();
  });
  return {
    push: (callAt) => exports.imgcls_queue_push(queue, callAt),
    finish: () => exports.imgcls_queue_finish(queue),
    finished: () => {
      worker.ref();
      return marks.wait((mark) => exports.imgcls_queue_mark(queue, mark));
    },
    takeProblem: () => {
      const problem = text(memory, exports.imgcls_queue_problem(queue));
      return problem === undefined ? undefined : { kernel: exports.imgcls_queue_clear_problem(queue), problem };
    },
  };
}

/** As much as WebAssembly can address, or as the browser lets it reserve. */
function sharedMemory(): WebAssembly.Memory {
  for (let maximum = 65_536; ; maximum /= 2) {
    try {
      return new WebAssembly.Memory({ initial: initialPages, maximum, shared: true });
    } catch (error) {
      if (maximum <= 4096) throw error;
    }
  }
}

/** The main thread of a page may not. */
function maySleep(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0);
    return true;
  } catch {
    return false;
  }
}

/** Growing by nothing lets this thread see how far others have grown a memory. */
function view(memory: WebAssembly.Memory, address: number, bytes: number) {
  if (memory.buffer.byteLength < address + bytes) memory.grow(0);
  return { buffer: memory.buffer, byteOffset: address };
}

/** The C string at an address, nothing at 0. */
function text(memory: WebAssembly.Memory, address: number): string | undefined {
  if (!address) return undefined;
  const bytes = new Uint8Array(memory.buffer, address >>> 0);
  return String.fromCharCode(...bytes.subarray(0, bytes.indexOf(0)));
}
