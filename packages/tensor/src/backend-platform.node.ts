import { createRequire } from 'node:module';
import { join } from 'node:path';
import { cpu } from './backend-cpu.ts';
import { BackendError, type Engine, messageOf, unavailable } from './backend-engine.ts';
import { native, wasm } from './backend-kernels.ts';
import { tensorflow } from './backend-tensorflow.ts';
import { webgpu } from './backend-webgpu.ts';

/** Every engine that Node knows of. */
export const engines: readonly Engine[] = [
  tensorflow,
  webgpu,
  native,
  unavailable('webgl', 'only browsers have WebGL', `use 'webgpu' or 'wasm'`),
  wasm,
  cpu,
];

/** The tfjs-cores that this process has loaded, by file. */
export function loadedCores(): Map<string, string> {
  const { cache } = createRequire(join(process.cwd(), 'package.json'));
  const isCore = (file: string) => /[\\/]tfjs-core[\\/]dist[\\/]tf-core\.node\.js$/.test(file);
  const loaded = Object.entries(cache).filter(([file, module]) => isCore(file) && module?.loaded);
  return new Map(loaded.map(([file, module]) => [file, module!.exports.version_core]));
}

/** Dawn serves its devices only while the object that made them is referenced. */
let dawn: GPU | undefined;

/** npm's `webgpu` (Dawn). Its classes must be global for tfjs's backend, `navigator.gpu` only while that is built. */
export async function openGpu(): Promise<{ api: GPU; release: () => void }> {
  const { create, globals } = await import('webgpu').catch((error) => {
    throw new BackendError('webgpu', messageOf(error), 'run "npm install webgpu"', { cause: error });
  });
  if (process.platform === 'linux' && !canLoad('libvulkan.so.1')) {
    throw new BackendError(
      'webgpu',
      'the Vulkan loader is not installed',
      'install libvulkan1 and the driver of your GPU',
    );
  }
  Object.assign(globalThis, globals);
  dawn ??= create([]);
  return { api: dawn, release: defineGpu(dawn) };
}

/** Asks the dynamic linker, for Dawn would answer with a warning on stderr. A library that loads is not a Node addon, and said to be so. */
function canLoad(library: string): boolean {
  try {
    process.dlopen({ exports: {} }, library);
    return true;
  } catch (error) {
    return !messageOf(error).includes('cannot open shared object');
  }
}

/** Node 20 has no `navigator`, later ones have one without `gpu`. Returns what takes the definition back. */
function defineGpu(gpu: GPU): () => void {
  const [holder, name, value] = globalThis.navigator ? [navigator, 'gpu', gpu] : [globalThis, 'navigator', { gpu }];
  Object.defineProperty(holder, name, { value, configurable: true });
  return () => Reflect.deleteProperty(holder, name);
}
