import { env, setBackend, engine as tfjs } from '@tensorflow/tfjs-core';
import { engines } from '#backend-platform';
import { checkCore } from './backend-core.ts';
import {
  BackendError,
  type BackendName,
  type BackendOptions,
  type Engine,
  messageOf,
  type OpenBackend,
} from './backend-engine.ts';

export { BackendError, type BackendName, type BackendOptions } from './backend-engine.ts';

/** The backend in use. */
export interface BackendInfo {
  name: BackendName;
  /** What it computes on, in words. */
  device: string;
  /** Version of the package it comes from. */
  version: string;
}

/** What `listBackends` found out about one backend. */
export interface BackendVerdict {
  name: BackendName;
  usable: boolean;
  device?: string;
  /** Version of the package it comes from. */
  version?: string;
  /** Why it is not usable, or, of a usable one, why it is taken only when asked for by name. */
  reason?: string;
  nextStep?: string;
}

checkCore();

/** Fastest first. TensorFlow on a GPU beats everything; on a CPU it comes after our own kernels. */
const preference: readonly { name: BackendName; hardware: OpenBackend['hardware'] }[] = [
  { name: 'tensorflow', hardware: 'gpu' },
  { name: 'webgpu', hardware: 'gpu' },
  { name: 'native', hardware: 'cpu' },
  { name: 'tensorflow', hardware: 'cpu' },
  { name: 'webgl', hardware: 'gpu' },
  { name: 'wasm', hardware: 'cpu' },
  { name: 'cpu', hardware: 'cpu' },
];

const opened = new Map<BackendName, OpenBackend>();

/**
 * Makes a backend the one that computes from now on: the fastest that works here, or the one that is named.
 *
 * Calling it again is cheap; calls at the same time are taken in turn. The order without a name: `tensorflow` on a GPU, `webgpu`,
 * `native`, `tensorflow` on the CPU, `webgl`, `wasm`, `cpu`. Graphics drivers that compute on the CPU are only taken by name.
 *
 * @returns The backend that is current now, and what it runs on.
 * @throws {BackendError} if the named backend does not work here; the current one then stays.
 * @throws {Error} if two versions of tfjs-core have come together in this process.
 * @example
 * ```ts
 * import { useBackend } from '@imgcls/tensor';
 *
 * const { name } = await useBackend('wasm');
 * console.log(name); // => wasm
 * ```
 */
export function useBackend(name?: BackendName, options: BackendOptions = {}): Promise<BackendInfo> {
  return inTurn(async () => {
    const { name: chosen, ...found } = name ? { name, ...(await open(name, options)) } : await openFastest(options);
    await setBackend(chosen);
    return { name: chosen, device: found.device, version: found.version };
  });
}

/**
 * Tries every backend and tells what came of it, in the order of preference. The current backend stays.
 *
 * @example
 * ```ts
 * import { listBackends } from '@imgcls/tensor';
 *
 * for (const { name, usable, device, reason, nextStep } of await listBackends()) {
 *   if (!usable) console.error(`${name}: ${reason}; ${nextStep}`);
 *   else if (name === 'cpu') console.log(device); // => CPU, plain JavaScript
 * }
 * ```
 */
export function listBackends(): Promise<BackendVerdict[]> {
  return inTurn(async () => {
    const verdicts: BackendVerdict[] = [];
    for (const { name } of engines) verdicts.push(await verdictOn(name));
    return verdicts;
  });
}

async function verdictOn(name: BackendName): Promise<BackendVerdict> {
  try {
    const { device, version, hardware } = await open(name, {});
    if (hardware !== 'software') return { name, usable: true, device, version };
    return {
      name,
      usable: true,
      device,
      version,
      reason: 'its driver computes on the CPU, so it is taken only by name',
    };
  } catch (error) {
    if (!(error instanceof BackendError)) throw error;
    return { name, usable: false, reason: error.reason, nextStep: error.nextStep };
  }
}

async function openFastest(options: BackendOptions): Promise<OpenBackend & { name: BackendName }> {
  let withoutNative: string | undefined;
  for (const { name, hardware } of preference) {
    if (engineOf(name).mayHave?.(hardware) === false) continue;
    const found = await open(name, options).catch((error) => {
      if (!(error instanceof BackendError)) throw error;
      if (name === 'native') withoutNative = error.reason;
    });
    if (found?.hardware !== hardware) continue;
    if (name === 'wasm' && withoutNative) tellOnce(`imgcls: wasm takes over from native: ${withoutNative}`);
    return { name, ...found };
  }
  throw new Error('useBackend: no backend works here, not even cpu');
}

let told = !env().getBool('IS_NODE'); // browsers have no native code, which is news to nobody

function tellOnce(line: string): void {
  if (!told) console.warn(line);
  told = true;
}

/** Opens an engine and lays it ready in tfjs, so that changing to it later leaves nothing to wait for. */
async function open(name: BackendName, options: BackendOptions): Promise<OpenBackend> {
  checkCore(); // again, for a tfjs-core may have been loaded since
  const { registry } = tfjs();
  const known = opened.get(name);
  const asksNothing = Object.keys(options).length === 0;
  if (asksNothing && known && registry[name] === known.backend) return known; // else tfjs was reset meanwhile, and the backend disposed of
  const found = await quietly(() => engineOf(name).open(options, registry[name])).catch((error) => {
    if (error instanceof BackendError) throw error;
    // Drivers fail in ways of their own, and one that does must not stand in the way of the others.
    throw new BackendError(name, messageOf(error), 'take another, or no name for the fastest that works', {
      cause: error,
    });
  });
  registry[name] = found.backend;
  opened.set(name, found);
  return found;
}

function engineOf(name: BackendName): Engine {
  const engine = engines.find((candidate) => candidate.name === name);
  if (engine) return engine;
  const names = engines.map((candidate) => candidate.name).join(', ');
  throw new BackendError(name, 'there is no backend of this name', `take one of ${names}`);
}

/** Where a project holds several copies of a stock backend, tfjs warns about each kernel that is registered again, some 170 times. */
async function quietly<T>(load: () => Promise<T>): Promise<T> {
  const quiet = env().getBool('PROD');
  env().set('PROD', true);
  try {
    return await load();
  } finally {
    env().set('PROD', quiet);
  }
}

let last: Promise<unknown> = Promise.resolve();

/** Runs tasks one after the other, whatever became of the one before. */
function inTurn<T>(task: () => Promise<T>): Promise<T> {
  const result = last.then(task);
  last = result.catch(() => undefined); // whoever awaits the result hears of it
  return result;
}
