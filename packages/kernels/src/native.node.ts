import { createRequire } from 'node:module';
import { type CallQueue, type Carrier, Marks, type NativeIsas } from './carrier.ts';

/** The functions of native/addon.cc. */
interface Addon {
  isas(): string[];
  kernels(): string[];
  call(callAt: number): string | undefined;
  calls(firstAt: number, count: number): number;
  allocate(bytes: number): number;
  release(address: number): void;
  guard?(address: number, used: number, bytes: number): void;
  view(address: number, bytes: number): ArrayBuffer;
  openQueue(told: (mark: number) => void): number;
  push(queue: number, callAt: number): void;
  mark(queue: number, mark: number): void;
  finish(queue: number): void;
  problem(queue: number): string | undefined;
  clearProblem(queue: number): number;
}

/** The instruction sets of the addon that this machine understands, from the plainest to the best, or why there are none. */
export function nativeIsas(): NativeIsas {
  try {
    const isas = addon().isas();
    return { isas, problem: isas.length === 0 ? 'this processor has no AVX2' : undefined };
  } catch (error) {
    return { isas: [], problem: (error as Error).message };
  }
}

/** The addon with one of its instruction sets. */
export function openNative(isa: string, queued: boolean): Carrier {
  const loaded = addon();
  return {
    name: 'native',
    isa,
    isaNumber: loaded.isas().indexOf(isa),
    mostThreads: 256, // kMostThreads in native/threads.h
    kernels: loaded.kernels(),
    call: loaded.call,
    calls: loaded.calls,
    allocate: loaded.allocate,
    release: loaded.release,
    guard: queued ? undefined : loaded.guard, // what a queue still holds may be touched after its release
    view: (address, bytes) => ({ buffer: loaded.view(address, bytes), byteOffset: 0 }),
    queue: queued ? openQueue(loaded) : undefined,
  };
}

function openQueue(loaded: Addon): CallQueue {
  const marks = new Marks();
  const queue = loaded.openQueue((mark) => marks.tell(mark));
  if (!queue) throw new RangeError('kernels: no memory or no thread for a queue');
  return {
    push: (callAt) => loaded.push(queue, callAt),
    finish: () => loaded.finish(queue),
    finished: () => marks.wait((mark) => loaded.mark(queue, mark)),
    takeProblem: () => {
      const problem = loaded.problem(queue);
      return problem === undefined ? undefined : { kernel: loaded.clearProblem(queue), problem };
    },
  };
}

let found: Addon | undefined;

function addon(): Addon {
  found ??= load();
  return found;
}

/** Where an addon may lie: built from this checkout, or brought by the package of this platform. */
function load(): Addon {
  const require = createRequire(import.meta.url);
  const platform = `${process.platform}-${process.arch}`;
  const packages = [
    `@imgcls/kernels-${platform}`,
    ...(process.platform === 'linux' ? [`@imgcls/kernels-${platform}-musl`] : []),
  ];
  let reason = `the package ${packages[0]} is not installed`;
  const built = process.env.IMGCLS_ADDON ?? '../build/imgcls-kernels.node';
  for (const candidate of [built, ...packages]) {
    try {
      return require(candidate);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND')
        reason = (error as Error).message.split('\n', 1)[0]!;
    }
  }
  throw new Error(reason);
}
